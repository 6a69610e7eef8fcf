"""Who leaves a circe cohort at which step, and which inclusion rule costs whom.

Which rules each entry event meets is known at once, so any order of the rules, and what each rule
alone costs, is counting: nothing is asked of the database again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.cohort.privacy import SUPPRESSED, small, withheld_losses
from workbench.errors import CohortError


@dataclass(frozen=True, eq=False, repr=False)
class RuleTable:
    """Which inclusion rules each entry event meets.

    Parameters
    ----------
    names
        Rules, in the order of the definition.
    person
        Whose event it is, (event,) int64.
    holds
        Whether the event meets the rule, (event, rule) bool.
    """

    names: tuple[str, ...]
    person: np.ndarray
    holds: np.ndarray

    def __repr__(self) -> str:
        return f"RuleTable({len(self.person)} entry events, {len(self.names)} rules)"

    def attrition(self, order: Sequence[int] | None = None) -> pd.DataFrame:
        """Rule after rule: what is left, and what the rule took.

        Parameters
        ----------
        order
            Positions of the rules, in the order to apply them; as defined by default.

        Returns
        -------
        DataFrame
            ``step``, ``n_records``, ``n_patients``, ``records_removed``, ``patients_removed``,
            one row a rule. A patient is left as long as one of their events is.
        """
        order = range(len(self.names)) if order is None else order
        if sorted(order) != list(range(len(self.names))):
            raise CohortError(
                f"an order of {len(self.names)} rules names each once, as 0 to "
                f"{len(self.names) - 1}; got {len(order)} positions"
            )
        left = np.ones(len(self.person), bool)
        rows, before = [], self._counts(left)
        for i in order:
            left = left & self.holds[:, i]
            after = self._counts(left)
            rows.append((self.names[i], *after, before[0] - after[0], before[1] - after[1]))
            before = after
        columns = ["step", "n_records", "n_patients", "records_removed", "patients_removed"]
        return pd.DataFrame(rows, columns=columns)

    def regained(self) -> pd.DataFrame:
        """What each rule alone costs: who would be regained if only this rule were dropped.

        Returns
        -------
        DataFrame
            ``step``, ``records_meeting`` and ``patients_meeting`` the rule, ``records_regained``,
            ``patients_regained``, one row a rule.
        """
        n_missed = (~self.holds).sum(axis=1)
        kept = set(self.person[n_missed == 0].tolist())
        rows = []
        for i, name in enumerate(self.names):
            meeting = self._counts(self.holds[:, i])
            only_this = (n_missed == 1) & ~self.holds[:, i]
            patients = set(self.person[only_this].tolist()) - kept
            rows.append((name, *meeting, int(only_this.sum()), len(patients)))
        columns = ["records_meeting", "patients_meeting", "records_regained", "patients_regained"]
        return pd.DataFrame(rows, columns=["step", *columns])

    def _counts(self, where: np.ndarray) -> tuple[int, int]:
        return int(where.sum()), len(np.unique(self.person[where]))


def suppress_losses(attrition: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """An attrition of patients and records without small cells; see :func:`suppress_attrition`.

    Parameters
    ----------
    attrition
        ``step``, ``n_records``, ``n_patients``, ``records_removed``, ``patients_removed``, one row
        a step; the first removes nobody.
    minimum
        Smallest count that may be shown; with 0 or 1 the table comes back as it is.
    """
    if minimum <= 1:
        return attrition
    shown = attrition.astype(object)
    n, lost = attrition["n_patients"].to_numpy(), attrition["patients_removed"].to_numpy()
    removed, after = withheld_losses(lost, minimum)
    after = after | small(n, minimum)
    # A loss stands between two counts: whoever knows it and one of them knows the other.
    removed = removed | after | np.append(False, after[:-1])
    shown.loc[after, "n_patients"] = SUPPRESSED
    shown.loc[removed, "patients_removed"] = SUPPRESSED
    records = attrition[["n_records", "records_removed"]].to_numpy()
    if removed.any() or small(records, minimum).any():
        shown[["n_records", "records_removed"]] = SUPPRESSED
    return shown


def rule_table(names: tuple[str, ...], qualified: pd.DataFrame, met: pd.DataFrame) -> RuleTable:
    """From circe's tables.

    Parameters
    ----------
    names
        Rules, in order.
    qualified
        ``person_id``, ``event_id``: the entry events that the rules are asked of.
    met
        ``inclusion_rule_id``, ``person_id``, ``event_id``: which event meets which rule.
    """
    index = pd.MultiIndex.from_frame(qualified[["person_id", "event_id"]])
    holds = np.zeros((len(index), len(names)), bool)
    rows = index.get_indexer(pd.MultiIndex.from_frame(met[["person_id", "event_id"]]))
    holds[rows, met["inclusion_rule_id"].to_numpy(int)] = True
    return RuleTable(names, qualified["person_id"].to_numpy(np.int64), holds)
