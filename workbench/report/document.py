"""From the records to ``report.json``: every number of the report, and nothing of the machine."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.cohort.cohort import Cohort
from workbench.data.card import Card, Observed
from workbench.evaluation import Evaluation
from workbench.figures.kaplan_meier import exportable
from workbench.figures.step_figure import coarse_times
from workbench.report.content import OtherSplit, ReportContent
from workbench.report.explanation import contributions
from workbench.report.provenance import provenance_entries, withheld_folds
from workbench.report.withhold import withhold_counts
from workbench.report.words import RESEARCH_USE, in_sentence, short, with_modality_titles
from workbench.survival import kaplan_meier

SCHEMA_VERSION = 1

Json = dict[str, Any]


def report_document(content: ReportContent) -> Json:
    """Everything that the page shows, JSON-ready: plain types, no NaN, keys in any order.

    The page is rendered from this alone, so it can say nothing that is not in it.
    """
    spec, cohort = content.card.spec, content.cohort
    evaluated = cohort.evaluated
    minimum = spec.privacy.minimum_cell
    attrition = evaluated.attrition_for_export()
    refused = evaluated.release_groups(reported_groups(evaluated, content.study))
    by, not_compared = releasable(
        cohort, [cohort.compared_by(content.study.get("groups", ()))], "Table one"
    )
    shown_by, not_shown = releasable(evaluated, _availability_by(content), "Availability")
    judged = _evaluation(content.evaluation, spec, refused)
    document: Json = {
        "schema": SCHEMA_VERSION,
        "use": RESEARCH_USE,
        "simulated": spec.simulated,
        "study": dict(content.study),
        "dataset": _dataset(spec),
        "outcome": {"name": cohort.outcome, **_outcome(spec, cohort.outcome)},
        "modalities": _modalities(spec, content.study),
        "definition": json.loads(cohort.definition.to_json()),
        "definition_sentences": _definition_sentences(cohort),
        "columns": _columns(spec),
        "n_patients": evaluated.n_patients,
        "n_events": evaluated.n_events,
        **({} if cohort.time_unit is None else {"follow_up": _follow_up(content)}),
        "attrition": _records(attrition),
        "table_one": _table(cohort.table_one(by=next(iter(by), None))),
        "availability": _availability(content, shown_by),
        **judged,
        "other_splits": [
            {"title": title, **_other_split(other, spec, refused)}
            for title, other in content.other_splits.items()
        ],
        "chosen": withheld_folds(content.chosen, minimum, _everyone(cohort)),
        "contributions": contributions(content, minimum, refused),
        "inventory_title": spec.inventory_title,
        "inventory": [item.model_dump() for item in spec.inventory],
        "limits": [*spec.limits, *_assumed_times(spec)],
        "warnings": [
            *content.warnings,
            *cohort.warnings,
            *evaluated.withheld_notes(),
            *(f"Counts of {title} are withheld: {why}" for title, why in refused.items()),
            *not_compared,
            *not_shown,
        ],
        "privacy": {"minimum_cell": minimum, "restricted": spec.privacy.restricted},
        **provenance_entries(content, refused),
        **content.provenance,
    }
    return plain(document)


def plain(value: Any) -> Any:
    """The same with JSON's own types only; what is not a number becomes None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(v) for v in value]
    if value is None or value is pd.NA or isinstance(value, str | bool):
        return None if value is pd.NA else value
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value
    raise TypeError(f"a report holds text, numbers, lists and mappings, got {type(value).__name__}")


def _dataset(spec: Card) -> Json:
    kept = ("name", "title", "version", "licence", "citation", "source", "index_date")
    return {name: getattr(spec, name) for name in kept}


def _outcome(spec: Card, name: str) -> Json:
    outcome = spec.outcomes[name]
    return {
        "title": outcome.title,
        **({} if outcome.unit is None else {"time_unit": outcome.unit}),
        "time_zero": outcome.time_zero,
        "note": outcome.note,
    }


def _definition_sentences(cohort: Cohort) -> list[str]:
    """The definition with the card's titles in place of its names."""
    spec = cohort.card.spec
    dataset = f"Dataset: {spec.title}, version {spec.version}"
    outcome = f"Outcome: {in_sentence(spec.outcomes[cohort.outcome].title)}"
    return [dataset, outcome, *cohort.definition.sentences()[2:]]


def _columns(spec: Card) -> Json:
    """What each column holds; the page of a simulated dataset says so in other places."""
    return {
        name: {"label": column_label(column.meaning, spec.simulated), "unit": column.unit}
        for name, column in spec.columns.items()
    }


def column_label(meaning: str, simulated: bool) -> str:
    """What a column is called: the head of its meaning, which its page calls simulated once."""
    head = short(meaning)
    if simulated and head.startswith("Simulated "):
        head = head.removeprefix("Simulated ")
    return head[:1].upper() + head[1:]


def _modalities(spec: Card, study: Mapping[str, Any]) -> list[Json]:
    return [
        {
            "name": name,
            "title": spec.modalities[name].title,
            "kind": spec.modalities[name].kind,
            "columns": list(getattr(spec.modalities[name], "columns", ()))
            if spec.modalities[name].kind == "ehr"
            else [],
        }
        for name in study["modalities"]
    ]


def _everyone(cohort: Cohort) -> dict[str, int]:
    """Patients and events, of those who only train too."""
    return {"n": len(cohort.patients), "n_events": int(cohort.patients["event"].sum())}


def _follow_up(content: ReportContent) -> Json:
    """Medians of follow-up (events and censorings exchanged) and of the outcome itself.

    Where the card is restricted they are moved to the next time at which its curves are kept.
    """
    patients, privacy = content.cohort.evaluated.patients, content.card.spec.privacy
    time, event = patients["time"].to_numpy(float), patients["event"].to_numpy(bool)
    medians = {}
    for name, ended in (("median_follow_up", ~event), ("median_time_to_event", event)):
        curve = kaplan_meier(time, ended)
        medians[name] = curve.median._asdict()
        if privacy.restricted:
            ticks = content.evaluation.risk_groups["strata"][0]["at_risk_times"]
            grid = np.append(coarse_times(curve, ticks, privacy.minimum_cell), np.inf)
            medians[name] = {
                limit: float(grid[np.searchsorted(grid, at)]) for limit, at in medians[name].items()
            }
    return medians


def releasable(
    cohort: Cohort, columns: Sequence[str | None], what: str
) -> tuple[list[str], list[str]]:
    """The columns by which patients may be compared, and a sentence for each that may not."""
    allowed, sentences = [], []
    for name in columns:
        answer = cohort.release(name)
        if name is not None and answer.allowed:
            allowed.append(name)
        elif name is not None:
            sentences.append(f"{what} by {name} is withheld: {answer.sentence}")
    return allowed, sentences


def reported_groups(evaluated: Cohort, study: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Groups whose size the report shows: those of the study, and those who have a modality."""
    having = {f"patients with {name}": evaluated.available[name] for name in study["modalities"]}
    return evaluated.group_masks(study.get("groups", ())) | having


def _availability_by(content: ReportContent) -> list[str]:
    """The study's groups, site if there is one, and the outcome."""
    columns = content.card.spec.columns
    by = [g for g in content.study.get("groups", ()) if g in columns]
    by += [name for name, column in columns.items() if column.role == "site" and name not in by]
    return [*by, "event"]


def _availability(content: ReportContent, by: Sequence[str]) -> list[Json]:
    """Which of the evaluated has which modality, by groups."""
    evaluated = content.cohort.evaluated
    columns, modalities = content.card.spec.columns, content.card.spec.modalities
    return [
        {
            "by": name,
            "meaning": meaning,
            "titles": {modality: each.title for modality, each in modalities.items()},
            "rows": _records(evaluated.availability(by=name)),
        }
        for name in by
        for meaning in [
            columns[name].meaning if name in columns else "whether the event was observed"
        ]
    ]


def _evaluation(evaluation: Evaluation, spec: Card, refused: Collection[str]) -> Json:
    """All of an evaluation; curves without single patients' moments where the card says so."""
    minimum = spec.privacy.minimum_cell
    titles = {name: modality.title for name, modality in spec.modalities.items()}
    content = with_modality_titles(plain(evaluation.to_json()), titles)
    groups = content["risk_groups"]
    if spec.privacy.restricted:
        groups["strata"] = [exportable(s, minimum_cell=minimum) for s in groups["strata"]]
    content = withhold_counts(content, minimum, refused)
    return {**content, "evaluation_settings": content.pop("settings")}


def _other_split(other: OtherSplit, spec: Card, refused: Collection[str]) -> Json:
    kept = ("ladder", "at_horizons", "claims", "notes", "evaluation_settings")
    content = _evaluation(other.evaluation, spec, refused)
    return {"kind": other.kind, **{name: content[name] for name in kept}}


def _assumed_times(spec: Card) -> list[str]:
    """One sentence for each time of observation that the card only assumes."""
    parts: Sequence[tuple[str, Observed | None]] = [
        *((c.meaning, c.observed_at) for c in spec.columns.values() if c.role == "feature"),
        *((m.title, getattr(m, "observed_at", None)) for m in spec.modalities.values()),
    ]
    return [
        f"{what}: assumed to be known at the index date ({_basis(observed)})."
        for what, observed in parts
        if observed is not None and observed.assumed
    ]


def _basis(observed: Observed) -> str:
    return (observed.basis or "no basis given").rstrip(".")


def _table(frame: pd.DataFrame) -> Json:
    """A frame of text as columns and rows, in the order in which it is read."""
    return {"columns": list(frame.columns), "rows": frame.to_numpy().tolist()}


def _records(frame: pd.DataFrame) -> list[Json]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]
