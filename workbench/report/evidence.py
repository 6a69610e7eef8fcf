"""Whether the evidence for an item of a checklist is really in a report: one rule a subject.

A rule looks at the numbers and sentences of ``report.json``, never at what the program could do:
take the evidence out of the document, and the rule says no.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from workbench.report.methods_text import methods_sentences, sites_held_out
from workbench.report.report_title import report_title
from workbench.report.words import has_time, short

Document = Mapping[str, Any]
Rule = Callable[[Document], Any]

TREATMENT = re.compile(
    r"treatment|therap|surg|resection|drug|chemo|radiation|irradiat", re.IGNORECASE
)
STUDY = re.compile(r"develop|validat|evaluat|performance", re.IGNORECASE)
PREDICTION = re.compile(r"predict|prognos|diagnos", re.IGNORECASE)
LEARNING = re.compile(
    r"machine[ -]learning|deep[ -]learning|neural network|artificial intelligence", re.IGNORECASE
)


def _told(topic: str) -> Rule:
    """The methods tell of a topic."""
    return lambda document: methods_sentences(document).get(topic)


def _interval(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        value.get(name) is not None for name in ("estimate", "lower", "upper")
    )


def _judged(document: Document) -> str:
    return document["evaluation_settings"].get("judged", "")


def _kind_of_study(document: Document) -> bool:
    """The title that is shown names the kind of study, the population's data and the outcome."""
    title = report_title(document)
    named = [short(document[part]["title"]).casefold() for part in ("outcome", "dataset")]
    return (
        bool(STUDY.search(title) and PREDICTION.search(title))
        and all(named)
        and all(name in title.casefold() for name in named)
    )


def _performance(document: Document) -> bool:
    """The judged model's C and a calibration, each with its interval."""
    own = [row for row in document["ladder"] if row["model"] == _judged(document)]
    at = [row for row in document["at_horizons"] if row["model"] == _judged(document)]
    return any(_interval(row["harrell_c"]) for row in own) and any(
        _interval(row["calibration_slope"]) for row in at
    )


def _groups(document: Document) -> list[Mapping[str, Any]]:
    """Rows of groups, sites and modalities that could be judged."""
    return [
        row
        for table in document.get("subgroups") or ()
        for row in table["rows"]
        if _interval(row["harrell_c"])
    ]


def _fairness(document: Document) -> bool:
    """At least two groups of the study, beside all patients, were judged."""
    asked = {
        row["group"]
        for row in _groups(document)
        if row["kind"] == "group" and not row["group"].startswith("patients with")
    }
    return len(asked) >= 2


def _clusters(document: Document) -> bool:
    """Numbers of at least two sites together, or of models in sites they never saw."""
    return any(table["sites"] for table in document.get("subgroups") or ()) or _sites_out(document)


def _sites_out(document: Document) -> bool:
    split = document["definition"]["split"] or {}
    others = sites_held_out(document)
    return split.get("kind") == "site" or any(other["ladder"] for other in others)


def _centres(document: Document) -> bool:
    """How many patients come from each of at least two sites."""
    sites = {c["name"] for c in document["data_card"]["columns"] if c["role"] == "site"}
    shown = [table for table in document["availability"] if table["by"] in sites]
    return any(len({row["level"] for row in table["rows"]}) >= 2 for table in shown)


def _predictors(document: Document) -> bool:
    """Each input has a meaning, and it is said when it was known."""
    card = document["data_card"]
    columns = [column for column in card["columns"] if column["input"]]
    wide = [m for m in card["modalities"] if m["kind"] != "ehr"]
    told = [c["meaning"] and c["known"] for c in columns] + [
        m["title"] and m["known"] for m in wide
    ]
    return bool(told) and all(told)


def _absent_inputs(document: Document) -> bool:
    """The model was judged in patients who lack an input, or nobody lacks one."""
    percents = [
        row["percent"]
        for table in document["availability"]
        if table["by"] == "event"
        for row in table["rows"]
    ]
    nobody = bool(percents) and all(percent == 100 for percent in percents)
    without = any(row["group"].startswith("patients without") for row in _groups(document))
    return (nobody or without) and bool(methods_sentences(document).get("Missing data"))


def _treatment(document: Document) -> bool:
    """An expected variable on treatment, and whether it was there."""
    return any(TREATMENT.search(item["item"]) for item in document["inventory"])


def _characteristics(document: Document) -> bool:
    table = document["table_one"]
    return len(table["rows"]) > 2 and "missing" in table["columns"]


def _numbers_analysed(document: Document) -> bool:
    chosen = document["chosen"]
    return bool(chosen) and all(row.get("n_train") and row.get("events_train") for row in chosen)


def _explained(document: Document) -> bool:
    shown = document["contributions"]
    return bool(shown["modalities"]) and bool(shown["checks"])


RULES: Mapping[str, Rule] = {
    "absent_inputs": _absent_inputs,
    "centres": _centres,
    "characteristics": _characteristics,
    "choice_of_predictors": lambda d: d["inventory"] and d["modalities"],
    "classes": _told("Event frequency"),
    "clusters": _clusters,
    "clusters_looked_at": lambda d: _told("Sites")(d) and _clusters(d),
    "code_sharing": lambda d: d.get("code_version") and _told("Software")(d),
    "compared": lambda d: any(
        row["largest_smd"] is not None for row in d.get("fold_balance") or ()
    ),
    "data_sharing": lambda d: d["dataset"]["licence"] and d["dataset"]["source"],
    "data_source": lambda d: d["dataset"]["source"] and d["dataset"]["citation"],
    "eligibility": lambda d: d["attrition"] and len(d["definition_sentences"]) > 1,
    "explanation": _explained,
    "failures": lambda d: d.get("failure_cases"),
    "fairness": _fairness,
    "flow": lambda d: (
        d["attrition"]
        and (not has_time(d) or d["follow_up"]["median_follow_up"]["estimate"] is not None)
    ),
    "folds": _told("Division of the data"),
    "kind_of_study": _kind_of_study,
    "goal": _told("Patients and outcome"),
    "initial_weights": _told("Initial weights"),
    "limits": lambda d: d["limits"],
    "markers_named": lambda d: d["data_card"]["markers"] and d["claims"],
    "measures": _told("Measures"),
    "method_in_title": lambda d: LEARNING.search(report_title(d)),
    "missing_data": lambda d: _told("Missing data")(d) and d["availability"],
    "models": _told("Models"),
    "no_updating": _told("Updating"),
    "numbers_analysed": _numbers_analysed,
    "objectives": lambda d: d["claims"],
    "other_folds": lambda d: any(other["ladder"] for other in d["other_splits"]),
    "outcome": lambda d: d["outcome"]["time_zero"] and (not has_time(d) or d["study"]["horizons"]),
    "output": lambda d: _told("Predictions")(d) and d.get("saved_model"),
    "performance": _performance,
    "predictions_computed": _told("Predictions"),
    "predictors": _predictors,
    "preparation": _told("Preparation"),
    "sample_size": lambda d: d.get("sample_size"),
    "saved_model": lambda d: (d.get("saved_model") or {}).get("sha256"),
    "software": lambda d: (d.get("environment") or {}).get("packages"),
    "training_and_evaluation": _told("Training and evaluation data"),
    "treatment": _treatment,
}
"""Name of a rule, as the checklists' files use it → whether its evidence is there."""


def holds(name: str, document: Document) -> bool:
    """Whether a rule finds its evidence; a document without the entry it looks at has none.

    Parameters
    ----------
    name
        Of :data:`RULES`.
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back.
    """
    try:
        return bool(RULES[name](document))
    except (KeyError, TypeError):  # The entry is not there, or is None where nothing was found.
        if name not in RULES:
            raise
        return False
