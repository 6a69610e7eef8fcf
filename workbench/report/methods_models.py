"""What was done to the inputs and how models were made of them, in sentences of the methods."""

from collections.abc import Mapping
from typing import Any

from workbench.report.format import listed
from workbench.report.words import (
    has_time,
    in_sentence,
    model_titles,
    rung,
    short_titles,
    titled,
)

Document = Mapping[str, Any]
Sentences = list[str]

INNER_FOLDS = 5
NETWORK = "fusion_net"
USUAL_NETWORK = {"fuser": "gated", "genomics": "components", "ehr": "columns"}
NETWORK_INPUTS = 16
"""Leading directions of a modality that the network sees where a study says nothing else."""
NAIVE = ("null", "null_by_group")
WITHOUT = "without_"

_IMAGES = {
    "outlines": "Images are encoded by a U-Net trained inside each training set without outcomes, "
    "on outlines of lesions where there are masks and else on hidden patches",
    "patches": "Images are encoded by how much they hold of each patch of a dictionary, in their "
    "centre and around it, and by their colours; the dictionary is learned inside each training "
    "set without outcomes, by spherical k-means on small whitened patches",
}

_AT_RANDOM = "are initialised at random, at a scale of one over the root of a layer’s inputs"
_FIRST_OF_IMAGES = {
    "outlines": f"Weights of the image encoder {_AT_RANDOM}.",
    "patches": "The dictionary of patches is initialised with random directions.",
}


def preparation(document: Document) -> Sentences:
    """How each kind of data became numbers that models read."""
    kinds = {m["kind"] for m in document["modalities"]}
    written = {
        "ehr": "Each level of a categorical variable but the first, its reference, is one column; "
        "numeric variables enter linearly; all are scaled to unit variance.",
        "genomics": "Molecular features are ranked into normal scores and projected on all their "
        "principal directions.",
        "image": f"{_IMAGES[document['study'].get('image_encoder', 'outlines')]}; embeddings are "
        "clipped at the outer 1 % of training patients.",
    }
    if not kinds & written.keys():
        return []
    return [
        *(sentence for kind, sentence in written.items() if kind in kinds),
        *(sentence for kind, sentence in _seen_by_network(document).items() if kind in kinds),
        "Ranks, means, scales, directions and encoders are learned from the training patients of "
        "each fold alone, alike for all groups of patients.",
    ]


def _network(document: Document) -> Mapping[str, str]:
    """Shape of the fusion network; empty where it is not among the models."""
    if all(row["model"] != NETWORK for row in document["ladder"]):
        return {}
    return USUAL_NETWORK | (document["study"].get("network") or {})


def _seen_by_network(document: Document) -> dict[str, str]:
    """Kind of data → what the fusion network sees of it, where that is not what the others see."""
    shape = _network(document)
    if not shape:
        return {}
    leading = f"its leading {NETWORK_INPUTS} directions"
    told = {"genomics": f"The fusion network sees of each molecular modality {leading} alone."}
    if shape["genomics"] == "pathways":
        told["genomics"] = (
            "The fusion network reads molecular features before that projection, where the dataset "
            "description names gene sets: each set is one token, the features of none share one "
            f"more, and attention reads the tokens; of a modality without sets it sees {leading}."
        )
    if shape["ehr"] == "tokens":
        told["ehr"] = (
            "The fusion network reads each clinical variable, all its levels together, as one "
            "token, and attention reads the tokens."
        )
    return told


def missing_data(document: Document) -> Sentences:
    """What stood in for missing values and absent modalities."""
    optional = _sometimes_absent(document)
    sentences = [
        "A missing value takes the mean of the training patients after scaling; no patient was "
        "left out for a single one."
    ]
    if _network(document).get("ehr") == "tokens":
        sentences.append(
            "In the fusion network a missing clinical value has a learned token of its own instead."
        )
    if optional:
        sentences.append(
            f"{listed(optional)[:1].upper()}{listed(optional)[1:]} may be absent altogether: a "
            "patient without it contributes nothing there, and is trained on and evaluated with "
            "all others."
        )
    return sentences


def _sometimes_absent(document: Document) -> list[str]:
    """Titles of the modalities that some evaluated patients lack."""
    titles = {name: in_sentence(title) for name, title in short_titles(document).items()}
    lacking = {
        row["modality"]
        for table in document["availability"]
        if table["by"] == "event"
        for row in table["rows"]
        if row["percent"] != 100
    }
    return [title for name, title in titles.items() if name in lacking]


def models(document: Document) -> Sentences:
    """What was compared, how it was fitted and what was selected."""
    titles = model_titles(document)
    ladder = dict.fromkeys(row["model"] for row in document["ladder"])
    compared = [m for m in ladder if not m.startswith(WITHOUT) and m not in NAIVE]
    if not compared or not document["chosen"]:
        return []
    chosen = [row["model"] for row in document["chosen"]]
    counts = {model: chosen.count(model) for model in dict.fromkeys(chosen)}
    won = listed([f"{in_sentence(titled(titles, m))} in {n}" for m, n in counts.items()])
    seed = document["evaluation_settings"]["seed"]
    network, timed = _network(document), has_time(document)
    fuser = network.get("fuser", "").replace("_", " ")
    return [
        f"{len(compared)} models were compared with {'Kaplan–Meier' if timed else 'the prevalence'}"
        f": {listed([in_sentence(titled(titles, m)) for m in compared])}.",
        "Cox models have a ridge penalty; survival follows from their risk scores by Breslow’s "
        "estimator of the baseline hazard on out-of-fold scores."
        if timed
        else "Logistic models have a ridge penalty on all but the intercept, which is that of "
        "out-of-fold scores.",
        f"The fusion network (fuser: {fuser}) is an ensemble trained on the Cox partial likelihood "
        "of whole risk sets and scaled by its out-of-fold calibration slope."
        if network
        else "",
        f"Penalties{', epochs' if network else ''} and the selected model are chosen by the "
        f"held-out {'partial' if timed else 'binomial'} likelihood in {INNER_FOLDS} inner folds of "
        f"each training set (seed {seed}).",
        f"Of {len(chosen)} outer folds, the selected model is {won}."
        if len(chosen) > 1
        else f"The selected model is {in_sentence(titled(titles, chosen[0]))}.",
        *(
            f"{titled(titles, model)}: {rung(document, model)}."
            for model in counts
            if model not in compared
        ),
    ]


def initial_weights(document: Document) -> Sentences:
    """Where whatever was fitted began; ``fusion`` starts nothing from weights of others."""
    fitted = {row["model"] for row in document["ladder"]} - {*NAIVE}
    if not fitted:
        return []
    images = any(m["kind"] == "image" for m in document["modalities"])
    encoder = _FIRST_OF_IMAGES[document["study"].get("image_encoder", "outlines")] if images else ""
    of_networks = f"Weights of each fusion network of the ensemble {_AT_RANDOM}."
    network = of_networks if _network(document) else ""
    seed = document["evaluation_settings"]["seed"]
    return [
        "Coefficients of the regressions are initialised at 0; their penalised likelihood has one "
        "maximum, which Newton’s method finds from there.",
        encoder,
        network,
        f"All is drawn with seed {seed}; nothing is pretrained." if encoder or network else "",
    ]
