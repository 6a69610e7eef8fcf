"""Events in the order of patient and time."""

import numpy as np

from workbench.data.events import STATIC


def patient_time_order(patient: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Order by patient, then time; what is equal in both keeps its order.

    Parameters
    ----------
    patient
        Row of each event's patient, (event,) int, not negative.
    time
        (event,) int64 µs; ``STATIC`` comes first.
    """
    if not len(time):
        return np.zeros(0, np.int64)
    low = int(time.min(where=time != STATIC, initial=np.iinfo(np.int64).max))
    since = np.where(time == STATIC, 0, time - low)
    # Clinical times are whole minutes or days: counted in those, patient and time fit into one
    # number, and runs that are sorted already (one a code) are only merged.
    step = max(int(np.gcd.reduce(since)), 1)
    rank = np.where(time == STATIC, 0, since // step + 1)
    span = int(rank.max()) + 1
    if (int(patient.max()) + 1) * span >= 2**63 or (since < 0).any():
        return np.lexsort((time, patient))
    return np.argsort(patient.astype(np.int64) * span + rank, kind="stable")
