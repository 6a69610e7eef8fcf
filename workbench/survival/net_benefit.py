"""Net benefit along thresholds: of a model, of treating all, of one model over another."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.bootstrap import percentile_limits


class Band(NamedTuple):
    """Numbers along the thresholds with their limits, all (threshold,); NaN where undefined."""

    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit of treating those whose predicted risk reaches a threshold.

    Net benefit is in true positives a patient: one patient more treated rightly and nobody treated
    in vain, in a population of one. Row 0 of the draws is the cohort itself, the others are
    bootstraps, the weights for censoring held fixed. Without bootstraps limits are NaN.

    Parameters
    ----------
    horizon, n_patients, n_events
        Where and in whom; events are those (of the cause) by the horizon.
    thresholds
        Ascending, (threshold,) in [0, 1).
    n_treated
        Patients whose risk is at least the threshold, (threshold,) int.
    net_benefit_draws
        Of the model, (draw, threshold).
    event_risk_draws, event_free_draws
        Weighted share with and without the event by the horizon, (draw,).
    confidence
        Coverage of the limits.
    """

    horizon: float
    n_patients: int
    n_events: int
    thresholds: np.ndarray
    n_treated: np.ndarray
    net_benefit_draws: np.ndarray
    event_risk_draws: np.ndarray
    event_free_draws: np.ndarray
    confidence: float

    @property
    def net_benefit(self) -> Band:
        """Of the model: 0 above the highest predicted risk, as treating all below the lowest."""
        return self._band(self.net_benefit_draws)

    @property
    def treat_all(self) -> Band:
        """Net benefit of treating every patient."""
        return self._band(self._treat_all_draws)

    @property
    def treat_none(self) -> np.ndarray:
        """Net benefit of treating nobody: 0 by definition, (threshold,)."""
        return np.zeros(len(self.thresholds))

    @property
    def interventions_avoided(self) -> Band:
        """Treatments in vain avoided a patient against treating all, no event being missed.

        (net benefit - that of treating all) x (1 - threshold) / threshold; times 100 it is avoided
        per 100 patients. NaN at threshold 0, where a treatment costs nothing.
        """
        with np.errstate(divide="ignore"):
            exchange = np.where(self.thresholds > 0, 1 / self._odds, np.nan)
        return self._band((self.net_benefit_draws - self._treat_all_draws) * exchange)

    @property
    def standardized_net_benefit(self) -> Band:
        """Net benefit over its maximum, the risk of the event: 1 is a perfect decision."""
        risk = np.where(self.event_risk_draws > 0, self.event_risk_draws, np.nan)
        return self._band(self.net_benefit_draws / risk[:, None])

    def over(self, other: "DecisionCurve") -> Band:
        """Net benefit of this model minus that of ``other``, paired where draws are the same.

        Raises
        ------
        SurvivalError
            The two were not made with the same patients, horizon, thresholds and draws.
        """
        mine = (self.horizon, self.n_patients, self.thresholds.tolist(), self.confidence)
        theirs = (other.horizon, other.n_patients, other.thresholds.tolist(), other.confidence)
        risks = self.event_risk_draws, other.event_risk_draws
        if mine != theirs or len(risks[0]) != len(risks[1]) or not np.allclose(*risks, atol=0):
            raise SurvivalError(
                "two decision curves are compared on the same patients, horizon, thresholds and "
                "draws, got others: make both with one set of draws (or one seed)"
            )
        return self._band(self.net_benefit_draws - other.net_benefit_draws)

    def sentence(self, threshold: float) -> str:
        """The result at one of the thresholds, in words.

        Raises
        ------
        SurvivalError
            The threshold is not one of the curve's.
        """
        found = np.flatnonzero(np.isclose(self.thresholds, threshold))
        if not len(found):
            raise SurvivalError(
                f"threshold must be one of the {len(self.thresholds)} of the curve, got "
                f"{threshold:g}: add it to thresholds"
            )
        place = found[0]
        return (
            f"At a risk threshold of {threshold:.0%} by {self.horizon:g}, net benefit is "
            f"{_words(self.net_benefit, place)} for the model, {_words(self.treat_all, place)} for "
            f"treating all and 0 for treating none; {self.n_treated[place]} of {self.n_patients} "
            f"patients are at or above it ({self.n_events} events)."
        )

    @property
    def _odds(self) -> np.ndarray:
        return self.thresholds / (1 - self.thresholds)

    @property
    def _treat_all_draws(self) -> np.ndarray:
        return self.event_risk_draws[:, None] - self.event_free_draws[:, None] * self._odds

    def _band(self, draws: np.ndarray) -> Band:
        return Band(draws[0], *percentile_limits(draws[1:], confidence=self.confidence))


def _words(band: Band, place: int) -> str:
    estimate, lower, upper = (float(values[place]) for values in band)
    limits = f" ({lower:.3f} to {upper:.3f})" if np.isfinite(lower) else ""
    return f"{estimate:.3f}{limits}"
