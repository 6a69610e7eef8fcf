"""Static figures: a result in, a matplotlib ``Figure`` out, drawn as SVG by ``to_svg``.

Nothing here computes a statistic, and nothing touches pyplot or its global state.
"""

from workbench.figures.calibration import plot_calibration
from workbench.figures.claims import plot_claims
from workbench.figures.contributions import plot_contributions
from workbench.figures.kaplan_meier import plot_kaplan_meier
from workbench.figures.ladder import plot_ladder
from workbench.figures.style import to_svg

__all__ = [
    "plot_calibration",
    "plot_claims",
    "plot_contributions",
    "plot_kaplan_meier",
    "plot_ladder",
    "to_svg",
]
