"""One criterion asked of a cohort: who stays, what the account keeps, what a reader must know."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from workbench.cohort.criteria import Criterion, Population
from workbench.cohort.criteria.modality import Has
from workbench.cohort.criteria.population import FIRST, LAST
from workbench.cohort.flow import Step
from workbench.cohort.time_zero import check_columns, check_modalities
from workbench.data.card import Card
from workbench.data.sources.card_tables import read_card
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort
    from workbench.data.open_card import DataCard

AnyCohort = TypeVar("AnyCohort", bound="Cohort")


def select_one(cohort: AnyCohort, criterion: Criterion) -> AnyCohort:
    """The patients for whom a criterion holds, as a further step of the account.

    Raises
    ------
    CohortError
        It does not fit the card, rests on what is known only later, or leaves nobody.
    """
    warnings = _check(cohort.card.spec, criterion)
    # Asked of everyone, so that rules can change places, and each can be dropped alone.
    holds, fails = criterion.truth(_everyone_asked(cohort, criterion))
    keep = holds[cohort.flow.kept]
    if not keep.any():
        raise CohortError(f"nobody is left after {criterion.sentence()!r}")
    name = criterion.name or f"criterion {len(cohort.definition.select) + 1}"
    flow = cohort.flow
    for step in _steps(cohort, criterion, Step(name, criterion.sentence(), holds, ~holds & ~fails)):
        flow = flow.rule(step)
    return replace(
        cohort,
        patients=cohort.patients[keep],
        published_folds=cohort.published_folds[keep],
        flow=flow,
        definition=cohort.definition.selecting((criterion,)),
        warnings=(*cohort.warnings, *warnings, *_lost(cohort, criterion, keep)),
    )


def population_of(patients: pd.DataFrame, spec: Card) -> Population:
    """Patients of a card as criteria see them."""
    available = {name: patients[f"has_{name}"].to_numpy() for name in spec.modalities}
    return Population(patients, available)


def _check(spec: Card, criterion: Criterion) -> tuple[str, ...]:
    if not isinstance(criterion, Criterion):
        raise CohortError(
            f"select takes criteria such as col('age') >= 18, got {type(criterion).__name__}"
        )
    warnings = check_columns(spec, criterion.columns(), "a criterion")
    check_modalities(spec, criterion.undated(), "a criterion")
    if criterion.looks_ahead():
        raise CohortError(
            f"{criterion.sentence()!r} sees what happens after the index date: whoever meets "
            "it must live to do so; end its window on day 0 or before"
        )
    return warnings


def _everyone_asked(cohort: "Cohort", criterion: Criterion) -> Population:
    """Every patient of the dataset, with events where the criterion asks for some."""
    population = population_of(cohort.everyone, cohort.card.spec)
    if not criterion.reads_events():
        return population
    return replace(population, **_at_zero(cohort.card, len(cohort.everyone)))


def _at_zero(card: "DataCard", n_patients: int) -> dict[str, Any]:
    """What a population needs to be asked for events: each patient at the card's index date."""
    open_end = np.full(n_patients, LAST)
    return {
        "patient": np.arange(n_patients, dtype=np.int32),
        "index": np.zeros(n_patients, np.int64),
        "exit": open_end,
        "observed_from": np.full(n_patients, FIRST),
        "observed_to": open_end,
        "records": read_card(card),
    }


def _steps(cohort: "Cohort", criterion: Criterion, step: Step) -> tuple[Step, ...]:
    """The step of a criterion; files that are there, and files that can be read, apart."""
    if not isinstance(criterion, Has) or criterion.window is not None:
        return (step,)
    unread = cohort.unread.get(criterion.modality)
    if unread is None or not (unread & cohort.flow.kept).any():
        return (step,)
    sentence = f"the files of {criterion.modality} can be read"
    nobody = np.zeros(len(unread), bool)
    reading = Step(f"{criterion.modality} read", sentence, ~unread, nobody)
    return replace(step, holds=step.holds | unread), reading


def _lost(cohort: "Cohort", criterion: Criterion, keep: np.ndarray) -> tuple[str, ...]:
    """A warning for each level of a group of which nobody is left, where nobody asked for that."""
    spec, found = cohort.card.spec, []
    for name, column in spec.columns.items():
        if column.role != "group" or name in criterion.columns():
            continue
        group = cohort.patients[name]
        before, after = group.value_counts(), group[keep].value_counts()
        for level in (level for level, n in before.items() if n > 0 and not after.get(level, 0)):
            n = "" if before[level] < spec.privacy.minimum_cell else f"{before[level]} "
            found.append(f"{criterion.sentence()} removes all {n}patients with {name} = {level}")
    return tuple(found)
