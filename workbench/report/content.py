"""What a report is made of: every earlier step's record, complete before a word is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fusion.explanation.attribution import Attribution
from workbench.cohort.cohort import Cohort
from workbench.data.open_card import DataCard
from workbench.evaluation import Evaluation


@dataclass(frozen=True)
class OtherSplit:
    """Another way of splitting the same patients.

    Parameters
    ----------
    kind
        As in :meth:`workbench.cohort.cohort.Cohort.split`.
    evaluation
        Every metric on its folds.
    """

    kind: str
    evaluation: Evaluation


@dataclass(frozen=True)
class ReportContent:
    """The records that a report renders.

    Parameters
    ----------
    study
        The resolved study, JSON-ready; holds no path of a machine.
    card
        The dataset description.
    cohort
        Who trained the models and who was evaluated, since when and until what.
    evaluation
        Every metric on the study's own folds.
    other_splits
        The same for other ways of splitting, by title, such as ``"whole hospitals"``.
    chosen
        What ``selected`` chose inside each fold: ``fold, model, n_train, events_train`` and
        whatever else the fold settled, JSON-ready.
    attribution
        What each modality and feature contributed to the judged model's risk score.
    explanation
        The same over the cohort, and over time, groups and folds: see
        :func:`workbench.study_explanation.explain`; nothing of a single patient who is protected.
    failed_contributions
        Whether contributions of which a check failed are shown all the same, marked so.
    provenance
        ``definition_hash, data_hash, code_version, seed``, and versions of packages that numbers
        depend on; no clock time, path or host.
    warnings
        What a reader must know before believing a number, a sentence each.
    practice
        What the judged model would mean in practice: see
        :func:`workbench.study_practice.in_practice`; counts are withheld when it is written.
    saved_model
        Files of the model kept for new patients, with their hashes; None where none was kept.
    croissant
        The dataset as Croissant JSON-LD, without paths of a machine; None where it was not made.
    """

    study: Mapping[str, Any]
    card: DataCard
    cohort: Cohort
    evaluation: Evaluation
    other_splits: Mapping[str, OtherSplit]
    chosen: tuple[Mapping[str, Any], ...]
    attribution: Attribution
    provenance: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    failed_contributions: Literal["withheld", "shown"] = "withheld"
    explanation: Mapping[str, Any] = field(default_factory=dict)
    practice: Mapping[str, Any] = field(default_factory=dict)
    saved_model: Mapping[str, Any] | None = None
    croissant: Mapping[str, Any] | None = None
