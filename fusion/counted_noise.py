"""Dropout masks that depend on nothing but the seed, the step and the patient.

A counter-based generator has no state: the random number of (seed, step, patient, modality, unit)
is computed from these numbers alone. So masks are the same on however many machines a batch is
spread, into whatever parts it is cut, and after a run was resumed.
"""

from collections.abc import Sequence

import numpy as np

WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
# Salmon et al. (2011), table 2: multipliers and key increments of Philox-4×32.
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
INCREMENTS = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
N_ROUNDS = 10


def philox(counter: Sequence[np.ndarray], key: tuple[int, int]) -> np.ndarray:
    """Four random 32-bit words of each counter, by Philox-4×32-10.

    Parameters
    ----------
    counter
        Four words, arrays of unsigned 32-bit numbers that broadcast to one shape.
    key
        Two 32-bit words; another key is another stream.

    Returns
    -------
    array
        (4, *shape) uint64, each below 2³².

    References
    ----------
    Salmon, J. et al. (2011). Parallel random numbers: as easy as 1, 2, 3. SC'11.

    Examples
    --------
    The authors' known answer for counter and key 0:

    >>> [f"{int(word):08x}" for word in philox([np.zeros((), np.uint64)] * 4, (0, 0))]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    first, second, third, fourth = np.broadcast_arrays(*(c.astype(np.uint64) for c in counter))
    for round_ in range(N_ROUNDS):
        left, right = (
            np.uint64((word + round_ * int(step)) & int(WORD))
            for word, step in zip(key, INCREMENTS, strict=True)
        )
        # Two words below 2³² multiply without overflow in 64 bits.
        even, odd = first * MULTIPLIERS[0], third * MULTIPLIERS[1]
        first, second, third, fourth = (
            (odd >> HALF) ^ second ^ left,
            odd & WORD,
            (even >> HALF) ^ fourth ^ right,
            even & WORD,
        )
    return np.stack([first, second, third, fourth])


def uniform(seed: int, step: int, patient: np.ndarray, n_modalities: int, n: int) -> np.ndarray:
    """Numbers in [0, 1), (modality, patient, n) float64.

    Parameters
    ----------
    seed
        Not negative, below 2⁶⁴.
    step
        Of the optimiser.
    patient
        Position of each patient in the training set, (patient,).
    n_modalities, n
        How many numbers a patient.
    """
    counter = np.ix_(np.arange(-(-n // 4)), np.arange(n_modalities), patient)
    block, modality, position = counter
    words = philox(
        [position, np.full((1, 1, 1), step), modality, block], (seed & int(WORD), seed >> 32)
    )
    # (word, block, modality, patient) → (modality, patient, block·word)
    numbers = words.transpose(2, 3, 1, 0).reshape(n_modalities, len(patient), -1)[..., :n]
    return numbers / 2.0**32
