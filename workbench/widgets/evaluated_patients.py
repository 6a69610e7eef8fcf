"""Evaluated patients beside their out-of-fold predictions, and what is computed from both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.cohort.privacy import suppress
from workbench.data.card import STATE_HORIZON
from workbench.errors import CohortError
from workbench.evaluation import Evaluation, SubgroupTable, subgroup_table
from workbench.evaluation.alignment import Aligned, align
from workbench.evaluation.group_rows import partition
from workbench.evaluation.risk_groups import LABELS, thirds_within_folds
from workbench.survival import Calibration, DecisionCurve, calibration, decision_curve
from workbench.survival.calibration_regression import CLOGLOG, LOGIT
from workbench.survival.group_curves import GroupCurves, kaplan_meier_by_group

if TYPE_CHECKING:
    from fusion.predictions import Predictions
    from workbench.cohort.cohort import Cohort

N_BOOTSTRAP = 200
"""Fewer than in a report: a person waits."""

N_CALIBRATION = 100
"""Bootstraps of the calibration error alone: each fits a curve."""

WITHHELD = "withheld"
FEWEST_IN_BIN = 20
MOST_BINS = 5


@dataclass(frozen=True, eq=False)
class EvaluatedPatients:
    """Use :meth:`of`. What was computed once is kept, so that a change redraws only what changes.

    Parameters
    ----------
    cohort
        The evaluated patients.
    aligned
        Outcome, folds and predictions in the cohort's order.
    groups
        Title of each group of the cohort → (patient,) bool.
    """

    cohort: "Cohort"
    aligned: Aligned
    groups: Mapping[str, np.ndarray]
    _kept: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, evaluation: Evaluation, cohort: "Cohort", predictions: Mapping[str, "Predictions"]
    ) -> "EvaluatedPatients":
        """Patients of an evaluation.

        Parameters
        ----------
        evaluation
            Gives horizons, seed, and by which groups censoring was told apart.
        cohort
            With the folds of the predictions; patients who only train are left out.
        predictions
            Out of fold, by model.

        Raises
        ------
        SurvivalError
            Predictions of other patients, folds or horizons.
        """
        cohort = cohort.evaluated
        groups = groups_of(cohort)
        settings = evaluation.settings
        strata = {name: groups[name] for name in partition(settings) if name in groups}
        aligned = align(
            cohort,
            predictions,
            horizons=horizons_of(settings),
            groups=strata,
            n_bootstrap=N_BOOTSTRAP,
            seed=settings["seed"],
        )
        return cls(cohort, aligned, groups)

    @property
    def minimum(self) -> int:
        """Smallest count that may be shown."""
        return self.cohort.card.spec.privacy.minimum_cell

    @property
    def shown_minimum(self) -> int | None:
        """The same for figures, which coarsen their curves where there is one."""
        return self.minimum if self.minimum > 1 else None

    def risk(self, model: str, horizon: float) -> np.ndarray:
        """Predicted risk of the event by a horizon, (patient,)."""
        return 1 - self.aligned.predictions[model].at(horizon)

    def calibration(self, model: str, horizon: float) -> Calibration:
        """Calibration of a model at a horizon.

        Raises
        ------
        SurvivalError
            It cannot be judged there.
        """
        return self._once(
            ("calibration", model, horizon),
            lambda: calibration(
                self.aligned.time,
                self.aligned.event,
                self.aligned.predictions[model].at(horizon),
                horizon=horizon,
                censoring=self.aligned.censoring,
                stratum=self.aligned.stratum,
                draws=self.aligned.draws[1 : 1 + N_CALIBRATION],
                link=CLOGLOG if self.aligned.terms.has_time else LOGIT,
            ),
        )

    def bin_edges(self, model: str, horizon: float) -> tuple[float, ...]:
        """Lowest risk of each bin of the calibration but the first, ascending."""
        risk = np.sort(self.risk(model, horizon), kind="stable")
        n_bins = int(np.clip(len(risk) // FEWEST_IN_BIN, 1, MOST_BINS))
        return tuple(float(part[0]) for part in np.array_split(risk, n_bins)[1:])

    def decision(self, model: str, horizon: float, thresholds: np.ndarray) -> DecisionCurve:
        """Decision curve of a model; treating all and none stand in it.

        Raises
        ------
        SurvivalError
            It cannot be judged there.
        """
        return self._once(
            ("decision", model, horizon, tuple(thresholds.tolist())),
            lambda: decision_curve(
                self.aligned.time,
                self.aligned.event,
                self.risk(model, horizon),
                horizon=horizon,
                thresholds=thresholds,
                censoring=self.aligned.censoring,
                stratum=self.aligned.stratum,
                draws=self.aligned.draws[1:],
            ),
        )

    def thirds(self, model: str) -> pd.Categorical:
        """Each patient's third of risk within the fold: low, middle or high."""
        aligned = self.aligned
        third = thirds_within_folds(aligned.predictions[model].risk_score, aligned.fold)
        return pd.Categorical.from_codes(third.tolist(), list(LABELS))

    def risk_groups(self, model: str) -> GroupCurves:
        """Kaplan-Meier curves of the thirds, by code."""
        codes = np.asarray(self.thirds(model).codes, dtype=int)
        return self._once(
            ("thirds", model),
            lambda: kaplan_meier_by_group(self.aligned.time, self.aligned.event, codes),
        )

    def subgroups(
        self, model: str, horizon: float, columns: tuple[str, ...], site: str
    ) -> SubgroupTable:
        """A model in the groups of columns, and at each site.

        Raises
        ------
        WorkbenchError
            A column that makes no groups, or a model that cannot be judged.
        """

        def judged() -> SubgroupTable:
            found = self.aligned.predictions
            null = found.get("null")
            labels = None
            if site:
                known = self.cohort.patients[site].astype(object)
                labels = known.where(known.notna(), "unknown site").to_numpy()
            return subgroup_table(
                self.cohort,
                found[model],
                horizon=horizon,
                groups=self.cohort.group_masks(columns),
                site=labels,
                null=null,
                n_bootstrap=N_BOOTSTRAP,
            )

        return self._once(("subgroups", model, horizon, columns, site), judged)

    def _once(self, key: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]


def horizons_of(settings: Mapping[str, Any]) -> list[float]:
    """Horizons of an evaluation, or where the state of an outcome without a time stands."""
    return list(settings.get("horizons") or (STATE_HORIZON,))


def groups_of(cohort: "Cohort") -> dict[str, np.ndarray]:
    """Groups that a card knows: levels of its group columns, its own groups, who has what."""
    masks: dict[str, np.ndarray] = {}
    for name in group_columns(cohort):
        masks |= cohort.group_masks([name])
    return masks | {f"patients with {name}": has for name, has in cohort.available.items()}


def group_columns(cohort: "Cohort") -> tuple[str, ...]:
    """Columns and groups of the card by which results may be told apart."""
    spec = cohort.card.spec
    asked = [
        *spec.study.get("groups", ()),
        *(n for n, c in spec.columns.items() if c.role == "group" or c.role == "feature"),
        *spec.groups,
    ]
    found = []
    for name in dict.fromkeys(asked):
        try:
            if cohort.group_masks([name]):
                found.append(name)
        except CohortError:  # A number, or known only later: it makes no groups.
            continue
    return tuple(found)


def site_column(cohort: "Cohort") -> str:
    """The card's column of sites; "" where it has none."""
    return next((n for n, c in cohort.card.spec.columns.items() if c.role == "site"), "")


def withheld_parts(
    rows: Sequence[Mapping[str, Any]], blocks: Sequence[Sequence[str]], minimum: int
) -> list[dict[str, Any]]:
    """Rows of a subgroup table with small counts withheld, and more so that none follows.

    Parameters
    ----------
    rows
        The first is of all patients, whose counts are shown.
    blocks
        Titles of the groups that divide the patients, by one column each.
    minimum
        Smallest count that may be shown.
    """
    shown = [dict(row) for row in rows]
    if minimum <= 1:
        return shown
    for titles in blocks:
        mine = [row for row in shown if row["group"] in titles and row["kind"] != "all"]
        for name in ("n", "n_events"):
            counts = [row[name] for row in mine]
            # Who is in no group would follow from the total too.
            counts.append(max(0, shown[0][name] - sum(counts)))
            hidden = suppress(np.array(counts).reshape(-1, 1), minimum, row_totals=False)[:-1, 0]
            for row, hide in zip(mine, hidden, strict=True):
                row[name] = WITHHELD if hide else row[name]
    return shown
