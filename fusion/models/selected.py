"""The judged model: chosen among the others in the inner folds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from fusion.models.protocol import NestedFit, RiskModel
from fusion.nested import NestedDesign


@dataclass(frozen=True)
class Selected(RiskModel):
    """The simplest candidate within one standard error of the best, in the inner folds.

    Candidates are compared by held-out partial likelihood, fold by fold. One that is a little
    better on the same patients is better by luck as often as not; the simpler one is easier to
    explain and varies less. So a candidate gives way to the best only where the best leads it by
    more than the standard error of their paired differences.

    Parameters
    ----------
    name
        Its name in the model comparison.
    candidates
        Models to choose from, the simplest first.

    References
    ----------
    Breiman, L. et al. (1984). Classification and regression trees, section 3.4.3.
    """

    name: str
    candidates: tuple[RiskModel, ...]

    def fit_nested(self, design: NestedDesign) -> NestedFit:
        fits = [design.fit(candidate) for candidate in self.candidates]
        taken = fits[simplest_within_error([fit.credit for fit in fits])]
        chosen = {
            "model": taken.fitted.model,
            "held_out_log_likelihood": {f.fitted.model: f.held_out for f in fits},
            **taken.fitted.chosen,
        }
        fitted = replace(taken.fitted, model=self.name, chosen=chosen)
        return replace(taken, fitted=fitted)


def simplest_within_error(credits: Sequence[torch.Tensor]) -> int:
    """Position of the first candidate that the best does not lead by over a standard error.

    Parameters
    ----------
    credits
        Held-out log-likelihood of each candidate, (inner fold,) each.

    Examples
    --------
    The best leads the first by 3 in each fold, beyond doubt, and the second by chance:

    >>> best = torch.tensor([-10.0, -20.0, -30.0])
    >>> simplest_within_error([best - 3, best - torch.tensor([2.0, -1.0, 0.5]), best])
    1
    """
    best = max(credits, key=lambda credit: float(credit.sum()))
    for position, credit in enumerate(credits):
        lead = best - credit
        error = float(lead.std()) * len(lead) ** 0.5
        if float(lead.sum()) <= error:
            return position
    raise AssertionError("the best candidate is within an error of itself")
