"""The patients of a published schedule as arrays: what one schedule leaves to each of them."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.benchmarks.dispro_schedules import Rate, Schedules
from workbench.benchmarks.mcat import RISKS, SLIDES
from workbench.benchmarks.missing import withheld
from workbench.benchmarks.tcga_members import Member
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from fusion.dataset import Modality, PatientDataset

SLIDE_RISK = "published_slide_risk"
"""What stands for a slide: no features of slides are in the data."""


@dataclass(frozen=True)
class Scheduled:
    """One cancer with its published schedules.

    Parameters
    ----------
    member
        Its patients of whom the schedules speak.
    schedules
        Of these and perhaps of others.
    risks
        Published risk of slides, index ``patient_id``, columns ``fold`` (that of the network,
        which did not see the patient) and ``risk_score``; None where this cancer has none.
    n_without_data
        Patients of the schedules who are not in the data.
    n_unscheduled
        Patients of the data of whom no schedule speaks.
    n_other_event
        Patients whose event the schedules tell otherwise than the data.
    """

    member: Member
    schedules: Schedules
    risks: pd.DataFrame | None
    n_without_data: int
    n_unscheduled: int
    n_other_event: int

    @property
    def followed(self) -> tuple[str, ...]:
        """Columns of a schedule that can be followed."""
        return ("omics",) if self.risks is None else ("slides", "omics")

    def table(self, rate: Rate, fold: int) -> pd.DataFrame:
        """One schedule, a row a patient of the data, in their order."""
        return self.schedules.rates[rate][fold].loc[self.member.dataset.patient_id]

    def arrays(self, rate: Rate, fold: int) -> "PatientDataset":
        """The patients with what one schedule leaves them; the clinical modality always stays."""
        table, dataset = self.table(rate, fold), self.member.dataset
        dataset = withheld(dataset, ~table["omics"].to_numpy())
        if self.risks is None:
            return dataset
        return dataset.replace_modality(slide_risk(self.risks, table))

    def complete(self, rate: Rate, fold: int) -> np.ndarray:
        """From whom one schedule withholds nothing, (patient,) bool."""
        return self.table(rate, fold)[list(self.followed)].to_numpy().all(axis=1)


def scheduled(member: Member, schedules: Schedules, risks: pd.DataFrame | None) -> Scheduled:
    """Join a cancer with its schedules and with the published risks of its slides.

    Parameters
    ----------
    risks
        As :func:`workbench.benchmarks.mcat.published_risks` gives them, of every cancer.

    Raises
    ------
    DataCardError
        If none of its patients is in the schedules, or a patient has two risks.
    """
    ids, event = member.dataset.patient_id, schedules.event
    both = np.isin(ids, event.index)
    if not both.any():
        raise DataCardError(
            f"{member.name}: none of the {len(event)} patients of the schedules is among the "
            f"{len(ids)} of the data: look for another form of the identifier"
        )
    own = _risks_of(member.name, risks)
    dataset = member.dataset.take(both)
    study = member.study
    if own is not None:
        study = study.model_copy(update={"modalities": (*study.modalities, SLIDE_RISK)})
    patients = member.cohort.patients.loc[dataset.patient_id]
    cohort = replace(member.cohort, patients=patients)
    return Scheduled(
        member=replace(member, study=study, cohort=cohort, dataset=dataset),
        schedules=schedules,
        risks=own,
        n_without_data=len(event) - dataset.n_patients,
        n_unscheduled=int((~both).sum()),
        n_other_event=int((event.loc[dataset.patient_id].to_numpy() != dataset.event).sum()),
    )


def _risks_of(cancer: str, risks: pd.DataFrame | None) -> pd.DataFrame | None:
    if risks is None:
        return None
    own = risks[(risks["cancer"] == cancer) & (risks["model"] == SLIDES)]
    n_again = int(own["patient_id"].duplicated().sum())
    if n_again:
        raise DataCardError(f"{RISKS}: {SLIDES} has {n_again} second risks for {cancer}'s patients")
    if own.empty:
        return None
    table = own.set_index("patient_id")[["fold", "risk_score"]]
    return table.apply(pd.to_numeric, errors="coerce")


def slide_risk(risks: pd.DataFrame, table: pd.DataFrame) -> "Modality":
    """Published risk of slides as one input, in units of the spread of its network.

    Networks of different folds are not comparable. So the risks of each are centred and scaled by
    the mean and standard deviation of those training patients whom the schedule leaves a slide.
    Whoever has no published risk has no slide, and so has anyone whose network gave fewer than two
    training patients a risk, or all of them the same.

    Parameters
    ----------
    risks
        Index ``patient_id``; ``fold`` of the network and ``risk_score``.
    table
        The schedule: index ``patient_id``; bool ``held_out`` and ``slides``.
    """
    from fusion.dataset import Modality

    own = risks.reindex(table.index)
    known = table["slides"] & np.isfinite(own["risk_score"]) & own["fold"].notna()
    teach = own[known & ~table["held_out"]].groupby("fold")["risk_score"]
    spread = teach.std().where(lambda of: of > 0)
    scaled = (own["risk_score"] - own["fold"].map(teach.mean())) / own["fold"].map(spread)
    present = (known & scaled.notna()).to_numpy(bool)
    values = np.where(present, scaled, 0.0)[:, None]
    return Modality(SLIDE_RISK, "embedding", values, present, (f"published risk of {SLIDES}",))
