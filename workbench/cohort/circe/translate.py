"""A cohort definition of ATLAS → a definition of our own, where every part of it can be said.

Index dates are circe's: each entry event on its day, in the order of circe's steps. What circe
calls the cohort's end is our end of follow-up; that it joins overlapping spans of one patient
changes no index date of the first, and is left to who needs spans.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from workbench.cohort.circe.definition import CirceDefinition
from workbench.cohort.circe.entry_steps import limit_of
from workbench.cohort.circe.findings import Findings, children
from workbench.cohort.circe.translate_events import all_of
from workbench.cohort.circe.translate_groups import Groups
from workbench.cohort.criteria import Criterion, EventQuery
from workbench.cohort.entry import Entry, Which
from workbench.cohort.follow_up import FollowUp
from workbench.cohort.record_definition import RecordDefinition

_SAME = "circe lets a patient stay in beyond a recorded death; here death ends follow-up"
_LIMITS: dict[str, Which] = {"First": "first", "Last": "last", "All": "all"}
_WHAT = "the ATLAS definition"


@dataclass(frozen=True)
class Translation:
    """A definition of our own, and in what it differs; one sentence each."""

    definition: RecordDefinition
    warnings: tuple[str, ...]


def translate_circe(definition: CirceDefinition, *, title: str = "") -> Translation:
    """Say a cohort definition of ATLAS in our own language: who is in, since and until when.

    Parameters
    ----------
    definition
        From :func:`~workbench.cohort.circe.definition.read_circe`.
    title
        What to call the cohort; what the definition calls itself by default.

    Raises
    ------
    CohortError
        If a part of it cannot be said: every such part is named by its place in the JSON.
    """
    findings = Findings()
    groups = Groups(definition.concept_sets, findings)
    follow_up = _follow_up(definition.document, groups)
    said = _who(definition, groups, title, _censor_day(definition.document, findings))
    findings.check(_WHAT)
    assert said is not None  # nothing is unmapped
    return Translation(
        replace(said, follow_up=follow_up), (*definition.warnings, *findings.warnings)
    )


def translate_circe_entry(definition: CirceDefinition, *, title: str = "") -> Translation:
    """As :func:`translate_circe`, but only who is in and since when.

    Follow-up is open to the end of observation: the definition's own exits, its censoring and its
    window of dates are left out, and a warning says so where there are any.
    """
    findings = Findings()
    said = _who(definition, Groups(definition.concept_sets, findings), title, None)
    findings.check(_WHAT)
    assert said is not None  # nothing is unmapped
    exits = ("EndStrategy", "CensoringCriteria", "CensorWindow")
    left = [key for key in exits if definition.document.get(key)]
    if left:
        findings.warn(f"not translated, so that follow-up is open: {', '.join(left)}")
    return Translation(said, (*definition.warnings, *findings.warnings))


def _who(
    definition: CirceDefinition, groups: Groups, title: str, until: date | None
) -> RecordDefinition | None:
    """Entry, criteria and limit; None where something does not map."""
    document, findings = definition.document, groups.findings
    primary = document["PrimaryCriteria"]
    path = "$.PrimaryCriteria.CriteriaList"
    found = [groups.events.query(c, at) for at, c in children(path, primary["CriteriaList"])]
    asked = document.get("AdditionalCriteria", {"Type": "ALL"})
    additional = groups.group(asked, "$.AdditionalCriteria")
    rules = [_rule(item, at, groups) for at, item in children(
        "$.InclusionRules", document.get("InclusionRules", [])
    )]  # fmt: skip
    events = tuple(query for query in found if query is not None)
    if findings.unmapped or not events:
        return None
    which = _LIMITS[limit_of(primary, "PrimaryCriteriaLimit", "First")]
    qualified = _LIMITS[limit_of(document, "QualifiedLimit", "All")]
    select = [rule for rule in rules if rule is not None]
    if "AdditionalCriteria" in document and which == "all" and qualified != "all":
        # The first of the qualified events: what qualifies an event is part of the event.
        events = tuple(_also(query, additional) for query in events)
        which = qualified
    elif additional is not None:
        select.insert(0, additional.named("additional criteria"))
    days = primary["ObservationWindow"]
    entry = Entry(
        events,
        which,
        observed_before=days["PriorDays"],
        observed_after=days["PostDays"],
        until=until,
    )
    limit = _LIMITS[limit_of(document, "ExpressionLimit", "All")]
    name = title or document.get("Title", "")
    return RecordDefinition(entry, tuple(select), limit, title=name)


def _also(query: EventQuery, condition: Criterion | None) -> EventQuery:
    parts = [part for part in (query.where, condition) if part is not None]
    return replace(query, where=all_of(parts))


def _rule(written: Mapping[str, Any], path: str, groups: Groups) -> Criterion | None:
    criterion = groups.group(written["expression"], f"{path}.expression")
    if criterion is None:
        return None
    return criterion.named(written.get("name", ""), written.get("description", ""))


def _follow_up(document: Mapping[str, Any], groups: Groups) -> FollowUp:
    """When circe lets a patient out, as far as it can be said."""
    findings = groups.findings
    findings.warn(_SAME)
    days = None
    for kind, strategy in document.get("EndStrategy", {}).items():
        path = f"$.EndStrategy.{kind}"
        if kind == "CustomEra":
            findings.lacks(path, "an era of exposure")
        elif strategy["DateField"] == "EndDate":
            findings.lacks(f"{path}.DateField", "the end of the entry event")
        elif strategy["Offset"] < 0:
            findings.lacks(f"{path}.Offset", "an end before the beginning")
        else:
            days = strategy["Offset"]
    written = document.get("CensoringCriteria", [])
    found = [groups.events.query(c, at) for at, c in children("$.CensoringCriteria", written)]
    if written:
        findings.warn(
            "circe also lets an event on the index date itself end the cohort; here only later "
            "ones do"
        )
    until = _censor_day(document, Findings())
    return FollowUp(days, tuple(query for query in found if query is not None), until)


def _censor_day(document: Mapping[str, Any], findings: Findings) -> date | None:
    """The last day of the study; nobody enters after it."""
    window = document.get("CensorWindow", {})
    if "StartDate" in window:
        findings.lacks("$.CensorWindow.StartDate", "it would move index dates")
    if "EndDate" not in window:
        return None
    if limit_of(document, "ExpressionLimit", "All") == "Last":
        findings.lacks("$.CensorWindow.EndDate", "a last event that lies beyond it")
    return date.fromisoformat(window["EndDate"])
