"""From the name of a card to its description and its files."""

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.data.card import Card, ImageModality, did_you_mean
from workbench.data.fingerprint import sha256_of
from workbench.data.front_matter import parse_card
from workbench.data.image_files import files_of, find_images
from workbench.data.manifest import PinnedSource, pinned_sources
from workbench.data.members import describe_member, find_members, split_name
from workbench.data.paths import cache_folder, cards_folder, data_folder
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort


@dataclass(frozen=True)
class DataCard:
    """A dataset: its description, and the folder that holds its files.

    Parameters
    ----------
    spec
        The front matter.
    prose
        What the card says to people, Markdown.
    path
        The card file.
    folder
        Where the data files lie, or would lie; read only.
    """

    spec: Card
    prose: str
    path: Path
    folder: Path

    @property
    def name(self) -> str:
        """As :func:`open_card` takes it: of a member ``collection:member``."""
        return self.spec.name

    @property
    def folder_name(self) -> str:
        """Name of the data folder; the members of a collection share one."""
        return split_name(self.name)[0]

    def pinned_sources(self) -> tuple[PinnedSource, ...]:
        """Files that can be fetched, with their hashes."""
        return pinned_sources(self.spec, self.path.parent)

    def missing_files(self) -> list[str]:
        """Paths and patterns that the card names and the data folder lacks, sorted."""
        named = {file.path for file in self.spec.files.values()}
        named |= {s.path(fold) for s in self.spec.splits.values() for fold in s.folds}
        named |= {source.path for source in self.pinned_sources()}
        missing = {path for path in named if not (self.folder / path).is_file()}
        for modality in self.spec.modalities.values():
            if isinstance(modality, ImageModality) and not self._has_images(modality, missing):
                missing.add(modality.pattern)
        return sorted(missing)

    def _has_images(self, modality: ImageModality, missing: set[str]) -> bool:
        """Whether there are any; whose they are need not be known where that table is missing."""
        owners = modality.owners
        if owners is not None and self.spec.files[owners.file].path in missing:
            return any(self.folder.glob(modality.pattern))
        return bool(find_images(self, modality))

    def how_to_get(self, missing: list[str]) -> str:
        """What is missing, where it was looked for, and the command that gets it."""
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        remedy = (
            f"run `workbench data get {self.name}`"
            if {source.path for source in self.pinned_sources()} & set(missing)
            else "put the data there, or name their folder with --data-dir"
        )
        return f"not in {self.folder}: {', '.join(missing[:3])}{more}; {remedy}"

    def data_hash(self) -> str:
        """sha256 of the description and of every file that it reads; no path of this machine.

        Raises
        ------
        DataCardError
            If a file is missing.
        """
        missing = self.missing_files()
        if missing:
            raise DataCardError(f"{self.name}: {self.how_to_get(missing)}")
        paths = sorted(self._read_paths())
        hashes = sha256_of([self.folder / path for path in paths])
        content = [
            self.spec.model_dump(mode="json", by_alias=True),
            *zip(paths, hashes, strict=True),
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def cohort(self, outcome: str | None = None) -> "Cohort":
        """All patients of the card with an outcome (the default study's, if not given)."""
        from workbench.cohort.start import start_cohort

        return start_cohort(self, outcome)

    def _read_paths(self) -> set[str]:
        paths = {file.path for file in self.spec.files.values()}
        paths |= {s.path(fold) for s in self.spec.splits.values() for fold in s.folds}
        for modality in self.spec.modalities.values():
            if isinstance(modality, ImageModality):
                for image in find_images(self, modality):
                    paths.update(files_of(self.folder, image))
                    if image.mask is not None and (self.folder / image.mask).is_file():
                        paths.add(image.mask)
        return paths


def open_card(
    name_or_path: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None
) -> DataCard:
    """Open a dataset description.

    Parameters
    ----------
    name_or_path
        Name of a card that comes with the workbench, or path of any card file; for one member of a
        collection followed by its name, as in ``tcga_omics:brca``.
    data_dir
        Folder that holds a folder of the card's name. If not given, or it has none: the folder
        that ``WORKBENCH_DATA`` names, the user's data folder, and for a card opened by its path
        the folder where the card lies.

    Raises
    ------
    DataCardError
        If there is no such card, or it is not as it should be (the message names the line); or if
        it describes a collection and no member of it is named, or one that is not there.
    """
    name, member = split_name(os.fspath(name_or_path))
    card = _read_card(name, data_dir)
    if card.spec.collection is None and member is None:
        return card
    return replace(card, spec=describe_member(card.spec, card.folder, member))


def card_members(
    name_or_path: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None
) -> tuple[str, ...]:
    """Members of a collection whose files are here, sorted: ``open_card(f"{name}:{member}")``.

    Parameters
    ----------
    name_or_path, data_dir
        As of :func:`open_card`, without a member.

    Raises
    ------
    DataCardError
        If there is no such card, it is not as it should be, or it describes one dataset.
    """
    card = _read_card(name_or_path, data_dir)
    if card.spec.collection is None:
        raise DataCardError(f"{card.name} is one dataset, not a collection: open it by its name")
    return find_members(card.folder, card.spec.collection)


def _read_card(
    name_or_path: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None
) -> DataCard:
    """A card as it stands in its file, also that of a whole collection."""
    path = _card_path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DataCardError(f"{path.name}: the card is not UTF-8 text: save it as UTF-8") from None
    spec, prose = parse_card(text, path.name)
    if spec.generator is not None:
        return DataCard(spec, prose, path, _simulated_folder(spec.generator))
    folder = data_folder(spec.name, data_dir)
    if not folder.is_dir() and path.parent != cards_folder():
        folder = path.parent
    return DataCard(spec, prose, path, folder)


def list_cards() -> list[str]:
    """Names of the cards that come with the workbench, sorted."""
    return sorted(path.stem for path in cards_folder().glob("*.md"))


def list_datasets(data_dir: str | os.PathLike[str] | None = None) -> list[str]:
    """Names that :func:`open_card` takes: cards, and of collections the members that are here.

    Parameters
    ----------
    data_dir
        As of :func:`open_card`.
    """
    names = []
    for name in list_cards():
        collection = _read_card(name, data_dir).spec.collection
        members = card_members(name, data_dir) if collection is not None else ()
        names += [f"{name}:{member}" for member in members] if collection is not None else [name]
    return names


def _card_path(name_or_path: str | os.PathLike[str]) -> Path:
    path = Path(name_or_path)
    if path.suffix == ".md" or len(path.parts) > 1:
        if not path.is_file():
            raise DataCardError(f"no card at {path}: give a card's name, or the path of its file")
        return path.resolve()
    carried = cards_folder() / f"{path}.md"
    if not carried.is_file():
        names = list_cards()
        raise DataCardError(
            f"no card is called {str(path)!r}; there are {', '.join(names) or 'none'}"
            f"{did_you_mean(str(path), names)}. For a card of your own, give the path of its file"
        )
    return carried


def _simulated_folder(generator: str) -> Path:
    """The simulated files, written on first use by this version of the simulator."""
    from workbench.data import simulate

    sources = sorted(Path(simulate.__file__).parent.glob("simulat*.py"))
    version = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    folder = cache_folder() / f"{generator}-{version[:12]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{generator}-"))
    try:
        simulate.write(part / "data", seed=0)
        # Another process may have been faster; its files are the same.
        with suppress(OSError):
            os.rename(part / "data", folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder
