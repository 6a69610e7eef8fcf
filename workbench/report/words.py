"""What a person reads for the names that code and ``report.json`` use."""

from collections.abc import Mapping
from typing import Any

RESEARCH_USE = "Research use only; not a medical device."
SIMULATED = "Simulated data"

MODELS = {
    "null": "No model (Kaplan–Meier)",
    "clinical": "Clinical Cox",
    "concatenation": "Concatenation Cox",
    "stack": "Combined model",
    "fusion_net": "Fusion network",
    "selected": "Selected model",
}

RUNGS = {
    "null": "the survival curve of the training patients, the same for everyone",
    "clinical": "a Cox model on the clinical variables alone: what the clinic already knows",
    "concatenation": "one penalised Cox model on all features at once",
    "stack": "clinical variables beside one out-of-fold score a modality, in a penalised Cox model",
    "fusion_net": "a neural network that encodes each modality and fuses those that are present",
    "selected": "whichever of these won in the inner folds; the only model that is judged",
}

METRICS = {
    "harrell_c": "Harrell’s C",
    "delta_harrell_c": "Change in C over clinical",
    "harrell_c_fold_mean": "Mean C of folds",
    "uno_c": "Uno’s C",
    "ibs": "Integrated Brier score",
    "ipa": "IPA",
    "delta_ipa": "Change in IPA over clinical",
}


def rung(document: Mapping[str, Any], model: str) -> str:
    """What a model is, in half a sentence."""
    if model == document["evaluation_settings"]["markers"]:
        return "a Cox model on the clinical variables and the known molecular markers"
    if model in modality_titles(document) and model not in RUNGS:
        return "a penalised Cox model on this input alone"
    return RUNGS.get(model, "a further model of the study")


def model_titles(document: Mapping[str, Any]) -> dict[str, str]:
    """Every model of the comparison, and every modality, as a person reads it."""
    titles = dict(MODELS)
    markers = document["evaluation_settings"]["markers"]
    if markers:
        titles[markers] = "Clinical Cox with known markers"
    modalities = {m["name"]: m["title"] for m in document["modalities"]}
    for name, title in modalities.items():
        titles.setdefault(name, f"{title} alone")
    return titles


def modality_titles(document: Mapping[str, Any]) -> dict[str, str]:
    return {m["name"]: m["title"] for m in document["modalities"]}


def titled(titles: Mapping[str, str], name: str) -> str:
    """What a person reads for a name; the name itself where nobody gave it a title."""
    return titles.get(name, name)


def group_title(group: str) -> str:
    return "All patients" if group == "all" else group
