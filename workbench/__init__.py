"""From files on disk to a risk report a reviewer would trust.

Names are loaded when first used, so that ``import workbench`` costs nothing and loads neither
torch nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.cohort.aces import read_aces
    from workbench.cohort.criteria import at_least, col, death, event, has
    from workbench.cohort.criteria.landmark import Landmark
    from workbench.cohort.difference import compare_definitions, compare_members
    from workbench.cohort.entry import entry
    from workbench.cohort.features import Feature
    from workbench.cohort.follow_up import follow_up
    from workbench.cohort.new_card import write_card
    from workbench.cohort.record_cohort import build_cohort
    from workbench.cohort.record_definition import RecordDefinition
    from workbench.cohort.table_one import describe
    from workbench.data.concepts import concept_set
    from workbench.data.deidentify_dicom import deidentify_images
    from workbench.data.imaging.readers import read_image
    from workbench.data.open_card import open_card
    from workbench.data.sources.open_records import open_records
    from workbench.evaluation.evaluate import evaluate
    from workbench.materialisation import materialise
    from workbench.report.write import write_report
    from workbench.study import Study, run

__version__ = "0.1.0"

__all__ = [
    "Feature",
    "Landmark",
    "RecordDefinition",
    "Study",
    "at_least",
    "build_cohort",
    "col",
    "compare_definitions",
    "compare_members",
    "concept_set",
    "death",
    "deidentify_images",
    "describe",
    "entry",
    "evaluate",
    "event",
    "follow_up",
    "has",
    "materialise",
    "open_card",
    "open_records",
    "read_aces",
    "read_image",
    "run",
    "write_card",
    "write_report",
]

_HOMES = {
    "Feature": "workbench.cohort.features",
    "Landmark": "workbench.cohort.criteria.landmark",
    "RecordDefinition": "workbench.cohort.record_definition",
    "Study": "workbench.study",
    "at_least": "workbench.cohort.criteria",
    "build_cohort": "workbench.cohort.record_cohort",
    "col": "workbench.cohort.criteria",
    "compare_definitions": "workbench.cohort.difference",
    "compare_members": "workbench.cohort.difference",
    "concept_set": "workbench.data.concepts",
    "death": "workbench.cohort.criteria",
    "deidentify_images": "workbench.data.deidentify_dicom",
    "describe": "workbench.cohort.table_one",
    "entry": "workbench.cohort.entry",
    "evaluate": "workbench.evaluation.evaluate",
    "event": "workbench.cohort.criteria",
    "follow_up": "workbench.cohort.follow_up",
    "has": "workbench.cohort.criteria",
    "materialise": "workbench.materialisation",
    "open_card": "workbench.data.open_card",
    "open_records": "workbench.data.sources.open_records",
    "read_aces": "workbench.cohort.aces",
    "read_image": "workbench.data.imaging.readers",
    "run": "workbench.study",
    "write_card": "workbench.cohort.new_card",
    "write_report": "workbench.report.write",
}
"""No name here is that of a module of this package: importing the module would hide it."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
