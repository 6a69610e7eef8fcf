"""What a person asks of an evaluation: a decision, a horizon, the risks at which one would act."""

from typing import Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.evaluation import Evaluation
from workbench.figures.group_forests import METRICS as FOREST_METRICS
from workbench.widgets.offered import ChosenNumber
from workbench.widgets.widget import WidgetState

N_THRESHOLDS = 60
MOST_MODELS = 3


class EvaluationState(WidgetState):
    """Percentages are of predicted risk; ``models`` () is the clinical and the judged one."""

    decision: str = ""
    horizon: ChosenNumber = None
    lowest: float | None = None
    highest: float | None = None
    threshold: float | None = None
    group: str = "all"
    models: tuple[str, ...] = ()
    by: tuple[str, ...] | None = None
    metric: str = "harrell_c"

    @property
    def thresholds(self) -> np.ndarray | None:
        """Risks at which one might act, (threshold,); None while they are not said."""
        low, high = self.lowest, self.highest
        if low is None or high is None or high <= low:
            return None
        return np.linspace(low, high, N_THRESHOLDS) / 100

    @property
    def acts_at(self) -> float:
        """The risk from which one acts: the asked threshold within the range, or its middle.

        Raises
        ------
        WorkbenchError
            The range is not said yet.
        """
        thresholds = self.thresholds
        if thresholds is None:
            raise WorkbenchError("say the range of thresholds first")
        low, high = 100 * thresholds[0], 100 * thresholds[-1]
        middle = round(float(low + high) / 2)
        asked = middle if self.threshold is None else self.threshold
        return float(np.clip(asked, low, high)) / 100

    def lacking(self, *, has_time: bool) -> tuple[str, ...]:
        """What must be said before a decision curve means anything."""
        said = {
            "the decision": bool(self.decision.strip()),
            "the horizon": self.horizon is not None or not has_time,
            "the range of risks at which one would act": self.thresholds is not None,
        }
        return tuple(words for words, there in said.items() if not there)


def check_state(state: Any, evaluation: Evaluation) -> None:
    """Refuse what the evaluation does not hold.

    Raises
    ------
    WorkbenchError
        A horizon, model, group, metric or threshold that cannot be asked for.
    """
    horizons = evaluation.settings.get("horizons", ())
    if state.horizon is not None and state.horizon not in horizons:
        known = ", ".join(f"{h:g}" for h in horizons) or "its outcome has no time: none"
        raise WorkbenchError(f"horizon must be one of the study's ({known})")
    models = {row["model"] for row in evaluation.ladder}
    if set(state.models) - models or len(state.models) > MOST_MODELS:
        raise WorkbenchError(f"models must be up to three of {', '.join(sorted(models))}")
    if state.group not in {row["group"] for row in evaluation.ladder}:
        raise WorkbenchError("group must be one of the evaluation's")
    if state.metric not in FOREST_METRICS:
        raise WorkbenchError(f"metric must be one of {', '.join(FOREST_METRICS)}")
    if any(each is not None and not 0 <= each < 100 for each in (state.lowest, state.highest)):
        raise WorkbenchError("thresholds must be percentages from 0 to below 100")
