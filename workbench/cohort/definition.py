"""What a cohort is, in one canonical text: whoever has it and the data has the same patients."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from workbench.cohort.criteria import Criterion, parse
from workbench.errors import CohortError

_ENTRIES = {"schema", "card", "card_version", "outcome", "select", "split"}


@dataclass(frozen=True)
class Definition:
    """Everything that decides who is in, and in which fold.

    Parameters
    ----------
    card, card_version
        The dataset description.
    outcome
        Name of the outcome.
    select
        Criteria in the order in which they were applied.
    split
        How folds were made, such as ``{"kind": "kfold", "k": 5, "seed": 0}``; None before.
    """

    card: str
    card_version: str
    outcome: str
    select: tuple[Criterion, ...] = ()
    split: Mapping[str, Any] | None = field(default=None)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "schema": 1,
            "card": self.card,
            "card_version": self.card_version,
            "outcome": self.outcome,
            "select": [criterion.to_json() for criterion in self.select],
            "split": None if self.split is None else dict(self.split),
        }

    def to_json(self) -> str:
        """Canonical: keys sorted, no white space; equal definitions give equal text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        CohortError
            If it is not a definition of schema 1.
        """
        try:
            written = json.loads(text)
        except json.JSONDecodeError as error:
            raise CohortError(f"the cohort definition is not JSON: {error}") from None
        if not isinstance(written, dict) or written.keys() != _ENTRIES or written["schema"] != 1:
            raise CohortError(
                f"expected a cohort definition of schema 1 with {', '.join(sorted(_ENTRIES))}"
            )
        return cls(
            written["card"],
            written["card_version"],
            written["outcome"],
            tuple(map(parse, written["select"])),
            written["split"],
        )

    @property
    def hash(self) -> str:
        """sha256 of :meth:`to_json`."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def sentences(self) -> tuple[str, ...]:
        """The definition as a person reads it."""
        lines = [f"Dataset {self.card}, version {self.card_version}", f"Outcome: {self.outcome}"]
        for criterion in self.select:
            why = f" ({criterion.rationale})" if criterion.rationale else ""
            lines.append(criterion.sentence() + why)
        if self.split is not None:
            lines.append(_split_sentence(self.split))
        return tuple(lines)

    def selecting(self, criteria: tuple[Criterion, ...]) -> Self:
        """With more criteria."""
        return replace(self, select=(*self.select, *criteria))


def _split_sentence(split: Mapping[str, Any]) -> str:
    if split["kind"] == "given":
        return f"Published folds (column {split['column']})"
    if split["kind"] == "site":
        return f"Whole sites held out, by {split['column']}, in {split['k']} folds"
    if split["kind"] == "time":
        return (
            f"The latest patients held out, from {split['column']} {split['from']:g} on (about one "
            f"in {split['k']}); the earlier ones only train"
        )
    repeats = f", dealt {split['repeats']} times" if split.get("repeats", 1) > 1 else ""
    return f"{split['k']} folds at random{repeats}, stratified by event, seed {split['seed']}"
