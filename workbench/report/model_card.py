"""The card of a saved model: for whom it is, how it did, where it must not be used."""

from collections.abc import Mapping
from typing import Any

from workbench.report.format import in_years, listed
from workbench.report.words import RESEARCH_USE, group_title, has_time, in_sentence, titled

Document = Mapping[str, Any]
Json = dict[str, Any]

SCHEMA_VERSION = 1


def model_card(document: Document) -> Json:
    """Everything that whoever gets the model must know, from the report of its study.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back; of a
        study that kept its model.

    Returns
    -------
    dict
        JSON-ready: ``name, version, intended_use, population, inputs, output, performance,
        subgroups, limits, warnings, training, weights, how_to_use``.

    Raises
    ------
    ValueError
        If the study kept no model.

    References
    ----------
    Mitchell, Wu, Zaldivar et al., "Model cards for model reporting", FAT* 2019,
    doi:10.1145/3287560.3287596.
    """
    saved = document.get("saved_model")
    if not saved:
        raise ValueError("the study kept no model: a card is of a model in the run's folder")
    dataset, outcome = document["dataset"], document["outcome"]
    return {
        "schema": SCHEMA_VERSION,
        "name": f"{dataset['name']}: {in_sentence(outcome['title'])}",
        "version": saved["sha256"][:12],
        "use": RESEARCH_USE,
        "simulated": document["simulated"],
        "intended_use": _intended_use(document),
        "not_for": _not_for(document),
        "population": {
            "dataset": f"{dataset['title']}, version {dataset['version']}",
            "criteria": list(document["definition_sentences"]),
            "n_patients": document["n_patients"],
            "n_events": document["n_events"],
            "time_zero": outcome["time_zero"],
        },
        "inputs": [
            {"name": m["name"], "title": m["title"], "kind": m["kind"], "known": m["known"]}
            for m in document["data_card"]["modalities"]
        ],
        "output": _output(document),
        "performance": performance_rows(document),
        "subgroups": [
            {**table, "rows": [row for row in table["rows"] if not row["refused"]]}
            for table in document.get("subgroups") or ()
        ],
        "limits": list(document["limits"]),
        "warnings": list(document["warnings"]),
        "training": {
            name: document.get(name)
            for name in ("definition_hash", "data_hash", "study_hash", "code_version", "seed")
        },
        "weights": saved,
        "how_to_use": "workbench predict RUN DATA --out risks.csv",
    }


def performance_rows(document: Document) -> list[Json]:
    """Rows of the comparison that are of the judged model, with what was published of each."""
    judged = document["evaluation_settings"]["judged"]
    of_times = ("tau", "uno_c", "ibs") if has_time(document) else ()
    kept = ("group", "n", "n_events", "harrell_c", *of_times, "ipa", "delta_harrell_c")
    return [
        {name: row[name] for name in kept} | {"title": group_title(document, row["group"])}
        for row in document["ladder"]
        if row["model"] == judged
    ]


def _intended_use(document: Document) -> str:
    outcome = document["outcome"]
    zero = outcome["time_zero"].rstrip(".")
    when = f"at {zero}"
    if has_time(document):
        horizons = [in_years(h, outcome["time_unit"]) for h in document["study"]["horizons"]]
        when = f"by {listed(horizons)} after {zero}"
    return (
        f"Research on {in_sentence(outcome['title'])} {when}, in patients as in the population "
        "below, of whom the inputs are known as they were there."
    )


def _not_for(document: Document) -> list[str]:
    """Uses that the study says nothing of."""
    titles = {m["name"]: in_sentence(m["title"]) for m in document["modalities"]}
    withheld = [titled(titles, name) for name in document["contributions"]["withheld"]]
    lines = [
        "Decisions on single patients.",
        "Patients whom the criteria would not have included, or of another time or place, before "
        "the model was evaluated in such patients.",
    ]
    if withheld:
        lines.append(f"Claims on what {listed(withheld)} contribute: too few patients have it.")
    return lines


def _output(document: Document) -> str:
    if not has_time(document):
        said = "Log odds, higher is worse, and the probability of the event"
        return f"{said}; no class and no threshold."
    return (
        "Log relative hazard, higher is worse, and the probability of no event by each horizon in "
        f"{document['outcome']['time_unit']}; no class and no threshold."
    )
