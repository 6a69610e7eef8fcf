"""What this package needs beyond the workbench itself."""

from importlib import import_module
from typing import Any

from workbench.errors import CohortError


def import_extra(module: str) -> Any:
    """Import a module of the extra ``circe``, or say how to install it.

    Raises
    ------
    CohortError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise CohortError(
            "running ATLAS definitions needs the extra `circe`: "
            "pip install 'precision-workbench[circe]'"
        ) from None
