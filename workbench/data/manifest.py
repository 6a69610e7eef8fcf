"""Pinned sources: which file comes from where, and the hash that proves it."""

import csv
import io
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.data.card import Card, RelativePath
from workbench.errors import DataCardError


class PinnedSource(BaseModel):
    """One file of a dataset: ``path`` in the data folder, ``url``, size and sha256."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: RelativePath
    url: str = Field(pattern=r"^https?://")
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


def pinned_sources(card: Card, folder: Path) -> tuple[PinnedSource, ...]:
    """Every file that can be fetched: those of the card with a ``url``, then its manifest.

    Parameters
    ----------
    card
        The front matter.
    folder
        Folder of the card file; the manifest lies there.

    Raises
    ------
    DataCardError
        If the manifest is missing, or a row of it is not as it should be.
    """
    sources = {} if card.manifest is None else _read_manifest(folder / card.manifest)
    for file in card.files.values():
        if file.url is not None and file.sha256 is not None and file.bytes is not None:
            sources[file.path] = PinnedSource(
                path=file.path, url=file.url, bytes=file.bytes, sha256=file.sha256
            )
    return tuple(sources.values())


def _read_manifest(path: Path) -> dict[str, PinnedSource]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataCardError(
            f"manifest {path.name} is not beside the card: add it, or remove `manifest`"
        ) from None
    except UnicodeDecodeError:
        raise DataCardError(f"manifest {path.name} is not UTF-8 text: save it as UTF-8") from None
    sources: dict[str, PinnedSource] = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        try:
            source = PinnedSource.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise DataCardError(
                f"{path.name}, line {number}: {where}: {first['msg']}; "
                "expected the columns path, url, bytes, sha256"
            ) from None
        if source.path in sources:
            raise DataCardError(f"{path.name}, line {number}: this path is listed twice")
        sources[source.path] = source
    return sources
