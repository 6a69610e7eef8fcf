"""Widgets: the workbench as a person uses it in a notebook.

Every widget is a state that can be set without a browser (``widget.state``), a page that is drawn
from it (:mod:`workbench.widgets.blocks`), and the results that Python reads. One
:class:`Selection` links the widgets that share it: what is brushed in one selects patients in all.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "AttritionFlow": "workbench.widgets.attrition_flow",
    "CohortBuilder": "workbench.widgets.cohort_builder",
    "CrossFilter": "workbench.widgets.cross_filter",
    "ExplanationView": "workbench.widgets.explanation_view",
    "ImageViewer": "workbench.widgets.image_viewer",
    "ModelEvaluation": "workbench.widgets.model_evaluation",
    "PatientView": "workbench.widgets.patient_view",
    "ReportBuilder": "workbench.widgets.report_builder",
    "Selection": "workbench.widgets.selection",
    "SlideViewer": "workbench.widgets.slide_viewer",
    "StudySetup": "workbench.widgets.study_setup",
    "SurvivalExplorer": "workbench.widgets.survival_explorer",
    "TableOne": "workbench.widgets.table_one",
    "TrainingMonitor": "workbench.widgets.training_monitor",
    "Work": "workbench.widgets.work",
}

__all__ = [
    "AttritionFlow",
    "CohortBuilder",
    "CrossFilter",
    "ExplanationView",
    "ImageViewer",
    "ModelEvaluation",
    "PatientView",
    "ReportBuilder",
    "Selection",
    "SlideViewer",
    "StudySetup",
    "SurvivalExplorer",
    "TableOne",
    "TrainingMonitor",
    "Work",
]


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
