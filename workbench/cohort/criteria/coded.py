"""A unit or a coded answer out of a concept set, with what lies under it; or out of none."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from workbench.cohort.written import check_entries, shown
from workbench.data.concepts import ConceptSet
from workbench.data.records import Records
from workbench.errors import CohortError


@dataclass(frozen=True)
class Coded:
    """What the unit or the answer of an event is.

    Parameters
    ----------
    concepts
        The set that it is of.
    none_of
        Whether it is of none of them instead. An event without any does not count either way.
    """

    concepts: ConceptSet
    none_of: bool = False

    def holds(self, texts: pd.Categorical, before: str, records: Records) -> np.ndarray:
        """Of which events it holds, (event,) bool.

        Parameters
        ----------
        texts
            Of the events; the concept stands in them as OMOP has it, such as ``unit//8840``.
        before
            What stands before the concept.
        records
            Whose vocabulary says what lies under a concept.

        Raises
        ------
        CohortError
            If the records have no vocabulary.
        RecordsError
            If the concept set does not resolve.
        """
        if records.vocabulary is None:
            raise CohortError(
                f"concept set {shown(self.concepts.name)}: this source has no vocabulary; name "
                "each unit or answer"
            )
        wanted = records.vocabulary.resolve(self.concepts)
        held = np.zeros(len(texts.categories) + 1, bool)
        for i in np.unique(texts.codes[texts.codes >= 0]):
            _, there, rest = f" {texts.categories[i]}".partition(f" {before}")
            held[i] = bool(there) and (rest.partition(" ")[0] in wanted) != self.none_of
        return held[texts.codes]

    def words(self) -> str:
        """What a sentence says of it."""
        return f"none of {self.concepts.name}" if self.none_of else f"one of {self.concepts.name}"

    def to_json(self) -> dict[str, Any]:
        """What :meth:`from_json` reads."""
        return {
            "concept_set": self.concepts.to_json(),
            **({"none_of": True} if self.none_of else {}),
        }

    @classmethod
    def from_json(cls, written: Any, where: str) -> Self:
        """Read what :meth:`to_json` wrote; ``where`` is for messages.

        Raises
        ------
        CohortError
            If it is not that.
        """
        check_entries(written, {"concept_set", "none_of"}, where)
        none_of = written.get("none_of", False)
        if "concept_set" not in written or not isinstance(none_of, bool):
            raise CohortError(f"{where}: expected a concept_set, and none_of as true or false")
        return cls(ConceptSet.from_json(written["concept_set"]), none_of)
