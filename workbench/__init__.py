"""From files on disk to a risk report a reviewer would trust.

Names are loaded when first used, so that ``import workbench`` costs nothing and loads neither
torch nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.cohort.criteria import at_least, col, death, event, has
    from workbench.cohort.entry import entry
    from workbench.cohort.follow_up import follow_up
    from workbench.data.open_card import open_card
    from workbench.evaluation.evaluate import evaluate
    from workbench.materialise import materialise
    from workbench.report.write import write_report
    from workbench.study import Study, run

__version__ = "0.1.0"

__all__ = [
    "Study",
    "at_least",
    "col",
    "death",
    "entry",
    "evaluate",
    "event",
    "follow_up",
    "has",
    "materialise",
    "open_card",
    "run",
    "write_report",
]

_HOMES = {
    "Study": "workbench.study",
    "at_least": "workbench.cohort.criteria",
    "col": "workbench.cohort.criteria",
    "death": "workbench.cohort.criteria",
    "entry": "workbench.cohort.entry",
    "event": "workbench.cohort.criteria",
    "follow_up": "workbench.cohort.follow_up",
    "evaluate": "workbench.evaluation.evaluate",
    "has": "workbench.cohort.criteria",
    "materialise": "workbench.materialise",
    "open_card": "workbench.data.open_card",
    "run": "workbench.study",
    "write_report": "workbench.report.write",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
