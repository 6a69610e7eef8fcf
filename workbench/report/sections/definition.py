"""What was asked, of which data, and how the models climb."""

from workbench.report.format import listed, text, time
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import cell
from workbench.report.words import (
    group_title,
    has_time,
    in_sentence,
    modality_groups,
    model_titles,
    rung,
    titled,
)

WITHOUT = "without_"


def context(document: Document) -> Context:
    dataset, outcome = document["dataset"], document["outcome"]
    titles = model_titles(document)
    models = list(dict.fromkeys(row["model"] for row in document["ladder"]))
    return {
        "facts_shown": [
            (
                "Kind of study",
                f"development and internal evaluation of models that predict "
                f"{in_sentence(outcome['title'])}",
            ),
            ("Dataset", f"{dataset['title']}, version {dataset['version']}"),
            ("Source", dataset["source"]),
            ("Licence", dataset["licence"]),
            ("Citation", dataset["citation"]),
            ("Index date", dataset["index_date"]),
            *_outcome(document),
            ("About the outcome", outcome["note"]),
            ("Who is in", _who_is_in(document)),
            ("Inputs", listed([m["title"] for m in document["modalities"]])),
            ("Folds", _folds(document)),
            *_horizons(document),
            ("Groups", _groups(document)),
        ],
        "definition_hash": cell(document, "text", "definition_hash"),
        "rungs": [
            (text(titled(titles, m)), rung(document, m))
            for m in models
            if not m.startswith(WITHOUT)
        ],
        "without": bool(document["modality_value"]),
    }


def _outcome(document: Document) -> list[tuple[str, str]]:
    outcome = document["outcome"]
    if not has_time(document):
        known = "the event is there or not, without a time"
        return [("Outcome", f"{outcome['title']}: {known}"), ("Asked at", outcome["time_zero"])]
    title = f"{outcome['title']}, in {outcome['time_unit']}"
    return [("Outcome", title), ("Time zero", outcome["time_zero"])]


def _horizons(document: Document) -> list[tuple[str, str]]:
    if not has_time(document):
        return []
    horizons = listed([time(h) for h in document["study"]["horizons"]])
    return [("Horizons", f"{horizons} {document['outcome']['time_unit']}")]


def _who_is_in(document: Document) -> str:
    """The criteria as sentences; dataset, outcome and folds stand in rows of their own."""
    n_criteria = len(document["definition"]["select"])
    criteria = document["definition_sentences"][2 : 2 + n_criteria]
    known = f"every patient whose {in_sentence(document['outcome']['title'])} is known"
    return f"{known}; {'; '.join(criteria)}" if criteria else known


def _folds(document: Document) -> str:
    split, n = document["definition"]["split"], document["evaluation_settings"]["n_folds"]
    if split is None:
        return f"{n} folds"
    if split["kind"] == "given":
        return f"{n} published folds (column {text(split['column'])})"
    if split["kind"] == "site":
        return f"whole sites held out, in {n} folds"
    if split["kind"] == "time":
        return (
            f"the latest patients held out ({text(split['column'])} from {split['from']:g} on), by "
            "models of the earlier ones, who are not evaluated"
        )
    dealt = f", dealt {split['repeats']} times" if split.get("repeats", 1) > 1 else ""
    return f"{n} random folds of patients{dealt}, stratified by event, seed {split['seed']}"


def _groups(document: Document) -> str:
    aside = modality_groups(document)
    groups = list(dict.fromkeys(row["group"] for row in document["ladder"]))
    of_study = listed([group_title(document, g) for g in groups if g not in aside])
    having = [in_sentence(group_title(document, g)) for g in groups if g in aside]
    return f"{of_study}; beside them {listed(having)}" if having else of_study


SECTION = Section("definition", "What was asked", context)
