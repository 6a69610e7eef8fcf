"""``report.json`` from disk, if it is one."""

import json
from pathlib import Path
from typing import Any

from workbench.errors import StudyError
from workbench.report.document import SCHEMA_VERSION
from workbench.report.words import has_time

NUMBERS = "report.json"
HELD = (
    "at_horizons", "attrition", "availability", "calibration_curves", "chosen", "claims",
    "columns", "contributions", "dataset", "definition", "definition_sentences",
    "evaluation_settings", "inventory", "inventory_title", "ladder", "limits",
    "modalities", "modality_value", "n_events", "n_patients", "notes", "other_splits", "outcome",
    "privacy", "risk_groups", "simulated", "study", "table_one", "warnings",
)  # fmt: skip
HELD_OF_TIMES = ("follow_up",)


def read_document(folder: Path) -> dict[str, Any]:
    """The numbers of the report in the folder of a finished run.

    Raises
    ------
    StudyError
        There is none, or the file is not what this version writes.
    """
    path = folder / NUMBERS
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(
            f"{folder} holds no {NUMBERS}: name the folder of a finished run"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise StudyError(f"{path} is not JSON: run the study again") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA_VERSION:
        raise StudyError(f"{path}: expected schema {SCHEMA_VERSION}: run the study again")
    absent = [name for name in HELD if name not in document]
    if not isinstance(document.get("evaluation_settings", {}), dict):
        raise StudyError(f"{path}: evaluation_settings is no record: run the study again")
    if not absent and has_time(document):
        absent = [name for name in HELD_OF_TIMES if name not in document]
    if absent:
        raise StudyError(f"{path} lacks {', '.join(absent[:5])}: run the study again")
    return document
