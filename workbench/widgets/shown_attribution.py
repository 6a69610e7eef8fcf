"""An attribution at one horizon as it may be shown: who has what, and what a person calls it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.card.cohorts import MINIMUM_CELL
from workbench.errors import CohortError
from workbench.evaluation.words import at_time
from workbench.report.document import column_label
from workbench.report.words import told_apart
from workbench.widgets.blocks import Notice

if TYPE_CHECKING:
    from fusion.explanation.attribution import Attribution
    from workbench.cohort.cohort import Cohort

UNITS = {"log_hazard": "log hazard", "log_odds": "log odds", "survival": "survival", "risk": "risk"}


@dataclass(frozen=True, eq=False)
class ShownAttribution:
    """Contributions of the explained patients.

    Parameters
    ----------
    found
        What a method said.
    cohort
        The explained patients, in any order; None where nobody passed them.
    horizon
        At which contributions are shown; None is the last.
    """

    found: "Attribution"
    cohort: "Cohort | None"
    horizon: float | None

    @property
    def minimum(self) -> int:
        """Smallest count that may be shown."""
        if self.cohort is None:
            return MINIMUM_CELL
        return self.cohort.card.spec.privacy.minimum_cell

    @property
    def unit(self) -> str:
        """Of the contributions."""
        return UNITS[self.found.target]

    @property
    def time_unit(self) -> str:
        """Of the horizons; "" where no cohort says it."""
        return "" if self.cohort is None else self.cohort.time_unit or ""

    @property
    def position(self) -> int:
        """Of the horizon among those of the attribution."""
        horizons = self.found.horizons
        if self.horizon is None or not len(horizons):
            return max(len(horizons) - 1, 0)
        return int(np.argmin(np.abs(horizons - self.horizon)))

    @property
    def where(self) -> str:
        """At which horizon, as the end of a title; "" where there is none."""
        horizons = self.found.horizons
        return f" at {self.at(horizons[self.position])}" if len(horizons) else ""

    def at(self, horizon: float) -> str:
        """A horizon with its unit."""
        return at_time(horizon, self.time_unit).strip()

    def titled(self, modality: str) -> str:
        """What a person calls a kind of data."""
        return modality_title(self.cohort, modality)

    def features_titled(self, modality: str) -> tuple[str, ...]:
        """What a person calls each feature of a kind of data."""
        return feature_titles(self.cohort, modality, self.found.features[modality].names)

    def has(self, modality: str) -> np.ndarray:
        """Who has a kind of data, in the order of the attribution's patients, (patient,) bool."""
        if self.cohort is None or modality not in self.cohort.available:
            return np.ones(self.found.n_patients, dtype=bool)
        place = self.cohort.patients.index.get_indexer(list(self.found.patient_id))
        return self.cohort.available[modality][place]

    def enough(self, modality: str) -> bool:
        """Whether so many have a kind of data that something may be said of them."""
        return int(self.has(modality).sum()) >= max(self.minimum, 1)

    def withheld(self, titles: list[str]) -> Notice:
        """Where too few have a kind of data."""
        return Notice(
            f"Withheld for {', '.join(titles)}: fewer than {self.minimum} patients have it.",
            "warning",
        )

    def row(self, ordinal: int) -> int:
        """Row of the attribution; ordinals count the cohort's patients in their order, from 1."""
        if self.cohort is None:
            return ordinal - 1
        patient = str(self.cohort.patients.index[ordinal - 1])
        return list(self.found.patient_id).index(patient)


def modality_title(cohort: "Cohort | None", modality: str) -> str:
    """What a person calls a kind of data; its name where no dataset description knows it."""
    spec = {} if cohort is None else cohort.card.spec.modalities
    return told_apart({name: each.title for name, each in spec.items()}).get(modality, modality)


def feature_titles(cohort: "Cohort | None", modality: str, names: Sequence[str]) -> tuple[str, ...]:
    """What a person calls features: the heads of their columns' meanings.

    Names stay where no column of the dataset description stands behind them, as with genes, and
    where two would be called alike.
    """
    if cohort is None:
        return tuple(names)
    spec = cohort.card.spec
    own = {*getattr(spec.modalities.get(modality), "columns", ())} & {*spec.columns}
    titles = [
        column_label(spec.columns[name].meaning, spec.simulated) if name in own else name
        for name in names
    ]
    n_called = Counter(titles)
    return tuple(
        title if n_called[title] == 1 else name for title, name in zip(titles, names, strict=True)
    )


def check_patients(attribution: "Attribution", cohort: "Cohort") -> None:
    """Refuse an attribution of others than the cohort's patients.

    Raises
    ------
    CohortError
        Some are explained who are not in the cohort, or the other way round.
    """
    explained, known = set(attribution.patient_id.tolist()), set(map(str, cohort.patients.index))
    if explained != known:
        raise CohortError(
            f"the attribution explains {len(explained)} patients, of whom "
            f"{len(explained & known)} are among the cohort's {len(known)}: pass the cohort that "
            "was evaluated"
        )
