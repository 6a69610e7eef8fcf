"""An evaluation as it may be shown: small counts withheld, models and groups by their titles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.card.cohorts import MINIMUM_CELL
from workbench.evaluation import Evaluation
from workbench.evaluation.words import Terms, by_time, terms_of
from workbench.report.withhold import withhold_counts
from workbench.report.words import (
    RANKS_NOBODY,
    group_title,
    model_titles,
    with_modality_titles,
)
from workbench.widgets.blocks import Notice
from workbench.widgets.evaluated_patients import EvaluatedPatients, groups_of, horizons_of

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


@dataclass(frozen=True, eq=False)
class ShownEvaluation:
    """Use :meth:`of`.

    Parameters
    ----------
    settings
        Of the evaluation.
    patients
        Those who were evaluated; None where nobody passed them.
    minimum
        Smallest count that may be shown.
    numbers
        The evaluation as JSON, without counts below ``minimum`` or that the release log forbids.
    document
        What gives models and groups their words.
    titles
        Model → what a person calls it.
    """

    settings: Mapping[str, Any]
    patients: EvaluatedPatients | None
    minimum: int
    numbers: Mapping[str, Any]
    document: Mapping[str, Any]
    titles: Mapping[str, str]

    @classmethod
    def of(cls, evaluation: Evaluation, patients: EvaluatedPatients | None) -> "ShownEvaluation":
        """What may be shown of an evaluation, with its patients or without."""
        minimum, modalities = MINIMUM_CELL, []
        if patients is not None:
            minimum = patients.minimum
            spec = patients.cohort.card.spec
            modalities = [{"name": n, "title": m.title} for n, m in spec.modalities.items()]
        document = {"evaluation_settings": evaluation.settings, "modalities": modalities}
        return cls(
            evaluation.settings,
            patients,
            minimum,
            withheld_evaluation(evaluation, None if patients is None else patients.cohort),
            document,
            model_titles(document),
        )

    @property
    def horizons(self) -> list[float]:
        """Times at which the study asked for survival; where the outcome has none, its state."""
        return horizons_of(self.settings)

    @property
    def time_unit(self) -> str | None:
        """Of the horizons; None where the outcome has no time."""
        return self.settings.get("time_unit")

    @property
    def terms(self) -> Terms:
        """How the evaluation is spoken of."""
        return terms_of(self.time_unit)

    @property
    def judged(self) -> str:
        """The only model that is judged."""
        return self.settings["judged"]

    @property
    def clinical(self) -> str:
        """The model that others must be better than."""
        return self.settings["clinical"]

    @property
    def ranking(self) -> dict[str, str]:
        """Models that tell patients apart, and their titles."""
        names = dict.fromkeys(row["model"] for row in self.numbers["ladder"])
        return {name: self.model(name) for name in names if name not in RANKS_NOBODY}

    @property
    def groups(self) -> dict[str, str]:
        """Groups in which models were compared, and their titles."""
        names = dict.fromkeys(row["group"] for row in self.numbers["ladder"])
        return {name: group_title(self.document, name) for name in names}

    def model(self, name: str) -> str:
        """What a person calls a model."""
        return self.titles.get(name, name)

    def at(self, horizon: float, before: str = "") -> str:
        """A horizon with its unit behind ``before``; "" where the outcome has no time."""
        return by_time(horizon, self.time_unit, before)

    def too_few_events(self) -> Notice:
        """Where there are too few events for a figure."""
        return self.withheld("events by the horizon" if self.terms.has_time else "events")

    def withheld(self, what: str) -> Notice:
        """Where there is too little to be shown."""
        return Notice(f"Withheld: fewer than {self.minimum} {what}.", "warning")


def withheld_evaluation(evaluation: Evaluation, cohort: "Cohort | None") -> dict[str, Any]:
    """An evaluation as JSON, without small counts and without those that would give few away.

    Parameters
    ----------
    cohort
        Whose evaluation it is; its release log is asked for every group, its card for the titles of
        kinds of data. None where nobody passed it.
    """
    numbers = evaluation.to_json()
    if cohort is None:
        return withhold_counts(numbers, MINIMUM_CELL)
    cohort, spec = cohort.evaluated, cohort.card.spec
    titles = {name: modality.title for name, modality in spec.modalities.items()}
    numbers = with_modality_titles(numbers, titles)
    privacy, refused = spec.privacy, set()
    if privacy.restricted:
        named = {row["group"]: row["n"] for row in numbers["ladder"]}
        known = {"all": np.ones(cohort.n_patients, bool)} | groups_of(cohort)
        groups = {name: known[name] for name in named if name in known}
        # A group that the card does not know as it was judged cannot be asked for.
        unknown = {
            name for name, n in named.items() if name not in groups or groups[name].sum() != n
        }
        refused = unknown | cohort.release_groups(groups).keys()
    return withhold_counts(numbers, privacy.minimum_cell, refused)


def without_patients(what: str) -> tuple[Notice, ...]:
    """Where an evaluation alone does not suffice."""
    return (Notice(f"For {what}, pass the cohort and its predictions too."),)
