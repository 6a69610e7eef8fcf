"""FHIR R4 bundles and bulk exports → records."""

from workbench.data.sources.fhir.read import read_fhir

__all__ = ["read_fhir"]
