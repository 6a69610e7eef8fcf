"""The cancers of the collection ``tcga_omics``, whichever lie in the data folder."""

import hashlib
import json
import os
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import study_steps as steps
from workbench.cohort.cohort import Cohort
from workbench.data.open_card import card_members, open_card
from workbench.data.paths import data_folder
from workbench.errors import CohortError, DataCardError, StudyError
from workbench.run_folder import RunFolder
from workbench.study_checks import check
from workbench.study_settings import Study
from workbench.study_steps import OnProgress

if TYPE_CHECKING:
    from fusion.dataset import Modality, PatientDataset
    from fusion.models import RiskModel
    from fusion.predictions import Predictions

COLLECTION = "tcga_omics"
HORIZON = 36.0
"""Months at which calibration is judged."""
TAUGHT = "rna"
"""The modality of which other cancers can teach: nearly all measure the same genes."""
TRANSFER = "other_cancers"


@dataclass(frozen=True)
class Member:
    """One cancer, loaded.

    Parameters
    ----------
    name
        Such as ``brca``.
    study
        Its default study with the clinical variables of the benchmark.
    cohort
        Its patients on the published folds.
    dataset
        Their arrays.
    """

    name: str
    study: Study
    cohort: Cohort
    dataset: "PatientDataset"

    @property
    def added(self) -> tuple[str, ...]:
        """Modalities beside the clinical one, as the study names them."""
        return tuple(m for m in self.study.modalities if m != self.dataset.clinical)

    def having(self, *extra: "Modality") -> "Member":
        """The same with further inputs, which only models that name them see."""
        dataset = self.dataset
        for modality in extra:
            dataset = dataset.replace_modality(modality)
        return replace(self, dataset=dataset)


def read_members(
    clinical: str,
    data_dir: str | os.PathLike[str] | None,
    on_progress: OnProgress,
    among: Container[str] | None = None,
) -> tuple[dict[str, Member], tuple[str, ...]]:
    """Every cancer in the data folder, by name, and in words those that cannot be judged.

    Parameters
    ----------
    clinical
        Modality of the card that holds the clinical variables.
    among
        The cancers that are wanted; all, if not given.

    Raises
    ------
    DataCardError
        If the data folder holds none that can be judged.
    """
    names = card_members(COLLECTION, data_dir)
    if among is not None:
        names = tuple(name for name in names if name in among)
    if not names:
        raise DataCardError(
            f"{COLLECTION}: no cancer's table lies in {data_folder(COLLECTION, data_dir)}: put one "
            "Parquet a cancer there, such as brca.parquet, with clinical_endpoints.csv.gz beside it"
        )
    members, left_out = {}, []
    for done, name in enumerate(names):
        on_progress(steps.Progress("reading", done, len(names)))
        try:
            members[name] = _read(name, clinical, data_dir)
        except (CohortError, StudyError) as error:
            # A cancer with hardly a death does not keep the others from being judged.
            left_out.append(f"{name} is left out: {error}")
    on_progress(steps.Progress("reading", len(names), len(names)))
    if not members:
        raise DataCardError("; ".join(left_out))
    return members, tuple(left_out)


def _read(name: str, clinical: str, data_dir: str | os.PathLike[str] | None) -> Member:
    card = open_card(f"{COLLECTION}:{name}", data_dir)
    usual = Study.of_card(card)
    omics = [m for m in usual.modalities if not m.startswith("clinical")]
    study = usual.model_copy(
        update={
            "modalities": (clinical, *omics),
            "models": ("null", "clinical", "concatenation", "stack", "fusion_net", "selected"),
            "horizons": (HORIZON,),
        }
    )
    cohort = study.split.apply(card.cohort(study.outcome))
    types = cohort.patients["type"].value_counts()
    if (types > 0).sum() > 1:
        study = study.model_copy(update={"groups": ("type",)})
    check(study, cohort)
    return Member(name, study, cohort, steps.load(study, cohort))


def data_hash(members: Mapping[str, Member]) -> str:
    """One hash for the data of all members."""
    hashes = {name: member.cohort.card.data_hash() for name, member in members.items()}
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def taught(members: Mapping[str, Member], on_progress: OnProgress) -> dict[str, Member]:
    """The same, each with a score that the other cancers taught, where at least two can."""
    from fusion.models.transfer import transfer

    found = {}
    for done, (name, member) in enumerate(members.items()):
        on_progress(steps.Progress("learning from other cancers", done, len(members)))
        # Tables may overlap, as gliomas and glioblastomas would: nobody is taught by themselves,
        # and nobody teaches twice.
        others, met = {}, set(member.dataset.patient_id.tolist())
        for other, m in members.items():
            if TAUGHT in m.dataset.modalities and met.isdisjoint(m.dataset.patient_id.tolist()):
                others[other] = m.dataset
                met.update(m.dataset.patient_id.tolist())
        if TAUGHT in member.dataset.modalities and len(others) >= 2:
            member = member.having(transfer(member.dataset, others, TAUGHT, TRANSFER).modality)
        found[name] = member
    on_progress(steps.Progress("learning from other cancers", len(members), len(members)))
    return found


def widened(member: Member, extra: tuple[str, ...], suffix: str) -> "Mapping[str, RiskModel]":
    """Stack and selected with further inputs, named after them."""
    from fusion.models import Blend, Selected, Stack

    base = steps.models(member.study, member.dataset, single=False)
    stack = Stack(f"stack_{suffix}", member.dataset.clinical, (*member.added, *extra))
    others = [base[name] for name in ("clinical", "stack", "concatenation", "fusion_net")]
    blend = Blend(f"blend_{suffix}", (stack, *others[2:]))
    selected = Selected(f"selected_{suffix}", (*others[:2], stack, *others[2:], blend))
    return {stack.name: stack, selected.name: selected}


def cross_fitted(
    member: Member,
    ladder: "Mapping[str, RiskModel]",
    folder: RunFolder,
    on_progress: OnProgress,
) -> "dict[str, Predictions]":
    """Out-of-fold predictions of one member; finished folds are kept in ``folder``."""
    own = RunFolder(folder.path / "parts" / member.name)
    own.path.mkdir(parents=True, exist_ok=True)
    name = f"{member.name}: "
    return steps.cross_fit(
        member.study,
        member.cohort,
        member.dataset,
        ladder,
        own,
        lambda p: on_progress(steps.Progress(name + p.step, p.done, p.total)),
    )


def on_whole_sites(member: Member) -> Iterator[Member]:
    """The same patients, whole hospitals held out together.

    Raises
    ------
    CohortError, StudyError
        If hospitals are too few, or one of them holds nearly all events.
    """
    position = {patient: i for i, patient in enumerate(member.dataset.patient_id.tolist())}
    for _, cohort in member.study.other_cohorts(member.cohort):
        rows = np.array([position[patient] for patient in cohort.patients.index])
        check(member.study, cohort)
        yield replace(member, cohort=cohort, dataset=member.dataset.take(rows))
