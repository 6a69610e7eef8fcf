"""A first card from files: what they show is written down, what only a person knows is asked."""

import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from workbench.data.card import did_you_mean
from workbench.data.check_modalities import LATE_NAMES
from workbench.data.tables import as_text, read_arrow
from workbench.errors import DataCardError

_PATIENT = re.compile(r"patient|subject|case|participant|barcode|mrn|^pid$", re.IGNORECASE)
_ID = re.compile(r"(^|_)id$", re.IGNORECASE)
_PART = re.compile(r"slide|image|sample|visit|^row", re.IGNORECASE)
_TIME = re.compile(r"time|days|months|years|weeks|follow_?up|futime|survival", re.IGNORECASE)
_EVENT = re.compile(r"event|status|death|dead|died|cens|^os$|^pfs$|^pfi$", re.IGNORECASE)
_CLINICAL = re.compile(r"^(age|sex|gender|grade|stage)\b|_?(age|sex|grade|stage)$", re.IGNORECASE)
_IMAGES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
MISSING = ("", "NA", "NaN")
_WIDE = 100
_MOST_LEVELS = 20


@dataclass
class _Table:
    """What one file shows."""

    name: str
    path: str
    key: str
    repeats: bool
    columns: dict[str, pd.Series]
    matrices: dict[str, str] = field(default_factory=dict)
    sheet: str | None = None


@dataclass(frozen=True)
class Told:
    """What a person has told of files already; whatever is not told is guessed.

    Parameters
    ----------
    keys
        Path in the card → header of the column that identifies the patient.
    sheets
        Path in the card → sheet of the workbook.
    outcome
        Path in the card, header of the time, header of the event.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    sheets: Mapping[str, str] = field(default_factory=dict)
    outcome: tuple[str, str, str] | None = None


def draft_card(files: Sequence[str | os.PathLike[str]], name: str, told: Told | None = None) -> str:
    """Draft a card that the schema accepts.

    Parameters
    ----------
    files
        Tables, and folders of images. Paths in the card are relative to :func:`draft_folder`,
        where the card should be saved.
    name
        Name of the card: a letter, then letters, digits and ``_``.
    told
        What need not be guessed.

    Returns
    -------
    str
        Markdown; what a person must confirm is marked ``CONFIRM``. Nothing is known to be a
        feature until somebody says when it was observed, so only what is usually known at
        diagnosis (age, sex, grade, stage) is drafted as one.

    Raises
    ------
    DataCardError
        If the name is not a name, or a file cannot be read.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
        raise DataCardError(
            f"{name!r} is not a name: start with a letter, then use letters, digits and _ only"
        )
    told = told or Told()
    folder = draft_folder(files)
    taken: set[str] = set()
    tables, images = [], []
    for file in map(Path, files):
        path = file.resolve().relative_to(folder).as_posix()
        if file.is_dir():
            images.append(_image_lines(file, path, unique_name(file.stem, taken)))
        else:
            tables.append(_inspect(file, path, unique_name(file.name.split(".")[0], taken), told))
    if not tables:
        raise DataCardError("no table: name at least one, with patients, times and events")
    return _card(name, tables, images, told)


def draft_folder(files: Sequence[str | os.PathLike[str]]) -> Path:
    """The folder that holds all the files."""
    if not files:
        raise DataCardError("no file: name the tables and image folders of the dataset")
    for file in map(Path, files):
        if not file.exists():
            raise DataCardError(f"{file}: no such file or folder")
    return Path(os.path.commonpath([Path(file).resolve().parent for file in files]))


def _inspect(file: Path, path: str, name: str, told: Told) -> _Table:
    sheet = told.sheets.get(path)
    try:
        table = read_arrow(file, sheet=sheet)
        key = told.keys.get(path) or likely_key(table)
        if key not in table.column_names:
            raise DataCardError(
                f"there is no column {key!r}{did_you_mean(key, table.column_names)}"
            )
        # Read again with the key as text, or it would lose its zeros.
        frame = read_arrow(file, sheet=sheet, missing=MISSING, text=(key,)).to_pandas()
    except DataCardError as error:
        raise DataCardError(f"{file.name}: {error}") from None
    repeats = bool(frame[key].duplicated().any())
    frame = frame.drop_duplicates(key)
    numbers = [c for c in frame.columns if c != key and pd.api.types.is_numeric_dtype(frame[c])]
    matrices = _matrices(numbers, list(frame.columns)) if len(numbers) >= _WIDE else {}
    patterns = [re.compile(pattern) for pattern in matrices.values()]
    columns = {
        c: frame[c] for c in frame.columns if c != key and not any(p.fullmatch(c) for p in patterns)
    }
    return _Table(name, path, key, repeats, columns, matrices, sheet)


def likely_key(table: pa.Table) -> str:
    """The likeliest identifier: by its name, then by having most values of its own."""

    def rank(column: str) -> tuple[int, int]:
        named = 2 * bool(_PATIENT.search(column)) + bool(_ID.search(column))
        return (-1 if _PART.search(column) else named), len(table[column].unique())

    # A number that is not called an identifier is a measurement.
    texts = [
        c
        for c in table.column_names
        if _PATIENT.search(c) or _ID.search(c) or pa.types.is_string(table[c].type)
    ]
    return max(texts or table.column_names, key=rank)


def _matrices(numbers: list[str], headers: list[str]) -> dict[str, str]:
    """Modality → regex: by suffixes that many columns share, as in ``EGFR_rnaseq``, else all."""
    suffixes = Counter(c.rsplit("_", 1)[1] for c in numbers if "_" in c)
    shared = [s for s, n in suffixes.items() if n >= 10 and s.isalpha()]
    if shared:
        return {s: f"(.+)_{s}" for s in shared}
    known = (_CLINICAL, _TIME, _EVENT)
    others = [h for h in headers if h not in set(numbers) or any(p.search(h) for p in known)]
    return {"features": f"(?!(?:{'|'.join(map(re.escape, others))})$)(.+)" if others else "(.+)"}


def _card(name: str, tables: list[_Table], images: list[list[str]], told: Told) -> str:
    outcome = _told_outcome(tables, told)
    if outcome is None:
        outcome = next((o for o in map(_outcome, tables) if o is not None), None)
    taken: set[str] = set()
    columns, features = [], []
    for table in tables:
        for header, values in table.columns.items():
            if outcome is None or header not in outcome[1:] or table.name != outcome[0]:
                column = unique_name(header, taken)
                lines, is_feature = _column_lines(column, header, table.name, values)
                columns += lines
                features += [column] * (is_feature and bool(lines))
    modalities = _modality_lines(tables, features, images)
    return "\n".join(
        [
            "---",
            "schema: 1",
            f"name: {name}",
            'title: "CONFIRM: one line that says what this is"',
            'version: "0.1"',
            'licence: "CONFIRM"',
            'citation: "CONFIRM"',
            'source: "CONFIRM: where the files came from"',
            'index_date: "CONFIRM: when time starts, such as the date of diagnosis"',
            "",
            "files:",
            *[line for table in tables for line in _file_lines(table)],
            f"population: [{tables[0].name}]  # CONFIRM: whose rows are the patients",
            "",
            *(["columns:", *columns] if columns else ["columns: {}"]),
            "",
            *_outcome_lines(outcome),
            "",
            *(["modalities:", *modalities] if modalities else ["modalities: {}  # CONFIRM"]),
            "",
            "limits:",
            '  - "CONFIRM: who is missing from these data, and what was not recorded"',
            "privacy: {minimum_cell: 10, restricted: true}",
            "",
            *_study_lines(outcome, features, tables, images),
            "---",
            "",
            f"# {name}",
            "",
            "Say in plain words who these patients are, how the data were made, and what to keep",
            "in mind. Then run `workbench data check` on this file.",
            "",
        ]
    )


def _file_lines(table: _Table) -> list[str]:
    first = ["    first_per: patient_id  # CONFIRM: patients repeat; the first row is kept"]
    return [
        f"  {table.name}:",
        f"    path: {_quoted(table.path)}",
        *([f"    sheet: {_quoted(table.sheet)}"] if table.sheet is not None else []),
        f"    key: {{column: {_quoted(table.key)}}}  # CONFIRM: identifies the patient",
        *(first if table.repeats else []),
    ]


def _column_lines(column: str, header: str, file: str, values: pd.Series) -> tuple[list[str], bool]:
    """Lines of one column, and whether it is drafted as a feature; no lines for free text."""
    known = values.dropna()
    n_levels = known.nunique()
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if not number and n_levels > _MOST_LEVELS:
        return [f"  # {header}: text with {n_levels} values, left out"], False
    late, usual = bool(LATE_NAMES.search(header)), bool(_CLINICAL.search(header))
    role = "post_outcome" if late else "feature" if usual and n_levels else "description"
    lines = [
        f"  {column}:",
        f"    file: {file}",
        f"    source: {_quoted(header)}",
        '    meaning: "CONFIRM"',
    ]
    if number and n_levels > (6 if usual else 2):
        lines += ["    type: numeric", '    unit: "CONFIRM"']
    else:
        levels = sorted(as_text(v) for v in known.unique())
        lines += ["    type: categorical"]
        lines += [f"    levels: [{', '.join(map(_quoted, levels))}]"] if levels else []
    lines += [f"    role: {role}  # CONFIRM: feature only if known at the index date"]
    if role == "feature":
        lines += ['    observed_at: {assumed: true, basis: "CONFIRM: when it was observed"}']
    return lines, role == "feature"


def _told_outcome(tables: list[_Table], told: Told) -> tuple[str, str, str] | None:
    if told.outcome is None:
        return None
    path, time, event = told.outcome
    for table in tables:
        if table.path == path and {time, event} <= table.columns.keys():
            return table.name, time, event
    raise DataCardError(f"the outcome that was told is not in {path}: look at its columns again")


def _outcome(table: _Table) -> tuple[str, str, str] | None:
    """(file, time, event) by the headers, if there is a pair."""
    times = [
        c
        for c, values in table.columns.items()
        if _TIME.search(c) and pd.api.types.is_numeric_dtype(values) and values.nunique() > 2
    ]
    events = [c for c, v in table.columns.items() if _EVENT.search(c) and v.nunique() == 2]
    return (table.name, times[0], events[0]) if times and events else None


def _outcome_lines(outcome: tuple[str, str, str] | None) -> list[str]:
    if outcome is None:
        return [
            "outcomes: {}",
            "# CONFIRM: no time and event were found. An outcome looks like this:",
            '#   os: {title: "Overall survival", file: …, time: …, unit: days,',
            '#        event: {column: …, event: 1}, time_zero: "diagnosis"}',
        ]
    file, time, event = outcome
    censoring = "cens" in event.lower()
    side = "censored" if censoring else "event"
    unit = next((u for u in ("days", "weeks", "months", "years") if u[:-1] in time.lower()), "days")
    return [
        "outcomes:",
        "  os:",
        '    title: "Overall survival"  # CONFIRM',
        f"    file: {file}",
        f"    time: {_quoted(time)}",
        f"    unit: {unit}  # CONFIRM",
        f"    event: {{column: {_quoted(event)}, {side}: 1}}  # CONFIRM: which value means what",
        '    time_zero: "CONFIRM"',
    ]


def _modality_lines(
    tables: list[_Table], features: list[str], images: list[list[str]]
) -> list[str]:
    lines = []
    if features:
        lines += [
            "  clinical:",
            "    kind: ehr",
            '    title: "Clinical variables"',
            f"    columns: [{', '.join(features)}]",
        ]
    for table in tables:
        for modality, pattern in table.matrices.items():
            lines += [
                f"  {_matrix_name(table, modality)}:",
                "    kind: genomics",
                f"    title: {_quoted(modality)}",
                f"    file: {table.name}",
                f"    columns: {_quoted(pattern)}",
                '    unit: "CONFIRM"',
                '    observed_at: {assumed: true, basis: "CONFIRM: when the tissue was taken"}',
            ]
    return lines + [line for image in images for line in image]


def _matrix_name(table: _Table, modality: str) -> str:
    return f"{table.name}_{modality}"


def _image_lines(folder: Path, path: str, name: str) -> list[str]:
    files = [f for f in folder.rglob("*") if f.suffix.lower() in _IMAGES]
    if not files:
        raise DataCardError(f"{folder}: no PNG, JPEG or TIFF image in this folder")
    suffix = Counter(f.suffix for f in files).most_common(1)[0][0]
    masked = any("_mask" in f.stem for f in files)
    return [
        f"  {name}_images:",
        "    kind: image",
        f"    title: {_quoted(name)}",
        f"    pattern: {_quoted(f'{path}/**/*{suffix}')}",
        *([f"    exclude: {_quoted(f'*_mask{suffix}')}"] if masked else []),
        f"    key: {{regex: {_quoted(f'.*/([^/]+){re.escape(suffix)}')}}}  # CONFIRM: whose it is",
        *([f"    mask: {_quoted('{folder}/{stem}_mask' + suffix)}"] if masked else []),
        "    channels: [red, green, blue]  # CONFIRM",
        '    spacing: "CONFIRM"',
        '    observed_at: {assumed: true, basis: "CONFIRM: when the images were taken"}',
    ]


def _study_lines(
    outcome: tuple[str, str, str] | None,
    features: list[str],
    tables: list[_Table],
    images: list[list[str]],
) -> list[str]:
    modalities = ["clinical"] if features else []
    modalities += [_matrix_name(table, m) for table in tables for m in table.matrices]
    modalities += [image[0].strip().rstrip(":") for image in images]
    return [
        "study:",
        *(["  outcome: os"] if outcome else []),
        "  select: []",
        f"  modalities: [{', '.join(modalities)}]",
        "  split: {kind: kfold, k: 5}",
        '  models: ["null", clinical, each, concatenation, stack, selected]',
        "  horizons: [365, 1095]  # CONFIRM: in the outcome's unit",
        "  groups: []",
        "  seed: 0",
    ]


def unique_name(text: str, taken: set[str]) -> str:
    """A name that the schema accepts, not taken yet."""
    base = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower()[:56] or "column"
    base = base if base[0].isalpha() else f"x_{base}"
    name = next(n for n in (base, *(f"{base}_{i}" for i in range(2, 1000))) if n not in taken)
    taken.add(name)
    return name


def _quoted(text: str) -> str:
    """A YAML scalar that is text whatever it looks like; JSON strings are YAML."""
    return json.dumps(text, ensure_ascii=False)
