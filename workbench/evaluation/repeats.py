"""How much the choice of folds moves a number: the spread over repeats of cross-validation."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fusion.predictions import Predictions
from workbench.evaluation.words import TIMES, Terms, model_words
from workbench.survival import harrell_c

NULLS = ("null", "null_by_group")


def harrell_c_by_repeat(
    patients: pd.DataFrame, repeats: Sequence[Mapping[str, Predictions]]
) -> dict[str, list[float]]:
    """Harrell's C of each model in each repeat, over pairs within that repeat's folds.

    That of a repeated study is of the pairs of all repeats together, never of averaged scores: two
    patients of one fold stand apart in other repeats, where models that learned from one of them
    score the other.

    Parameters
    ----------
    patients
        ``time`` and ``event`` by patient_id.
    repeats
        Predictions of each model, one entry a repeat.

    Returns
    -------
    dict
        Model → one number a repeat, in [0, 1]; without the null models, which rank nobody.
    """
    found: dict[str, list[float]] = {name: [] for name in repeats[0] if name not in NULLS}
    for repeat in repeats:
        for name, each in found.items():
            predicted = repeat[name]
            known = patients.loc[predicted.patient_id.tolist()]
            time, event = known["time"].to_numpy(float), known["event"].to_numpy(bool)
            each.append(float(harrell_c(time, event, predicted.risk_score, fold=predicted.fold)))
    return found


def spread_sentence(model: str, by_repeat: Sequence[float], terms: Terms = TIMES) -> str:
    """The spread of a model's C as a reader is told it.

    Examples
    --------
    >>> spread_sentence("selected", [0.70, 0.72, 0.71])
    'Over 3 repeats on other folds, Harrell’s C of the selected model was 0.710 on average (SD \
0.010; 0.700 to 0.720); its numbers here are of the pairs of all repeats, and of probabilities \
averaged over them.'
    """
    c = np.asarray(by_repeat)
    return (
        f"Over {len(c)} repeats on other folds, {terms.concordance} of "
        f"{model_words(model, terms)} was "
        f"{c.mean():.3f} on average (SD {c.std(ddof=1):.3f}; {c.min():.3f} to {c.max():.3f}); its "
        "numbers here are of the pairs of all repeats, and of probabilities averaged over them."
    )
