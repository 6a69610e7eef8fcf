"""Which patients are held out together."""

import numpy as np

from workbench.errors import CohortError

TRAINING_ONLY = -1
"""Fold of a patient who trains every model and is never held out, as in a temporal split."""


def stratified_folds(event: np.ndarray, k: int, seed: int, repeats: int = 1) -> np.ndarray:
    """Deal patients to ``k`` folds at random, events and others evenly.

    Parameters
    ----------
    event
        (patient,) bool, in an order that does not depend on how the files were read.
    k
        Number of folds, at least 2.
    seed
        The same seed and patients give the same folds.
    repeats
        How often to deal anew, at least 1. More repeats leave the earlier ones as they are.

    Returns
    -------
    ndarray
        Fold of each patient, (repeat, patient) int from 0 to ``k`` - 1. Folds of a repeat differ
        by at most one patient in size, and by at most one in events.
    """
    if not 2 <= k <= len(event):
        raise CohortError(f"k must be from 2 to the number of patients, {len(event)}; got {k}")
    if repeats < 1:
        raise CohortError(f"repeats must be at least 1, got {repeats}")
    rng = np.random.default_rng(seed)
    fold = np.empty((repeats, len(event)), int)
    for dealt in fold:
        order = np.concatenate([rng.permutation(np.flatnonzero(event == e)) for e in (True, False)])
        dealt[order] = np.arange(len(event)) % k
    return fold


def latest_fold(time_of_entry: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """Hold out the latest patients, about one in ``k``; the earlier ones only train.

    Patients who entered at one time, such as a year, stay together: of the times at which the
    latest part may begin, the one is taken that holds out nearest to one in ``k``, and of two as
    near the later.

    Parameters
    ----------
    time_of_entry
        When each patient entered, (patient,) float, later is greater; without NaN.
    k
        At least 2.

    Returns
    -------
    fold, first
        0 for those held out, else TRAINING_ONLY, (patient,) int; and the first time held out.
    """
    times, counts = np.unique(time_of_entry, return_counts=True)
    if len(times) < 2:
        raise CohortError("all patients entered at one time: nobody is later than others")
    held_out = counts[::-1].cumsum()[::-1][1:]
    # The last of the nearest is the latest start.
    distance = np.abs(held_out - len(time_of_entry) / k)[::-1]
    first = times[1:][::-1][distance.argmin()]
    return np.where(time_of_entry >= first, 0, TRAINING_ONLY), float(first)


def site_folds(site: np.ndarray, event: np.ndarray, k: int | None) -> np.ndarray:
    """Group whole sites into ``k`` folds of similar numbers of patients and events.

    Sites are placed one by one, the largest first, into the fold that is smallest so far [1]_.

    Parameters
    ----------
    site
        Site of each patient, (patient,) str.
    event
        (patient,) bool.
    k
        Number of folds; if None, one a site for up to six sites, else five.

    Returns
    -------
    ndarray
        Fold of each patient, (patient,) int; a site never spans folds.

    References
    ----------
    .. [1] Graham, R. L. "Bounds on multiprocessing timing anomalies." SIAM J Appl Math 17 (1969).
    """
    names, index = np.unique(site.astype(str), return_inverse=True)
    if k is None:
        k = len(names) if len(names) <= 6 else 5
    if not 2 <= k <= len(names):
        raise CohortError(
            f"whole sites cannot be held out in {k} folds: there are {len(names)} sites"
        )
    n_patients = np.bincount(index)
    n_events = np.bincount(index, weights=event)
    weight = n_patients / n_patients.sum() + n_events / max(1, n_events.sum())
    load, fold_of_site = np.zeros(k), np.empty(len(names), int)
    for i in np.lexsort((names, -weight)):
        fold_of_site[i] = np.argmin(load)
        load[fold_of_site[i]] += weight[i]
    return fold_of_site[index]


def check_folds(fold: np.ndarray, event: np.ndarray) -> None:
    """Refuse folds in which nothing can be judged.

    Raises
    ------
    CohortError
        If nobody is held out or nobody trains, or a fold that is held out has no event.
    """
    names = np.unique(fold)
    if len(names) < 2:
        raise CohortError(f"a split needs at least 2 folds with patients, got {len(names)}")
    names = names[names != TRAINING_ONLY]
    barren = [str(name) for name in names if not event[fold == name].any()]
    if barren:
        raise CohortError(
            f"no event in fold {', '.join(barren)} of {len(names)}: no model can be judged there; "
            "use fewer folds or another split"
        )
