"""The methods of a study in sentences, written from its configuration and its numbers."""

from collections.abc import Callable, Mapping
from typing import Any

from workbench.report.format import count, in_years, listed, time
from workbench.report.words import has_time, in_sentence, model_titles, short, terms, titled

Document = Mapping[str, Any]
Sentences = list[str]

INNER_FOLDS = 5
NAIVE = ("null", "null_by_group")
WITHOUT = "without_"


def methods_sentences(document: Document) -> dict[str, Sentences]:
    """What was done, by topic, in the order in which it was done.

    Every sentence is written from ``report.json``; a topic of which it tells nothing is left out.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back.

    Returns
    -------
    dict
        Heading of a topic → its sentences.
    """
    written = {title: [s for s in write(document) if s] for title, write in _TOPICS.items()}
    return {title: sentences for title, sentences in written.items() if sentences}


def _patients(document: Document) -> Sentences:
    dataset, outcome = document["dataset"], document["outcome"]
    n, n_events = count(document["n_patients"]), count(document["n_events"])
    title, zero = in_sentence(outcome["title"]), outcome["time_zero"].rstrip(".")
    asked = f"The outcome is {title}, there or not at {zero}; nobody of unknown outcome is counted."
    if has_time(document):
        horizons = [in_years(h, outcome["time_unit"]) for h in document["study"]["horizons"]]
        asked = (
            f"The outcome is {title}, counted in {outcome['time_unit']} from {zero}; risk is asked "
            f"at {listed(horizons)}."
        )
    return [
        f"Models were developed and evaluated in {n} patients with {n_events} events of "
        f"{dataset['title']}, version {dataset['version']}.",
        asked,
    ]


_IMAGES = {
    "outlines": "Images are encoded by a U-Net trained inside each training set without outcomes, "
    "on outlines of lesions where there are masks and else on hidden patches",
    "patches": "Images are encoded by how much they hold of each patch of a dictionary, in their "
    "centre and around it, and by their colours; the dictionary is learned inside each training "
    "set without outcomes, by spherical k-means on small whitened patches, and no weights are "
    "pretrained",
}


def _preparation(document: Document) -> Sentences:
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
        "Ranks, means, scales, directions and encoders are learned from the training patients of "
        "each fold alone, alike for all groups of patients.",
    ]


def _missing(document: Document) -> Sentences:
    optional = _sometimes_absent(document)
    sentences = [
        "A missing value takes the mean of the training patients after scaling; no patient was "
        "left out for a single one."
    ]
    if optional:
        sentences.append(
            f"{listed(optional)[:1].upper()}{listed(optional)[1:]} may be absent altogether: a "
            "patient without it contributes nothing there, and is trained on and evaluated with "
            "all others."
        )
    return sentences


def _sometimes_absent(document: Document) -> list[str]:
    """Titles of the modalities that some evaluated patients lack."""
    titles = {m["name"]: in_sentence(short(m["title"])) for m in document["modalities"]}
    lacking = {
        row["modality"]
        for table in document["availability"]
        if table["by"] == "event"
        for row in table["rows"]
        if row["percent"] != 100
    }
    return [title for name, title in titles.items() if name in lacking]


def _division(document: Document) -> Sentences:
    split, settings = document["definition"]["split"], document["evaluation_settings"]
    n_folds = settings["n_folds"]
    if split is None:
        return []
    match split["kind"]:
        case "given":
            how = f"the {n_folds} published folds of column {split['column']}"
        case "kfold":
            dealt = f", dealt {split['repeats']} times" if split.get("repeats", 1) > 1 else ""
            how = f"{n_folds} random folds{dealt}, stratified by event (seed {split['seed']})"
        case "site":
            how = f"{n_folds} folds of whole sites"
        case _:
            how = f"a cut in time ({split['column']} from {split['from']:g} on is held out)"
    others = [other["title"] for other in document["other_splits"]]
    repeated = "Pairs are compared within the folds of every deal; probabilities are averaged."
    return [
        f"Patients were divided into {how}; every patient is in one part, and each part is "
        "predicted by models of the others.",
        repeated if split.get("repeats", 1) > 1 else "",
        f"All was repeated with {listed(others)}." if others else "",
    ]


def _same_patients(document: Document) -> Sentences:
    split = document["definition"]["split"]
    if split is None:
        return []
    if split["kind"] == "time":
        return [
            "Training and evaluation patients differ: the earlier ones train, the later ones are "
            "evaluated; outcome, criteria and inputs are the same."
        ]
    sites = [o["title"] for o in document["other_splits"] if "site" in o["title"]]
    return [
        "Training and evaluation patients come of the same data, with the same criteria, outcome "
        "and inputs: this is internal validation"
        + (f", beside which {listed(sites)} show how models fare in sites they never saw." if sites
           else "."),
    ]  # fmt: skip


def _models(document: Document) -> Sentences:
    titles = model_titles(document)
    ladder = dict.fromkeys(row["model"] for row in document["ladder"])
    compared = [m for m in ladder if not m.startswith(WITHOUT) and m not in NAIVE]
    if not compared or not document["chosen"]:
        return []
    chosen = [row["model"] for row in document["chosen"]]
    counts = {model: chosen.count(model) for model in dict.fromkeys(chosen)}
    won = listed([f"{in_sentence(titled(titles, m))} in {n}" for m, n in counts.items()])
    seed = document["evaluation_settings"]["seed"]
    network, timed = "fusion_net" in compared, has_time(document)
    return [
        f"{len(compared)} models were compared with {'Kaplan–Meier' if timed else 'the prevalence'}"
        f": {listed([in_sentence(titled(titles, m)) for m in compared])}.",
        "Cox models have a ridge penalty; survival follows from their risk scores by Breslow’s "
        "estimator of the baseline hazard on out-of-fold scores."
        if timed
        else "Logistic models have a ridge penalty on all but the intercept, which is that of "
        "out-of-fold scores.",
        f"The fusion network ({_network(document)}) is an ensemble trained on the Cox partial "
        "likelihood of whole risk sets and scaled by its out-of-fold calibration slope."
        if network
        else "",
        f"Penalties{', epochs' if timed else ''} and the selected model are chosen by the held-out "
        f"{'partial' if timed else 'binomial'} likelihood in {INNER_FOLDS} inner folds of each "
        f"training set (seed {seed}).",
        f"Of {len(chosen)} outer folds, the selected model is {won}.",
    ]


def _network(document: Document) -> str:
    shape = document["study"].get("network") or {"fuser": "gated"}
    return f"fuser: {shape['fuser'].replace('_', ' ')}"


def _predictions(document: Document) -> Sentences:
    judged = document["evaluation_settings"].get("judged")
    timed = has_time(document)
    if not judged or (timed and not document["study"]["horizons"]):
        return []
    what = "(log relative hazard) and survival at the horizons" if timed else "(log odds) and risk"
    return [
        f"Each patient’s risk score {what} are those of the models that were trained without that "
        "patient; risk scores of different folds are never ranked together.",
        "No class is made of the risk but for display: thirds of the risk score within folds.",
    ]


def _measures(document: Document) -> Sentences:
    settings = document["evaluation_settings"]
    if not settings.get("n_bootstrap") or not document["at_horizons"]:
        return []
    intervals = (
        f"Intervals are {settings['confidence'] * 100:.0f} % percentiles of "
        f"{settings['n_bootstrap']:,} bootstraps of patients within folds"
    )
    benefit = "Net benefit is shown over thresholds of risk."
    benefit = benefit if document.get("decision_curves") else ""
    if not has_time(document):
        return [
            "Discrimination is measured by the AUC within folds, calibration by intercept and "
            "slope on the logit scale, observed over expected, smoothed curves and their mean "
            "distance from the diagonal (ICI), overall accuracy by the Brier score and its index "
            "of prediction accuracy (IPA) against the prevalence.",
            f"{intervals}.",
            benefit,
        ]
    strata = settings["censoring_strata"]
    unit = settings["time_unit"]
    at = listed([f"{time(h)} {unit}" for h in settings["horizons"]])
    return [
        "Discrimination is measured by Harrell’s C within folds, Uno’s C and the time-dependent "
        f"AUC, calibration at {at} by intercept, slope, observed over expected and smoothed "
        "curves, overall accuracy by the Brier score and its index of prediction accuracy (IPA) "
        "against Kaplan–Meier.",
        "Censoring is weighted by Kaplan–Meier of the censoring times"
        + (f", stratified by group ({listed(list(strata))})." if strata else "."),
        f"{intervals}; a horizon with fewer than {settings['fewest_at_risk']} at risk is refused.",
        benefit,
    ]


def _classes(document: Document) -> Sentences:
    n, n_events = document["n_patients"], document["n_events"]
    if not isinstance(n_events, int) or not isinstance(n, int) or not n:
        return []
    return [
        f"{n_events / n * 100:.1f} % of patients had the event; neither patients nor events were "
        "resampled or weighted for it, so predicted risks need no correction."
    ]


def _clusters(document: Document) -> Sentences:
    looked = document.get("subgroups") or []
    sites = {
        row["group"]
        for table in looked
        for row in table["rows"]
        if row["kind"] == "site" and not row["refused"]
    }
    held_out = [o["title"] for o in document["other_splits"] if "site" in o["title"]]
    found = []
    if sites:
        c = terms(document).c
        found.append(f"judging each of {len(sites)} sites, with a random-effects summary of {c}")
    if held_out:
        found.append(f"folds with {listed(held_out)}")
    return [f"Differences between sites were looked at by {listed(found)}."] if found else []


def _updating(document: Document) -> Sentences:
    if not document["ladder"]:
        return []
    return ["No model was updated, recalibrated or changed after its evaluation."]


def _software(document: Document) -> Sentences:
    if not document.get("code_version"):
        return []
    environment = document.get("environment")
    if not environment:
        return [f"precision-workbench {document['code_version']}, seed {document['seed']}."]
    packages = listed([f"{k} {v}" for k, v in sorted(environment["packages"].items())])
    return [
        f"precision-workbench {document['code_version']} on Python {environment['python']} with "
        f"{packages}; seed {document['seed']}.",
        "`workbench run report.json` repeats the run and compares every number.",
    ]


_TOPICS: dict[str, Callable[[Document], Sentences]] = {
    "Patients and outcome": _patients,
    "Preparation": _preparation,
    "Missing data": _missing,
    "Division of the data": _division,
    "Training and evaluation data": _same_patients,
    "Models": _models,
    "Predictions": _predictions,
    "Measures": _measures,
    "Event frequency": _classes,
    "Sites": _clusters,
    "Updating": _updating,
    "Software": _software,
}
