"""cBioPortal study folders → records."""

from workbench.data.sources.cbioportal.read import read_cbioportal

__all__ = ["read_cbioportal"]
