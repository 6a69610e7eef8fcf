"""What a person reads for the names that code and ``report.json`` use."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.evaluation.words import Terms, terms_of

RESEARCH_USE = "Research use only; not a medical device."
SIMULATED = "Simulated data"

MODELS = {
    "null": "Kaplan–Meier",
    "null_by_group": "Kaplan–Meier by group",
    "clinical": "Clinical Cox",
    "clinical_markers": "Clinical Cox with known markers",
    "concatenation": "Concatenation Cox",
    "stack": "Combined model",
    "fusion_net": "Fusion network",
    "blend": "Blend of models",
    "selected": "Selected model",
}

RUNGS = {
    "null": "no model: the survival curve of the training patients, the same for everyone",
    "null_by_group": "the same within each group",
    "clinical": "a Cox model on the clinical variables alone: what the clinic already knows",
    "clinical_markers": "a Cox model on the clinical variables and the known molecular markers",
    "concatenation": "one penalised Cox model on all features at once",
    "stack": "clinical variables beside one out-of-fold score a modality, in a penalised Cox model",
    "fusion_net": "a neural network that encodes each modality and fuses those that are present",
    "blend": "a Cox model on the out-of-fold scores of the models of all modalities",
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

STATE_MODELS = MODELS | {
    "null": "Prevalence",
    "null_by_group": "Prevalence by group",
    "clinical": "Clinical logistic model",
    "clinical_markers": "Clinical logistic model with known markers",
    "concatenation": "Concatenation logistic model",
}
STATE_RUNGS = {
    name: words.replace("Cox model", "logistic model") for name, words in RUNGS.items()
} | {"null": "no model: the share of training patients with the event, the same for everyone"}
STATE_METRICS = {
    "harrell_c": "AUC",
    "delta_harrell_c": "Change in AUC over clinical",
    "harrell_c_fold_mean": "Mean AUC of folds",
    "ipa": "IPA",
    "delta_ipa": "Change in IPA over clinical",
}
"""What the names mean, and which of them there are, where the outcome has no time."""

OF_TIMES = ("follow-up", "risk-groups")
"""Sections that there are only of times to an event."""

RANKS_NOBODY = ("null", "null_by_group")
"""Models without a risk score of their own: no concordance of theirs is drawn."""


def terms(document: Mapping[str, Any]) -> Terms:
    """How a study is spoken of: of times to an event, or of an event that is there or not."""
    return terms_of(document["evaluation_settings"].get("time_unit"))


def has_time(document: Mapping[str, Any]) -> bool:
    """Whether the outcome is a time, with horizons, follow-up and censoring."""
    return terms(document).has_time


def metrics(document: Mapping[str, Any]) -> dict[str, str]:
    """Metrics of the model comparison that there are, and their titles."""
    return METRICS if has_time(document) else STATE_METRICS


def rung(document: Mapping[str, Any], model: str) -> str:
    """What a model is, in half a sentence."""
    if model in modality_titles(document) and model not in RUNGS:
        return f"a penalised {terms(document).regression} model on this input alone"
    return (RUNGS if has_time(document) else STATE_RUNGS).get(model, "a further model of the study")


def model_titles(document: Mapping[str, Any]) -> dict[str, str]:
    """Every model of the comparison, and every modality, as a person reads it."""
    titles = dict(MODELS if has_time(document) else STATE_MODELS)
    markers = document["evaluation_settings"]["markers"]
    if markers:
        titles[markers] = titles["clinical_markers"]
    for name, title in short_titles(document).items():
        titles.setdefault(name, f"{title} alone")
        titles[f"without_{name}"] = f"Combined model without {in_sentence(title)}"
    return titles


def modality_titles(document: Mapping[str, Any]) -> dict[str, str]:
    """Modality → its whole title."""
    return {m["name"]: m["title"] for m in document["modalities"]}


def short_titles(document: Mapping[str, Any]) -> dict[str, str]:
    """Modality → its title without what stands after a comma or in brackets; no two alike."""
    return told_apart(modality_titles(document))


def told_apart(titles: Mapping[str, str]) -> dict[str, str]:
    """Name → the head of its title, and more of it where others have the same head.

    That is the whole title, with the name where even whole titles are the same.

    Examples
    --------
    >>> told_apart({"t1": "MRI, T1-weighted", "flair": "MRI, FLAIR", "rna": "Genes (RNA)"})
    {'t1': 'MRI, T1-weighted', 'flair': 'MRI, FLAIR', 'rna': 'Genes'}
    """
    n_heads = Counter(map(short, titles.values()))
    n_titles = Counter(titles.values())
    return {
        name: short(title)
        if n_heads[short(title)] == 1
        else title
        if n_titles[title] == 1
        else f"{title} ({name})"
        for name, title in titles.items()
    }


def with_modality_titles(
    evaluation: Mapping[str, Any], modalities: Mapping[str, str]
) -> dict[str, Any]:
    """An evaluation whose sentences call kinds of data by their titles.

    Parameters
    ----------
    evaluation
        ``Evaluation.to_json()``, whose sentences name them as the study does.
    modalities
        Name → title, as the card has it.
    """
    titles = {name: in_sentence(head) for name, head in told_apart(modalities).items()}
    names = "|".join(map(re.escape, titles))
    named = re.compile(rf"\b([Pp]atients with|who have|model with|model of|without) ({names})\b")

    def reworded(sentence: str) -> str:
        return named.sub(lambda found: f"{found[1]} {titles[found[2]]}", sentence)

    claims = {
        name: [{**claim, "sentence": reworded(claim["sentence"])} for claim in evaluation[name]]
        for name in ("claims", "modality_value")
    }
    notes = [
        note[:1].upper() + note[1:] if named.match(note) else note for note in evaluation["notes"]
    ]
    return {**evaluation, **claims, "notes": [reworded(note) for note in notes]}


def short(title: str) -> str:
    """The head of a title or meaning.

    Examples
    --------
    >>> short("MRI, two key slices"), short("Sex, as recorded"), short("Grade (WHO 2007); no risk")
    ('MRI', 'Sex', 'Grade')
    """
    return re.split(r"[,;:(]", title, maxsplit=1)[0].strip() or title


def in_sentence(title: str) -> str:
    """For the middle of a sentence; names such as DNA or TCGA keep their capitals.

    Examples
    --------
    >>> in_sentence("Gene expression"), in_sentence("MRI"), in_sentence("IDH1 mutation")
    ('gene expression', 'MRI', 'IDH1 mutation')
    """
    title = title.rstrip(".")
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def label(document: Mapping[str, Any], column: str) -> str:
    """What a column holds: the head of its meaning, since its name is only a name."""
    found = document["columns"].get(column)
    return column.replace("_", " ") if found is None else found["label"]


def titled(titles: Mapping[str, str], name: str) -> str:
    """What a person reads for a name; the name itself where nobody gave it a title."""
    return titles.get(name, name)


def group_title(document: Mapping[str, Any], group: str) -> str:
    """A group as a heading."""
    if group == "all":
        return "All patients"
    modality = modality_groups(document).get(group)
    if modality is None:
        return group
    return f"Patients with {in_sentence(short_titles(document)[modality])}"


def group_in_sentence(document: Mapping[str, Any], group: str) -> str:
    """A group in the middle of a sentence; the study's own titles stay as they are."""
    title = group_title(document, group)
    return in_sentence(title) if group == "all" or title != group else title


def modality_groups(document: Mapping[str, Any]) -> dict[str, str]:
    """Group of those who have a modality → the modality."""
    return {f"patients with {m['name']}": m["name"] for m in document["modalities"]}


def of_study(
    document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[int, Mapping[str, Any]]]:
    """Rows of all patients and of the study's own groups, with their places in ``rows``."""
    aside = modality_groups(document)
    return [(i, row) for i, row in enumerate(rows) if row["group"] not in aside]


def within_first(
    document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[int, Mapping[str, Any]]]:
    """The same with the groups before all patients: a pooled number never stands alone."""
    return sorted(of_study(document, rows), key=lambda placed: placed[1]["group"] == "all")
