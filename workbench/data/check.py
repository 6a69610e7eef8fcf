"""Files against their card: one line a problem, saying what was expected, found, and to do.

Lines give counts, never a patient's values.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from workbench.data.card import (
    AnyOutcome,
    BinaryOutcome,
    EhrModality,
    Outcome,
    did_you_mean,
)
from workbench.data.check_events import coding_problems
from workbench.data.check_modalities import modality_problems
from workbench.data.fingerprint import sha256_of
from workbench.data.missingness import told_by_absence
from workbench.data.problem import Problem, problem_of
from workbench.data.store import (
    absent_headers,
    headers,
    population,
    read_folds,
    read_outcome,
    read_rows,
    type_columns,
)
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard

_LONGEST = {"days": 36_525, "weeks": 5_218, "months": 1_200, "years": 100}


def check_card(card: "DataCard") -> list[Problem]:
    """Validate the files of a card against it; errors first.

    Parameters
    ----------
    card
        An opened card; what is wrong with the card itself was refused when it was opened.
    """
    problems = [*_pinned(card), *_study(card)]
    good_files = set()
    for name in card.spec.files:
        try:
            found = list(_file(card, name))
        except DataCardError as error:
            problems.append(problem_of(error))
            continue
        problems += found
        if not any(p.level == "error" for p in found):
            good_files.add(name)
    try:
        patients = population(card)
    except DataCardError as error:
        # A file that is wrong was reported above; what depends on the patients waits for it.
        if problem_of(error) not in problems and card.spec.files.keys() <= good_files:
            problems.append(problem_of(error))
        patients = pd.Index([], name="patient_id")
    if len(patients):
        problems += _columns(card, patients, good_files)
        for name, outcome in card.spec.outcomes.items():
            if outcome.file in good_files:
                problems += _outcome(card, name, outcome, patients)
        problems += _joins(card, patients, good_files)
        problems += _absences(card, patients, good_files)
    problems += modality_problems(card, good_files)
    problems += _splits(card, patients)
    return sorted(dict.fromkeys(problems), key=lambda p: p.level)


def _pinned(card: "DataCard") -> Iterator[Problem]:
    try:
        sources = card.pinned_sources()
    except DataCardError as error:
        yield problem_of(error)
        return
    named = {file.path for file in card.spec.files.values()}
    there = [s for s in sources if (card.folder / s.path).is_file()]
    absent = [s.path for s in sources if s not in there and s.path not in named]
    if absent:
        yield Problem(
            "error",
            "manifest",
            f"{len(absent)} of {len(sources)} pinned files are missing: {card.how_to_get(absent)}",
        )
    hashes = sha256_of([card.folder / s.path for s in there])
    n_other = sum(s.sha256 != h for s, h in zip(there, hashes, strict=True))
    if n_other:
        yield Problem(
            "error",
            "manifest",
            f"{n_other} of {len(there)} files differ from the pinned ones (sha256): remove them "
            f"and run `workbench data get {card.name}`",
        )


def _study(card: "DataCard") -> Iterator[Problem]:
    """Names in the card's default study that the card does not know."""
    spec, study = card.spec, card.spec.study
    if not study and not spec.outcomes:
        return  # Images to be outlined have no outcome, and need no study.
    split = study.get("split")
    grouping = [n for n, c in spec.columns.items() if c.type != "numeric"] + list(spec.groups)
    expected = [
        ("outcome", [study.get("outcome", next(iter(spec.outcomes), ""))], spec.outcomes),
        ("modalities", study.get("modalities", []), spec.modalities),
        ("groups", study.get("groups", []), grouping),
    ]
    if isinstance(split, dict) and split.get("kind") == "given":
        expected.append(("split.column", [split.get("column")], [*spec.splits, *spec.columns]))
    for place, names, known in expected:
        for name in names if isinstance(names, list) else [names]:
            if name not in list(known):  # A list, for a name may be anything that YAML holds.
                near = did_you_mean(str(name), known)
                yield Problem("error", f"study.{place}", f"the card has no {name!r}{near}")


def _file(card: "DataCard", name: str) -> Iterator[Problem]:
    where, source = f"files.{name}", card.spec.files[name]
    wanted = {
        header: f"columns.{column_name}"
        for column_name, column in card.spec.columns.items()
        if column.file == name
        for header in column.headers(column_name)
    }
    for title, outcome in card.spec.outcomes.items():
        if outcome.file == name:
            wanted |= dict.fromkeys(outcome.headers, f"outcomes.{title}")
    known = headers(card, name)
    optional = absent_headers(card, name)
    wanted = {header: place for header, place in wanted.items() if header not in optional}
    absent = {column: place for column, place in wanted.items() if column not in set(known)}
    for column, place in absent.items():
        near = did_you_mean(column, known)
        yield Problem("error", place, f"{source.path} has no column {column!r}{near}")
    rows = read_rows(card, name, [column for column in wanted if column not in absent])
    nobody = int(rows.index.isna().sum())
    if nobody:
        yield Problem(
            "error",
            where,
            f"{nobody} of {len(rows)} rows have no patient: their key is empty or does not match "
            "key.regex; mend the file or the regex",
        )
    owned = rows[rows.index.notna()]
    repeats = owned[owned.index.duplicated(keep=False)]
    if not len(repeats):
        return
    n_patients = repeats.index.nunique()
    if source.first_per is None:
        yield Problem(
            "error",
            where,
            f"{n_patients} patients have several rows: keep one row a patient, or say "
            "`first_per: patient_id`",
        )
        return
    conflicts = [c for c in rows.columns if c in wanted and _conflicts(repeats[c])]
    if conflicts:
        yield Problem(
            "warning",
            where,
            f"rows of one patient differ in {', '.join(conflicts)}: `first_per: patient_id` keeps "
            "the first; make sure that it is the right one",
        )


def _conflicts(values: pd.Series) -> bool:
    return bool((values.groupby(level=0).nunique() > 1).any())


def _columns(card: "DataCard", patients: pd.Index, good_files: set[str]) -> Iterator[Problem]:
    names = [n for n, c in card.spec.columns.items() if c.file in good_files]
    typed, found = type_columns(card, patients, names)
    yield from (problem_of(DataCardError(text)) for text in found)
    for name in names:
        column, where = card.spec.columns[name], f"columns.{name}"
        if typed[name].isna().all():
            yield Problem("warning", where, "missing for every patient: correct `source`?")
        if column.role == "feature" and column.type == "numeric" and column.unit is None:
            yield Problem("warning", where, "a number without a unit: say `unit`")
        when = column.observed_at
        if when is None:
            continue
        if when.days is not None and when.days > 0 and column.role == "feature":
            yield Problem(
                "error",
                where,
                f"observed {when.days} days after the index date, yet a feature: what was not "
                "known then cannot predict; use another role",
            )
        if when.column in names:
            late = int((typed[when.column] > 0).sum())
            if late:
                yield Problem(
                    "warning",
                    where,
                    f"{late} values were observed after the index date: a cohort sets them missing",
                )


def _outcome(
    card: "DataCard", name: str, outcome: AnyOutcome, patients: pd.Index
) -> Iterator[Problem]:
    where = f"outcomes.{name}"
    try:
        known = read_outcome(card, name, patients)
    except DataCardError as error:
        yield problem_of(error)
        return
    if isinstance(outcome, BinaryOutcome):
        n_unknown = int(known["event"].isna().sum())
        if n_unknown:
            lacking = f"{n_unknown} patients have no known outcome: a cohort leaves them out"
            yield Problem("warning", where, f"{lacking}; complete them")
    else:
        yield from _times(where, outcome, known)
    for level, message in coding_problems(card, outcome, known):
        yield Problem(level, where, message)


def _times(where: str, outcome: Outcome, known: pd.DataFrame) -> Iterator[Problem]:
    """Times that are missing, impossible, or likely of another unit."""
    time, event = known["time"], known["event"]
    lacking = {
        "events have no time": int((event.fillna(False) & time.isna()).sum()),
        "times have no event or censoring": int((time.notna() & event.isna()).sum()),
        "patients have neither time nor event": int((time.isna() & event.isna()).sum()),
    }
    for what, n in lacking.items():
        if n:
            yield Problem("warning", where, f"{n} {what}: a cohort leaves them out; complete them")
    for what, n in {"negative": int((time < 0).sum()), "zero": int((time == 0).sum())}.items():
        if n:
            level = "error" if what == "negative" else "warning"
            times = "time is" if n == 1 else "times are"
            yield Problem(
                level,
                where,
                f"{n} {times} {what}, expected after {outcome.time_zero}: a cohort leaves these "
                "patients out; look whether time starts where the card says",
            )
    longest = time.max()
    if longest > _LONGEST[outcome.unit]:
        yield Problem(
            "error",
            where,
            f"the longest time would be more than 100 years: are these {outcome.unit}?",
        )
    elif outcome.unit == "days" and longest < 365 and (time.dropna() % 1 > 0).mean() > 0.5:
        yield Problem(
            "warning",
            where,
            "no time reaches a year and most are fractions: are these days, or months or years?",
        )


def _absences(card: "DataCard", patients: pd.Index, good_files: set[str]) -> Iterator[Problem]:
    """Features of which it tells an outcome whether a patient has a value."""
    features = {
        column: card.spec.columns[column]
        for modality in card.spec.modalities.values()
        if isinstance(modality, EhrModality)
        for column in modality.columns
        if card.spec.columns[column].file in good_files
    }
    read = [name for name, column in card.spec.columns.items() if column.file in good_files]
    values, wrong = type_columns(card, patients, read)  # All, for a fill asks other columns.
    if wrong:
        return  # Said where columns are looked at; what is wrong stands there as missing.
    for name, outcome in card.spec.outcomes.items():
        if outcome.file not in good_files:
            continue
        try:
            known = read_outcome(card, name, patients)
        except DataCardError:
            continue  # Said where outcomes are looked at.
        followed = (known.notna().all(axis=1) & (known["time"] > 0)).to_numpy()
        told = told_by_absence(
            features,
            values.loc[followed, list(features)],
            known.loc[followed, "time"].to_numpy(float),
            known.loc[followed, "event"].to_numpy(bool),
            measure="AUC" if isinstance(outcome, BinaryOutcome) else "C",
        )
        for columns, reason in told.items():
            yield Problem("error", f"columns.{', '.join(columns)}", f"{outcome.title}: {reason}")


def _joins(card: "DataCard", patients: pd.Index, good_files: set[str]) -> Iterator[Problem]:
    for name in good_files:
        members = set(read_rows(card, name, ()).index)
        joined = len(members & set(patients))
        if joined == len(patients):
            continue
        level = "warning" if joined else "error"
        yield Problem(
            level,
            f"files.{name}",
            f"{len(patients) - joined} of {len(patients)} patients are not in this file"
            + ("" if joined else ": its keys do not join; correct `key` (regex, separator)"),
        )


def _splits(card: "DataCard", patients: pd.Index) -> Iterator[Problem]:
    for name, split in card.spec.splits.items():
        try:
            folds = read_folds(card, name, split)
        except DataCardError as error:
            yield problem_of(error)
            continue
        outside = int((~patients.isin(folds.index)).sum())
        strange = int((~folds.index.isin(patients)).sum()) if len(patients) else 0
        for n, what in (
            (outside, "patients are in no fold"),
            (strange, "of its keys are no patient's"),
        ):
            if n:
                yield Problem("warning", f"splits.{name}", f"{n} {what}")
