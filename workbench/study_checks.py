"""What is refused before any training, since it could not be trained or judged after it."""

from collections.abc import Mapping
from typing import get_args

from workbench.cohort.cohort import Cohort
from workbench.data.card import BinaryOutcome, EhrModality, GenomicsModality
from workbench.data.missingness import told_by_absence
from workbench.errors import PrivacyError, StudyError
from workbench.evaluation.alignment import FEWEST_AT_RISK
from workbench.study_settings import Rung, Study

TAKEN = {*get_args(Rung), "blend", "clinical_markers", "null_by_group"} - {"clinical"}
"""Names of models, which a modality cannot have: its own model would hide the other."""


def check(study: Study, cohort: Cohort) -> None:
    """Refuse before any training what could not be trained or judged after it.

    Raises
    ------
    StudyError
        If a fold leaves too little to learn from or to judge, nobody is followed to a horizon, a
        modality or a group has a name that a comparison needs, the absence of a feature tells the
        outcome, or the network is to read gene sets and the card names none.
    CohortError
        If a group or a modality does not exist, or may not be used.
    """
    for name in study.modalities:
        cohort.features(name)
    _check_kind(study, cohort)
    groups = cohort.group_masks(study.groups)
    clash = [name for name in study.modalities if name in TAKEN] + [g for g in groups if g == "all"]
    if clash:
        raise StudyError(f"{clash[0]!r} means something else here: rename it in the card")
    _check_gene_sets(study, cohort)
    for name in study.modalities:
        if not cohort.available[name].any():
            raise StudyError(
                f"no patient has {name}: look with `workbench data check`, or leave it out of "
                "modalities"
            )
    _check_absences(study, cohort)
    _check_horizons(study, cohort)
    _check_folds(study, cohort)


def release(cohort: Cohort, other_cohorts: Mapping[str, Cohort]) -> None:
    """Ask before any training whether a report may be written of these patients.

    Groups of them are asked for when the report is written, which withholds their counts.

    Raises
    ------
    PrivacyError
        If together with what was shown before, or with each other, the patients would give a small
        group away.
    """
    cohort.require_release()
    for title, each in {"": cohort, **other_cohorts}.items():
        answer = each.evaluated.release()
        if not answer.allowed:
            raise PrivacyError(f"{title}: {answer.sentence}" if title else answer.sentence)


def _check_kind(study: Study, cohort: Cohort) -> None:
    """Horizons go with times, and the network learns from times alone."""
    if not isinstance(cohort.card.spec.outcomes[cohort.outcome], BinaryOutcome):
        if not study.horizons:
            raise StudyError(
                f"horizons is missing: {cohort.outcome} is a time to an event, so say at which "
                f"times risk is asked, in {cohort.time_unit}, as in `horizons: [365, 1095]`"
            )
        return
    if study.horizons:
        raise StudyError(
            f"horizons: {cohort.outcome} is there or not, without a time: leave horizons out"
        )
    if "fusion_net" in study.models:
        raise StudyError(
            f"models: fusion_net learns times to an event, and {cohort.outcome} has none: leave it "
            "out; all other models are there"
        )


def _check_gene_sets(study: Study, cohort: Cohort) -> None:
    """Without gene sets the network would read components, which is not what was asked."""
    spec = cohort.card.spec.modalities
    found = {name: spec[name] for name in study.modalities}
    genomics = {name: m for name, m in found.items() if isinstance(m, GenomicsModality)}
    if study.network.genomics != "pathways" or any(m.pathways for m in genomics.values()):
        return
    if not genomics:
        raise StudyError(
            "network.genomics: pathways reads gene sets, and no modality of the study is of kind "
            "genomics: add one, or leave genomics out"
        )
    raise StudyError(
        f"network.genomics: pathways reads gene sets, and the card names none for "
        f"{', '.join(genomics)}: add pathways to the modality in the card, or choose components"
    )


def _check_absences(study: Study, cohort: Cohort) -> None:
    spec = cohort.card.spec
    modalities = [spec.modalities[name] for name in study.modalities]
    features = [c for m in modalities if isinstance(m, EhrModality) for c in m.columns]
    patients = cohort.patients
    told = told_by_absence(
        spec.columns,
        patients[list(dict.fromkeys(features))],
        patients["time"].to_numpy(float),
        patients["event"].to_numpy(bool),
        measure="C" if study.horizons else "AUC",
    )
    if told:
        raise StudyError("; ".join(told.values()))


def _check_horizons(study: Study, cohort: Cohort) -> None:
    evaluated = cohort.evaluated
    if not study.horizons:
        return
    n_at_risk = int((evaluated.patients["time"] >= study.horizons[0]).sum())
    if n_at_risk < FEWEST_AT_RISK:
        raise StudyError(
            f"horizons: {n_at_risk} of {evaluated.n_patients} patients are followed to "
            f"{study.horizons[0]:g} {cohort.time_unit}, at least {FEWEST_AT_RISK} are needed: "
            "choose earlier horizons"
        )


def _check_folds(study: Study, cohort: Cohort) -> None:
    from fusion.nested import MIN_EVENTS

    for fold, held_out in cohort.patients.groupby("fold"):
        training = cohort.patients.drop(held_out.index)
        n_events = int(training["event"].sum())
        if n_events < MIN_EVENTS:
            raise StudyError(
                f"without fold {fold}, {len(training)} patients with {n_events} events are left "
                f"to train on, at least {MIN_EVENTS} events are needed: use more folds or another "
                "outcome"
            )
        n_free = len(training) - n_events
        if cohort.time_unit is None and n_free < MIN_EVENTS:
            raise StudyError(
                f"without fold {fold}, {n_free} of {len(training)} patients without the event are "
                f"left to train on, at least {MIN_EVENTS} are needed: use more folds or another "
                "outcome"
            )
        for name in study.modalities:
            if not training[f"has_{name}"].any():
                raise StudyError(
                    f"without fold {fold}, no patient has {name}: leave it out of modalities"
                )
        if not (held_out.loc[held_out["event"], "time"] < held_out["time"].max()).any():
            raise StudyError(
                f"in fold {fold}, {len(held_out)} patients with {int(held_out['event'].sum())} "
                "events form no pair to compare: use fewer or larger folds"
            )
