"""Lines of a drafted card: what files show is written down, what only a person knows is marked."""

import json
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from workbench.data.check_modalities import LATE_NAMES
from workbench.data.seen_tables import CLINICAL, SeenTable
from workbench.data.tables import as_text
from workbench.errors import DataCardError

_IMAGES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
_MOST_LEVELS = 20


def file_lines(table: SeenTable) -> list[str]:
    """One file, its key, and whether patients repeat in it."""
    first = ["    first_per: patient_id  # CONFIRM: patients repeat; the first row is kept"]
    return [
        f"  {table.name}:",
        f"    path: {_quoted(table.path)}",
        *([f"    sheet: {_quoted(table.sheet)}"] if table.sheet is not None else []),
        f"    key: {{column: {_quoted(table.key)}}}  # CONFIRM: identifies the patient",
        *(first if table.repeats else []),
    ]


def column_lines(column: str, header: str, file: str, values: pd.Series) -> tuple[list[str], bool]:
    """Lines of one column, and whether it is drafted as a feature; no lines for free text."""
    known = values.dropna()
    n_levels = known.nunique()
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if not number and n_levels > _MOST_LEVELS:
        return [f"  # {header}: text with {n_levels} values, left out"], False
    late, usual = bool(LATE_NAMES.search(header)), bool(CLINICAL.search(header))
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


def outcome_lines(outcome: tuple[str, str, str] | None) -> list[str]:
    """The outcome (file, time, event), or what one looks like where none was found."""
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


def modality_lines(
    tables: list[SeenTable], features: list[str], images: list[list[str]]
) -> list[str]:
    """Clinical variables, matrices and images."""
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


def _matrix_name(table: SeenTable, modality: str) -> str:
    return f"{table.name}_{modality}"


def image_lines(folder: Path, path: str, name: str) -> list[str]:
    """A folder of images as a modality; raises DataCardError where there is none in it."""
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


def study_lines(
    outcome: tuple[str, str, str] | None,
    features: list[str],
    tables: list[SeenTable],
    images: list[list[str]],
) -> list[str]:
    """The study that a newcomer runs first."""
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


def _quoted(text: str) -> str:
    """A YAML scalar that is text whatever it looks like; JSON strings are YAML."""
    return json.dumps(text, ensure_ascii=False)
