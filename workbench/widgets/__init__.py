"""Widgets: the workbench as a person uses it in a notebook.

Every widget is a state that can be set without a browser (``widget.state``), a page that is drawn
from it (:mod:`workbench.widgets.blocks`), and the results that Python reads. One
:class:`Selection` links the widgets that share it: what is brushed in one selects patients in all.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "ReportBuilder": "workbench.widgets.report_builder",
    "Selection": "workbench.widgets.selection",
    "StudySetup": "workbench.widgets.study_setup",
    "SurvivalExplorer": "workbench.widgets.survival_explorer",
}

__all__ = ["ReportBuilder", "Selection", "StudySetup", "SurvivalExplorer"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench.widgets' has no attribute {name!r}")
    try:
        value = getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name not in ("anywidget", "ipywidgets", "traitlets"):
            raise
        raise ImportError(
            f"widgets need {error.name}, which is not installed: "
            "pip install 'precision-workbench[lab]'"
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
