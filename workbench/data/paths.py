"""Where data, prepared files, cards and notebooks lie on this machine."""

import os
from pathlib import Path

import platformdirs

_APPLICATION = "precision-workbench"
_PACKAGE = Path(__file__).resolve().parent.parent


def data_folder(card_name: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Folder of one card's data files.

    Parameters
    ----------
    card_name
        Name of the card, which is the name of the folder.
    data_dir
        Looked at first; then ``WORKBENCH_DATA``, then the user's data folder.

    Returns
    -------
    Path
        The first of them that has such a folder; where none has, where it would be made.
    """
    environment = os.environ.get("WORKBENCH_DATA")
    roots = [
        *([Path(data_dir)] if data_dir is not None else []),
        *([Path(environment)] if environment else []),
        Path(platformdirs.user_data_dir(_APPLICATION, appauthor=False)),
    ]
    folders = [root / card_name for root in roots]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def cache_folder() -> Path:
    """Folder for prepared files: ``WORKBENCH_CACHE``, or the user's cache folder."""
    environment = os.environ.get("WORKBENCH_CACHE")
    if environment:
        return Path(environment)
    return Path(platformdirs.user_cache_dir(_APPLICATION, appauthor=False))


def state_folder() -> Path:
    """Folder for what must not be lost: ``WORKBENCH_STATE``, or the user's folder for state."""
    environment = os.environ.get("WORKBENCH_STATE")
    if environment:
        return Path(environment)
    return Path(platformdirs.user_state_dir(_APPLICATION, appauthor=False))


def cards_folder() -> Path:
    """Folder of the cards that come with the workbench."""
    return _shared("data_cards")


def notebooks_folder() -> Path:
    """Folder of the guided analyses that come with the workbench."""
    return _shared("notebooks")


def _shared(name: str) -> Path:
    """A folder that the wheel carries inside the package, and a checkout has beside it."""
    carried = _PACKAGE / "_share" / name
    return carried if carried.is_dir() else _PACKAGE.parent / name
