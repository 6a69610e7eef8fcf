"""The judged model: chosen among the others in the inner folds."""

from dataclasses import dataclass, replace

from fusion.models.protocol import NestedFit, RiskModel
from fusion.nested import NestedDesign


@dataclass(frozen=True)
class Selected(RiskModel):
    """The candidate with the most credit in the inner folds of the training set.

    Credit is held-out partial likelihood in which no model's own choices count
    (:func:`fusion.nested.credit`), so a model that tried more settings has no head start.

    Parameters
    ----------
    name
        Its name in the model comparison.
    candidates
        Models to choose from, the simplest first: a tie goes to the earlier one.
    """

    name: str
    candidates: tuple[RiskModel, ...]

    def fit_nested(self, design: NestedDesign) -> NestedFit:
        fits = [design.fit(candidate) for candidate in self.candidates]
        best = max(fits, key=lambda fit: fit.held_out)
        chosen = {
            "model": best.fitted.model,
            "held_out_log_likelihood": {f.fitted.model: f.held_out for f in fits},
            **best.fitted.chosen,
        }
        fitted = replace(best.fitted, model=self.name, chosen=chosen)
        return replace(best, fitted=fitted)
