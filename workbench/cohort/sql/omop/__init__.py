"""A Common Data Model of OMOP in a database."""

from workbench.cohort.sql.omop.cdm import Cdm, standard_cdm
from workbench.cohort.sql.omop.source import OmopSource, standard_source

__all__ = ["Cdm", "OmopSource", "standard_cdm", "standard_source"]
