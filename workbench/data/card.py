"""The dataset description: the one place where a dataset's facts live.

A card is a Markdown file: YAML front matter for the machine, prose for people. This module is its
schema. Everything is declarative; nothing in a card is executed.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION = 1


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest of ``known`` names as ``"; did you mean 'age'?"``, or nothing."""
    near = get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _inside(path: str) -> str:
    """Refuse a path that could leave the data folder."""
    parts = PurePosixPath(path).parts
    drive = re.match(r"^[A-Za-z]:", path)
    if path.startswith(("/", "~")) or "\\" in path or "\0" in path or ".." in parts or drive:
        raise ValueError("expected a path inside the data folder: relative, with / and without ..")
    return path


def _globs(pattern: str) -> str:
    parts = PurePosixPath(pattern).parts
    if not parts or any("**" in part and part != "**" for part in parts):
        raise ValueError("expected a pattern such as images/**/*.png; ** stands for whole folders")
    return pattern


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"expected a regular expression, but {error}") from None
    return pattern


def _check_replacement(regex: str, replace: str) -> None:
    """Refuse a replacement that names groups which the regex does not have."""
    try:
        re.sub(regex, replace, "")
    except (re.error, IndexError) as error:
        raise ValueError(f"replace does not fit regex: {error}") from None


Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
Scalar = str | int | float | bool
RelativePath = Annotated[str, Field(min_length=1), AfterValidator(_inside)]
GlobPattern = Annotated[RelativePath, AfterValidator(_globs)]
Regex = Annotated[str, AfterValidator(_compiles)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Observed(_Part):
    """When a value was known, relative to the index date.

    Exactly one of ``days`` (a constant; 0 is the index date, negative is before), ``column`` (a
    declared numeric column that holds such days) and ``assumed`` (accepted by name, and printed
    under limits).
    """

    days: int | None = None
    column: Name | None = None
    assumed: Literal[True] | None = None
    basis: str = ""

    @model_validator(mode="after")
    def _one(self) -> "Observed":
        if sum(v is not None for v in (self.days, self.column, self.assumed)) != 1:
            raise ValueError("observed_at needs exactly one of: days, column, assumed: true")
        return self


class Key(_Part):
    r"""Turns a column's value (or a file's path) into a patient id: ``regex`` → ``replace``.

    ``regex`` must match the whole value; ``replace`` uses ``\1`` … ``\9``.
    ``separator`` then exchanges one string for another, as in ``["_", "-"]``.
    In a table with patients in columns the values are its headers, ``column`` is the one that
    holds the feature names (the first, if not given), and headers that do not match are
    annotations.
    """

    column: str | None = None
    regex: Regex | None = None
    replace: str = r"\1"
    separator: tuple[str, str] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Key":
        if self.regex is not None:
            _check_replacement(self.regex, self.replace)
        return self

    def patient_id(self, value: str) -> str | None:
        """The patient id in ``value``; None where there is none."""
        if self.regex is not None:
            match = re.fullmatch(self.regex, value)
            if match is None:
                return None
            value = match.expand(self.replace)
        if self.separator is not None:
            value = value.replace(*self.separator)
        return value or None


class SourceFile(_Part):
    """One table on disk: CSV, TSV, Parquet or XLSX, also as the member of a zip."""

    path: RelativePath
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    bytes: Annotated[int, Field(ge=0)] | None = None
    licence: str | None = None
    format: Literal["csv", "tsv", "parquet", "xlsx"] | None = None
    member: str | None = None
    sheet: str | None = None
    layout: Literal["patients_in_rows", "patients_in_columns"] = "patients_in_rows"
    key: Key
    first_per: Literal["patient_id"] | None = None
    missing: tuple[Scalar, ...] = ("", "NA", "NaN")

    @model_validator(mode="after")
    def _row_key(self) -> "SourceFile":
        if self.layout == "patients_in_rows" and self.key.column is None:
            raise ValueError("key needs column: the one that holds the patient's identifier")
        if self.url is not None and (self.sha256 is None or self.bytes is None):
            raise ValueError("a url needs sha256 and bytes, so that what arrives can be verified")
        return self


class Fill(_Part):
    """A value for patients where this column is missing and ``when`` holds (column → level)."""

    when: dict[Name, Scalar]
    value: Scalar
    basis: str


class Column(_Part):
    """One variable a patient.

    ``source`` is its header in the file (its own name, if not given), and ``otherwise`` the header
    that is read for patients whose ``source`` is missing. An ``optional`` column may be absent from
    the file, and is then missing for everyone. ``regex`` must match the whole value and is replaced
    by ``replace``; ``recode`` then maps values to levels (null: missing).

    A categorical feature, group or marker lists its ``levels``, the reference first, or takes them
    ``from_data``: the most frequent first, and those that fewer than five patients have as one
    level, ``other``. Other categorical columns may leave levels out. A boolean is read from 1/0,
    true/false or yes/no. ``range`` holds the possible values, both ends included.
    """

    file: Name
    source: str | None = None
    otherwise: str | None = None
    optional: bool = False
    meaning: str
    type: Literal["numeric", "categorical", "boolean"]
    unit: str | None = None
    range: tuple[float | None, float | None] | None = None
    levels: Literal["from_data"] | tuple[str, ...] | None = None
    recode: dict[str, str | None] = {}
    regex: Regex | None = None
    replace: str = r"\1"
    fill: Fill | None = None
    role: Literal["feature", "group", "site", "split", "marker", "description", "post_outcome"]
    observed_at: Observed | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Column":
        if self.type == "categorical":
            if self.levels is None and self.role in ("feature", "group", "marker"):
                raise ValueError(f"a categorical {self.role} needs levels, the reference first")
        elif self.levels is not None:
            raise ValueError(f"only a categorical column has levels; this one is {self.type}")
        if len(set(self.listed_levels)) != len(self.listed_levels):
            raise ValueError("a level is listed twice")
        listed = self.listed_levels
        if self.fill is not None and listed and str(self.fill.value) not in listed:
            raise ValueError("fill.value is not one of the levels")
        if self.range is not None:
            if self.type != "numeric":
                raise ValueError(f"only a numeric column has a range; this one is {self.type}")
            low, high = self.range
            if low is not None and high is not None and low > high:
                raise ValueError("range must ascend: [lowest possible, highest possible]")
        if self.regex is not None:
            _check_replacement(self.regex, self.replace)
        return self

    @property
    def listed_levels(self) -> tuple[str, ...]:
        """Levels that the card names; none where they are left to the file."""
        return self.levels if isinstance(self.levels, tuple) else ()

    def headers(self, name: str) -> tuple[str, ...]:
        """Headers that the column ``name`` is read from, the first that is known wins."""
        return (self.source or name, *([self.otherwise] if self.otherwise else []))


class EventCoding(_Part):
    """How the file says that the event happened: name the value of one side, or of both.

    Where one side is named, every other value that is not missing means the other.
    """

    column: str
    event: Scalar | tuple[Scalar, ...] | None = None
    censored: Scalar | tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _some(self) -> "EventCoding":
        if not any(side is not None and side != () for side in (self.event, self.censored)):
            raise ValueError(
                "say which value means the event, as in `event: 1`, or which means censored"
            )
        return self


TimeUnit = Literal["days", "weeks", "months", "years"]
DAYS_IN: dict[TimeUnit, float] = {"days": 1, "weeks": 7, "months": 30.4375, "years": 365.25}
"""Months and years of the average length, so that no date is needed."""


class Outcome(_Part):
    """A time to event, from the index date.

    ``unit`` is that of every study. Where the file has another, it is named by ``recorded_in``,
    and times are converted as they are read: two outcomes of a card can so share horizons.
    """

    title: str
    file: Name
    time: str
    unit: TimeUnit
    recorded_in: TimeUnit | None = None
    event: EventCoding
    time_zero: str
    note: str = ""


class EhrModality(_Part):
    """Clinical variables: declared columns."""

    kind: Literal["ehr"]
    title: str
    columns: Annotated[tuple[Name, ...], Field(min_length=1)]


class GenomicsModality(_Part):
    """A wide matrix of patients × features; ``columns`` is a regex whose group 1 is the name.

    Where it is ``optional``, a file without such columns is right: nobody has the modality.
    """

    kind: Literal["genomics"]
    title: str
    file: Name
    columns: Regex
    optional: bool = False
    unit: str
    scaling: Literal["standardise", "centre"] = "standardise"
    pathways: dict[str, tuple[str, ...]] = {}
    observed_at: Observed


class ImageModality(_Part):
    """One or more 2D images a patient, found by a glob ``pattern`` relative to the data folder.

    ``key`` turns the matched path into the patient id. ``mask`` is the path of an image's mask,
    with ``{stem}`` and ``{folder}`` of the image. ``exclude`` is a glob of file names that are
    not images. A patient has the modality with ``images_per_patient`` readable images; of more,
    the first by name are taken.
    """

    kind: Literal["image"]
    title: str
    pattern: GlobPattern
    exclude: str | None = None
    key: Key
    mask: RelativePath | None = None
    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    size: Annotated[int, Field(ge=16, le=512)] = 64
    images_per_patient: Annotated[int, Field(ge=1, le=64)] = 1
    spacing: str
    observed_at: Observed


Modality = Annotated[EhrModality | GenomicsModality | ImageModality, Field(discriminator="kind")]


class Split(_Part):
    """A published split: one CSV a fold, whose ``column`` lists the held-out patients.

    ``pattern`` is the path of a fold's file, with ``{fold}``.
    """

    pattern: RelativePath
    folds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=2)]
    column: str
    source: str

    def path(self, fold: int) -> str:
        """Path of one fold's file, relative to the data folder."""
        return self.pattern.replace("{fold}", str(fold))


class Collection(_Part):
    """Several cohorts of one layout, described by one card: one file a member.

    ``name`` says what a member is, such as ``cancer``; ``{cancer}`` may then stand for the member
    in any text of the card. ``pattern`` is the path that members are found by, with ``{cancer}``
    once: they are the files there, and a file added later is one more member.
    """

    name: Name
    pattern: RelativePath

    @model_validator(mode="after")
    def _finds(self) -> "Collection":
        if self.pattern.count(self.placeholder) != 1:
            raise ValueError(f"pattern must hold {self.placeholder} once, for the member's name")
        if self.name in ("stem", "folder", "fold"):
            raise ValueError(f"{self.placeholder} means something else in a card: use another name")
        return self

    @property
    def placeholder(self) -> str:
        """What stands for a member's name in the card's texts."""
        return f"{{{self.name}}}"


class Group(_Part):
    """Patients within which every number is reported too; ``criteria`` as in a study."""

    title: str
    criteria: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]


class EventTable(_Part):
    """Events of patients over time: several rows a patient, each on a ``day`` from the index date.

    In a wide table ``values`` says which code each column's number has; in a long one ``code``
    names the column of codes, with ``value`` and ``text`` beside it, and ``prefix`` stands before
    each code. Where ``day`` is missing, the event has no time.
    """

    file: Name
    day: str
    values: dict[str, str] = {}
    code: str | None = None
    value: str | None = None
    text: str | None = None
    prefix: str = ""

    @model_validator(mode="after")
    def _one_shape(self) -> "EventTable":
        if bool(self.values) == (self.code is not None):
            raise ValueError("events need values (column: code), or code, the column of codes")
        if self.values and (self.value or self.text):
            raise ValueError("value and text belong to a column of codes")
        return self


class Inventory(_Part):
    """A variable that an expert would ask for."""

    item: str
    status: Literal["used", "available, not used", "unavailable"]
    note: str = ""


class Privacy(_Part):
    """What may leave the room. ``minimum_cell`` 0 is for public or simulated data only."""

    minimum_cell: Annotated[int, Field(ge=0)] = 10
    restricted: bool = True
    thumbnails: bool = False
    basis: str = ""


class Card(_Part):
    """The front matter of a card, whole."""

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    title: str
    version: str
    simulated: bool = False
    generator: Literal["simulated_glioma"] | None = None
    licence: str
    citation: str
    source: str
    index_date: str
    manifest: RelativePath | None = None
    collection: Collection | None = None
    files: dict[Name, SourceFile] = {}
    population: Annotated[tuple[Name, ...], Field(min_length=1)]
    columns: dict[Name, Column]
    outcomes: dict[Name, Outcome]
    modalities: dict[Name, Modality]
    events: dict[Name, EventTable] = {}
    splits: dict[Name, Split] = {}
    groups: dict[Name, Group] = {}
    markers: tuple[Name, ...] = ()
    inventory: tuple[Inventory, ...] = ()
    inventory_title: str = ""
    limits: tuple[str, ...]
    privacy: Privacy = Privacy()
    study: dict[str, Any]

    @model_validator(mode="after")
    def _refers(self) -> "Card":
        problems = list(_dangling(self))
        if problems:
            raise DanglingReferencesError(problems)
        return self

    def unfit_features(self, columns: Iterable[str]) -> dict[str, str]:
        """Why some of ``columns`` may never be features: column → reason.

        Columns known only after the outcome, the outcome's own columns, and columns of which the
        card does not say when they were observed.
        """
        reasons = {}
        for name in columns:
            column = self.columns[name]
            if column.role == "post_outcome":
                reasons[name] = "is known only after the outcome"
            elif self.is_outcome(name):
                reasons[name] = "is the outcome itself"
            elif column.role == "split":
                reasons[name] = "is a split, not a measurement"
            elif column.observed_at is None:
                reasons[name] = "has no observed_at, so nobody knows whether it was known in time"
        return reasons

    def is_outcome(self, name: str) -> bool:
        """Whether a column is read from where an outcome's time or event is."""
        column = self.columns[name]
        read = {(o.file, c) for o in self.outcomes.values() for c in (o.time, o.event.column)}
        return any((column.file, header) in read for header in column.headers(name))


class DanglingReferencesError(ValueError):
    """Names in a card that refer to nothing: ``problems`` holds (place, message) each."""

    def __init__(self, problems: list[tuple[tuple[str, ...], str]]) -> None:
        super().__init__("; ".join(f"{'.'.join(place)}: {text}" for place, text in problems))
        self.problems = problems


_Found = Iterator[tuple[tuple[str, ...], str]]


def _dangling(card: Card) -> _Found:
    """Each name in the card that refers to nothing in it."""

    def file(place: tuple[str, ...], name: str) -> _Found:
        if name not in card.files:
            yield place, f"no file is called {name!r}{did_you_mean(name, card.files)}"

    def column(place: tuple[str, ...], name: str) -> _Found:
        if name not in card.columns:
            yield (
                place,
                f"no column is called {name!r}{did_you_mean(name, card.columns)}",
            )

    def observed(place: tuple[str, ...], when: Observed | None) -> _Found:
        if when is not None and when.column is not None:
            place = (*place, "observed_at", "column")
            yield from column(place, when.column)
            if when.column in card.columns and card.columns[when.column].type != "numeric":
                yield place, f"{when.column} must be a numeric column, of days"

    places = {**card.files, **card.modalities}
    for name in card.population:
        if name not in places:
            near = did_you_mean(name, places)
            yield ("population",), f"no file or modality is called {name!r}{near}"
    for name, spec in card.columns.items():
        yield from file(("columns", name, "file"), spec.file)
        yield from observed(("columns", name), spec.observed_at)
        for other in spec.fill.when if spec.fill else ():
            yield from column(("columns", name, "fill", "when"), other)
    for name, outcome in card.outcomes.items():
        yield from file(("outcomes", name, "file"), outcome.file)
    for name, modality in card.modalities.items():
        if isinstance(modality, EhrModality):
            for member in modality.columns:
                yield from column(("modalities", name, "columns"), member)
            continue
        yield from observed(("modalities", name), modality.observed_at)
        if isinstance(modality, GenomicsModality):
            yield from file(("modalities", name, "file"), modality.file)
    for name, events in card.events.items():
        yield from file(("events", name, "file"), events.file)
    for name in card.splits.keys() & card.columns.keys():
        yield ("splits", name), "a split and a column cannot share a name"
    for name in card.markers:
        yield from column(("markers",), name)
    for name, group in card.groups.items():
        for kind, member in _mentioned(group.criteria):
            if kind == "column":
                yield from column(("groups", name, "criteria"), member)
            elif member not in card.modalities:
                near = did_you_mean(member, card.modalities)
                yield (
                    ("groups", name, "criteria"),
                    f"no modality is called {member!r}{near}",
                )


def _mentioned(criteria: Any) -> Iterator[tuple[str, str]]:
    """The columns and modalities that nested criteria name, as (``column`` or ``has``, name)."""
    if isinstance(criteria, dict):
        for key, value in criteria.items():
            if key in ("column", "has"):
                yield key, str(value)
            else:
                yield from _mentioned(value)
    elif isinstance(criteria, list | tuple):
        for item in criteria:
            yield from _mentioned(item)
