"""How much better a model looks in the patients it was fitted to than it will in others."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.bootstrap import MOST_UNDEFINED, percentile_limits
from workbench.survival.inputs import Estimate, check_numbers, check_outcome

Predict = Callable[[np.ndarray], np.ndarray]
"""Predictions (patient, ...) for the patients in the given rows."""

Fit = Callable[[np.ndarray], Predict]
"""Fits a model, every step of it, to the patients in the given rows; a row may come twice."""

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""A number from time, event and predictions of some patients."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Optimism:
    """One metric of a model, freed of its optimism.

    Parameters
    ----------
    apparent
        In the patients the model was fitted to.
    optimism
        Mean over bootstraps of (in the bootstrap - in the cohort).
    corrected
        Apparent minus optimism. Limits are the percentiles of the bootstraps' own apparent values,
        shifted by the optimism.
    n_bootstrap
        Bootstraps that count: those in which the metric is defined.
    """

    apparent: float
    optimism: float
    corrected: Estimate
    n_bootstrap: int

    def sentence(self, name: str) -> str:
        """The result in words; ``name`` is the metric's."""
        return (
            f"{name} is {self.corrected.estimate:.3f} ({self.corrected.lower:.3f} to "
            f"{self.corrected.upper:.3f}) corrected for an optimism of {self.optimism:.3f} "
            f"(apparent {self.apparent:.3f}; {self.n_bootstrap} bootstraps)."
        )


def correct_optimism(
    time: np.ndarray,
    event: np.ndarray,
    *,
    fit: Fit,
    metrics: Mapping[str, Metric],
    n_bootstrap: int = 200,
    seed: int = 0,
    rows: np.ndarray | None = None,
    progress: Progress | None = None,
    confidence: float = 0.95,
) -> dict[str, Optimism]:
    r"""Harrell's bootstrap: apparent performance, optimism, and what is left.

    .. math:: \theta_{app} - \frac1B \sum_b \left[ \theta(M_b, D_b) - \theta(M_b, D) \right]

    where M_b is fitted to the bootstrap D_b and D is the cohort. It corrects for what ``fit`` does
    each time, so ``fit`` must hold all that looked at the outcome: selection, tuning, scales.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    fit
        ``fit(rows)`` gives ``predict``; ``predict(rows)`` gives (row, ...) predictions.
    metrics
        Name → ``metric(time, event, prediction)``, for instance ``harrell_c``.
    n_bootstrap
        Number of bootstraps, at least 2.
    seed
        Of the generator that draws them.
    rows
        Rows of each bootstrap, (bootstrap, patient) int, in place of drawing them.
    progress
        Called with (done, total) after each bootstrap.
    confidence
        Coverage of the limits, in (0, 1).

    Returns
    -------
    dict
        Metric → :class:`Optimism`.

    Raises
    ------
    SurvivalError
        A metric is undefined in the cohort, or in more than a tenth of the bootstraps. A metric or
        a fit that raises it in a bootstrap counts as undefined there; other errors pass through.

    References
    ----------
    Harrell, Lee and Mark, Stat Med 1996;15:361-387. Noma, Shinozaki, Iba, Teramukai and Furukawa,
    Stat Med 2021;40:5691-5701 (location-shifted limits).

    Examples
    --------
    A model that ignores its training patients has no optimism on average; here exactly none, since
    each bootstrap holds every patient once.

    >>> from workbench.survival import harrell_c
    >>> score = np.array([3.0, 1.0, 2.0])
    >>> found = correct_optimism(
    ...     np.array([1.0, 2, 3]), np.array([True, True, False]),
    ...     fit=lambda rows: lambda rows: score[rows], metrics={"C": harrell_c},
    ...     rows=np.array([[0, 1, 2], [2, 1, 0]]))["C"]
    >>> round(found.apparent, 4), found.optimism
    (0.6667, 0.0)
    """
    time, event = check_outcome(time, event)
    drawn = _drawn_rows(len(time), n_bootstrap, seed) if rows is None else _check_rows(rows, time)
    everyone = np.arange(len(time))
    apparent = _measured(fit, metrics, time, event, everyone, (everyone,))[0]
    pairs = np.full((len(drawn), 2, len(metrics)), np.nan)
    for number, sample in enumerate(drawn):
        with suppress(SurvivalError):  # stays NaN, and is refused where it happens often
            pairs[number] = _measured(fit, metrics, time, event, sample, (sample, everyone))
        if progress is not None:
            progress(number + 1, len(drawn))
    return {
        name: _corrected(name, float(apparent[place]), pairs[:, :, place], confidence)
        for place, name in enumerate(metrics)
    }


def _measured(
    fit: Fit,
    metrics: Mapping[str, Metric],
    time: np.ndarray,
    event: np.ndarray,
    training: np.ndarray,
    judged: tuple[np.ndarray, ...],
) -> np.ndarray:
    """Metrics of one fit in each set of rows, (set, metric)."""
    predict = fit(training)
    found = np.empty((len(judged), len(metrics)))
    for place, rows in enumerate(judged):
        prediction = np.asarray(predict(rows))
        if len(prediction) != len(rows):
            raise ValueError(
                f"predict must give one prediction a row ({len(rows)}), got {len(prediction)}"
            )
        found[place] = [metric(time[rows], event[rows], prediction) for metric in metrics.values()]
    return found


def _corrected(name: str, apparent: float, pairs: np.ndarray, confidence: float) -> Optimism:
    defined = np.isfinite(pairs).all(1)
    if not np.isfinite(apparent) or defined.mean() < 1 - MOST_UNDEFINED:
        raise SurvivalError(
            f"{name} must be defined in the cohort and in nine of ten bootstraps, got "
            f"{int(defined.sum())} of {len(pairs)}: fit a smaller model or ask another metric"
        )
    optimism = float((pairs[defined, 0] - pairs[defined, 1]).mean())
    (lower,), (upper,) = percentile_limits(pairs[:, :1], confidence=confidence)
    return Optimism(
        apparent=apparent,
        optimism=optimism,
        corrected=Estimate(apparent - optimism, float(lower) - optimism, float(upper) - optimism),
        n_bootstrap=int(defined.sum()),
    )


def _drawn_rows(n_patients: int, n_bootstrap: int, seed: int) -> np.ndarray:
    if n_bootstrap < 2:
        raise SurvivalError(f"n_bootstrap must be at least 2, got {n_bootstrap}: 200 is usual")
    return np.random.default_rng(seed).integers(0, n_patients, (n_bootstrap, n_patients))


def _check_rows(rows: np.ndarray, time: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows)
    inside = rows.dtype.kind in "iu" and rows.ndim == 2 and len(rows) > 1
    if not inside or rows.shape[1] != len(time) or rows.min() < 0 or rows.max() >= len(time):
        check_numbers("rows", rows, (-1, len(time)))
        raise SurvivalError(
            f"rows must be whole numbers from 0 to {len(time) - 1} for at least two bootstraps, "
            f"got {rows.dtype} of shape {rows.shape}: draw them with replacement"
        )
    return rows
