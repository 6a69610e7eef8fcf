"""Cohort definitions of OHDSI's ATLAS ("circe" JSON): read, run on an OMOP CDM, and translated."""

from workbench.cohort.circe.attrition import RuleTable
from workbench.cohort.circe.cdm import CommonDataModel, cdm_from_frames, open_cdm
from workbench.cohort.circe.definition import CirceDefinition, read_circe
from workbench.cohort.circe.run import CirceCohort, run_circe
from workbench.cohort.circe.translate import Translation, translate_circe, translate_circe_entry

__all__ = [
    "CirceCohort",
    "CirceDefinition",
    "CommonDataModel",
    "RuleTable",
    "Translation",
    "cdm_from_frames",
    "open_cdm",
    "read_circe",
    "run_circe",
    "translate_circe",
    "translate_circe_entry",
]
