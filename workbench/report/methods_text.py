"""The methods of a study in sentences, written from its configuration and its numbers."""

from collections.abc import Callable, Mapping
from typing import Any

from workbench.report.format import count, in_years, listed, time
from workbench.report.methods_models import initial_weights, missing_data, models, preparation
from workbench.report.words import has_time, in_sentence, terms

Document = Mapping[str, Any]
Sentences = list[str]


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
    source = f"of {dataset['title']}, version {dataset['version']}"
    of_whom = f"{n} patients with {n_events} events"
    if not _in_time(document):
        return [f"Models were developed and evaluated in {of_whom} {source}.", asked]
    return [f"Models were {_developed_in(document)}evaluated in {of_whom}, {source}.", asked]


def _in_time(document: Document) -> bool:
    """Whether the later patients were held out once, and the earlier ones only train."""
    return (document["definition"]["split"] or {}).get("kind") == "time"


def _developed_in(document: Document) -> str:
    """The earlier patients, who are not among those whom the report counts."""
    for row in document["chosen"]:
        if isinstance(row.get("n_train"), int):
            n, n_events = count(row["n_train"]), count(row["events_train"])
            return f"developed in {n} earlier patients with {n_events} events and "
    return ""


def _division(document: Document) -> Sentences:
    split, settings = document["definition"]["split"], document["evaluation_settings"]
    n_folds = settings["n_folds"]
    if split is None:
        return []
    each = "; every patient is in one part, and each part is predicted by models of the others"
    match split["kind"]:
        case "given":
            how = f"into the {n_folds} published folds of column {split['column']}{each}"
        case "kfold":
            dealt = f", dealt {split['repeats']} times" if split.get("repeats", 1) > 1 else ""
            how = (
                f"into {n_folds} random folds{dealt}, stratified by event (seed {split['seed']})"
                f"{each}"
            )
        case "site":
            how = f"into {n_folds} folds of whole sites{each}"
        case _:
            how = (
                f"by a cut in time ({split['column']} from {split['from']:g} on is held out): "
                "models of the earlier patients predict the later ones, who alone are evaluated"
            )
    others = [other["title"] for other in document["other_splits"]]
    repeated = "Pairs are compared within the folds of every deal; probabilities are averaged."
    return [
        f"Patients were divided {how}.",
        repeated if split.get("repeats", 1) > 1 else "",
        f"All was repeated with {listed(others)}." if others else "",
    ]


def _same_patients(document: Document) -> Sentences:
    split = document["definition"]["split"]
    if split is None:
        return []
    if _in_time(document):
        return [
            "Training and evaluation patients differ: the earlier ones train, the later ones are "
            "evaluated; outcome, criteria and inputs are the same."
        ]
    sites = [other["title"] for other in sites_held_out(document)]
    return [
        "Training and evaluation patients come of the same data, with the same criteria, outcome "
        "and inputs: this is internal validation"
        + (f", beside which {listed(sites)} show how models fare in sites they never saw." if sites
           else "."),
    ]  # fmt: skip


def sites_held_out(document: Document) -> list[Mapping[str, Any]]:
    """Those of the other ways of splitting that hold out whole sites."""
    return [other for other in document["other_splits"] if other.get("kind") == "site"]


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
    held_out = [other["title"] for other in sites_held_out(document)]
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
    "Preparation": preparation,
    "Missing data": missing_data,
    "Division of the data": _division,
    "Training and evaluation data": _same_patients,
    "Models": models,
    "Initial weights": initial_weights,
    "Predictions": _predictions,
    "Measures": _measures,
    "Event frequency": _classes,
    "Sites": _clusters,
    "Updating": _updating,
    "Software": _software,
}
