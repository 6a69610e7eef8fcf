"""Groups of circe, and criteria with windows in them → criteria."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workbench.cohort.circe.findings import Findings, children
from workbench.cohort.circe.translate_events import (
    ALWAYS_ENDING,
    Events,
    all_of,
)
from workbench.cohort.criteria import Criterion, EventQuery, Happened, Window
from workbench.cohort.criteria.criterion import Several
from workbench.cohort.criteria.events import Counted

_COUNTED: dict[str, Counted] = {"DOMAIN_CONCEPT": "codes", "START_DATE": "days"}
_Found = list[Criterion | None]
"""Parts of a group; None where one does not map, or always holds."""


@dataclass(frozen=True)
class Groups:
    """Translates groups and what is in them."""

    sets: Mapping[int, Mapping[str, Any]]
    findings: Findings

    @property
    def events(self) -> Events:
        """Translator of domain criteria, which may hold groups again."""
        return Events(self.sets, self.findings, self.surroundings)

    def surroundings(
        self, written: Mapping[str, Any], path: str, query: EventQuery
    ) -> Criterion | None:
        """What must surround an event, which must itself be under observation."""
        group = self.group(written, path)
        if group is None or not _holds_of_nothing(written):
            return group
        observed = Happened(query, (Window(0, 0, observed=True),)).named("under observation")
        return all_of([observed, group])

    def group(self, written: Mapping[str, Any], path: str) -> Criterion | None:
        """A group; None where it always holds or does not map."""
        parts: _Found = []
        for at, item in children(f"{path}.CriteriaList", written.get("CriteriaList", [])):
            parts.append(self._correlated(item, at))
        people = written.get("DemographicCriteriaList", [])
        for at, item in children(f"{path}.DemographicCriteriaList", people):
            parts.append(self._demographic(item, at))
        for at, item in children(f"{path}.Groups", written.get("Groups", [])):
            parts.append(self.group(item, at))
        known = [part for part in parts if part is not None]
        n_always = len(parts) - len(known)
        if not parts or self.findings.unmapped:
            return None
        return self._combined(written, path, known, n_always)

    def _combined(
        self, written: Mapping[str, Any], path: str, parts: list[Criterion], n_always: int
    ) -> Criterion | None:
        kind = written["Type"]
        if kind == "ALL":
            return all_of(parts)
        if kind in ("ANY", "AT_LEAST"):
            n = (1 if kind == "ANY" else written["Count"]) - n_always
            if n <= 0:
                return None
            if n > len(parts):
                self.findings.lacks(path, f"at least {n} of {len(parts)} criteria")
                return None
            return parts[0] if len(parts) == 1 else Several(n, tuple(parts))
        if written.get("DemographicCriteriaList"):
            self.findings.lacks(f"{path}.Type", "at most so many, where age or sex may be unknown")
            return None
        n = written["Count"] + 1 - n_always
        if n > len(parts):
            return None
        if n <= 0:
            self.findings.lacks(path, "no patient can meet it")
            return None
        return ~(parts[0] if len(parts) == 1 else Several(n, tuple(parts)))

    def _demographic(self, written: Mapping[str, Any], path: str) -> Criterion | None:
        found: _Found = []
        for key, part in written.items():
            if key == "Age":
                found.append(self.events.age(part, f"{path}.{key}"))
            elif key == "Gender" and part:
                found.append(self.events.sex(part, f"{path}.{key}"))
            elif part:
                self.findings.lacks(f"{path}.{key}", "records have no such column")
        return all_of([criterion for criterion in found if criterion is not None])

    def _correlated(self, written: Mapping[str, Any], path: str) -> Criterion | None:
        query = self.events.query(written["Criteria"], f"{path}.Criteria")
        (domain,) = written["Criteria"]
        if written.get("RestrictVisit"):
            self.findings.lacks(f"{path}.RestrictVisit", "events are not tied to visits")
        windows = self._windows(written, domain, path)
        least, most = self._counts(written["Occurrence"])
        counted = self._counted(written["Occurrence"], f"{path}.Occurrence")
        if query is None or counted is None or windows is None or (least, most) == (0, None):
            return None
        return Happened(query, windows, least, most, counted)

    def _counts(self, written: Mapping[str, Any]) -> tuple[int, int | None]:
        n = written["Count"]
        return {0: (n, n), 1: (0, n), 2: (n, None)}[written["Type"]]

    def _counted(self, written: Mapping[str, Any], path: str) -> Counted | None:
        if not written.get("IsDistinct"):
            return "events"
        column = written.get("CountColumn", "DOMAIN_CONCEPT")
        if column not in _COUNTED:
            self.findings.lacks(f"{path}.CountColumn", "only codes and days are counted apart")
        return _COUNTED.get(column)

    def _windows(
        self, written: Mapping[str, Any], domain: str, path: str
    ) -> tuple[Window, ...] | None:
        observed = not written.get("IgnoreObservationPeriod", False)
        found: list[Window | None] = []
        for key, ends_by_default in (("StartWindow", False), ("EndWindow", True)):
            if key in written:
                edge = "end" if written[key].get("UseEventEnd", ends_by_default) else "start"
                found.append(
                    self._window(written[key], f"{path}.{key}", edge, domain, observed=observed)
                )
        windows = tuple(window for window in found if window is not None)
        if len(windows) < len(found):
            return None
        if observed and not any(w.observed and w.edge == "start" for w in windows):
            # Whatever its window, the event must begin while the patient is under observation.
            windows = (Window(observed=True), *windows)
        return windows or (Window(),)

    def _window(
        self,
        written: Mapping[str, Any],
        path: str,
        edge: Literal["start", "end"],
        domain: str,
        *,
        observed: bool,
    ) -> Window | None:
        if written.get("UseIndexEnd"):
            self.findings.lacks(f"{path}.UseIndexEnd", "windows are counted from the index date")
            return None
        if edge == "end" and domain not in ALWAYS_ENDING:
            self.findings.lacks(path, f"circe makes up an absent end of {domain}")
            return None
        start, end = written["Start"], written["End"]
        # An open end reaches to that of the observation period; towards the other side it is odd.
        odd = ("Days" not in start and start["Coeff"] > 0) or (
            "Days" not in end and end["Coeff"] < 0
        )
        if odd and observed:
            self.findings.lacks(path, "all days on the wrong side of the index date")
            return None
        low = start["Coeff"] * start["Days"] if "Days" in start else None
        high = end["Coeff"] * end["Days"] if "Days" in end else None
        if low is not None and high is not None and low > high:
            self.findings.lacks(path, f"a window from {low} to {high} days holds nothing")
            return None
        # An end lies after its beginning: only the far side of the period is left to ask.
        within = observed and (edge == "start" or high is None)
        return Window(low, high, edge=edge, observed=within)


def _holds_of_nothing(written: Mapping[str, Any]) -> bool:
    """Whether a group may hold of an event around which nothing is under observation."""
    criteria = written.get("CriteriaList", [])
    return (
        written["Type"] == "AT_MOST"
        or bool(written.get("DemographicCriteriaList"))
        or any(
            c["Occurrence"]["Type"] < 2
            or not c["Occurrence"]["Count"]
            or c.get("IgnoreObservationPeriod")
            for c in criteria
        )
        or any(map(_holds_of_nothing, written.get("Groups", [])))
    )
