"""The error tree.

    WorkbenchError
    ├── DataCardError     a card, or a file that it describes
    ├── DownloadError     a source that could not be fetched or verified
    ├── ImageError        an image, volume or slide that cannot be read, or shown as asked
    ├── RecordsError      health records that cannot be read, or are not what they should be
    ├── CohortError       a criterion, a split, an outcome
    ├── PrivacyError      counts that would give a small group away
    ├── StudyError        a study file, or a run folder that belongs to another study
    └── SurvivalError     input that a survival statistic is not defined for

Each is also a ``ValueError``. A message says what was expected, what came, and what to do; it
gives counts and row numbers, never a patient's values.
"""

import unicodedata


class WorkbenchError(ValueError):
    """Anything the workbench refuses, with a message for the person who can mend it."""


class DataCardError(WorkbenchError):
    """A dataset description, or a file that it describes, is not as it should be."""


class DownloadError(WorkbenchError):
    """A pinned source could not be fetched, or is not the file that the card names."""


class ImageError(WorkbenchError):
    """An image, volume or slide cannot be read, or cannot be shown as asked."""


class RecordsError(WorkbenchError):
    """Health records (OMOP, MEDS, FHIR, cBioPortal) cannot be read as they are."""


class CohortError(WorkbenchError):
    """A criterion, a split or an outcome cannot be applied to these patients."""


class PrivacyError(WorkbenchError):
    """Counts that, alone or with what was shown before, would give a small group away."""


class StudyError(WorkbenchError):
    """A study file is not valid, or its output folder belongs to another study."""


class SurvivalError(WorkbenchError):
    """A survival statistic is not defined for what was passed."""


def printable(text: str) -> str:
    """``text`` without what would move a terminal's cursor or colour it: names are not trusted."""
    hidden = {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")}
    return "".join("\N{REPLACEMENT CHARACTER}" if c in hidden else c for c in text)
