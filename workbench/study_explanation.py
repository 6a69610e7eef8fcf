"""Why the judged model said what it said, of each patient by a model that never saw them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import study_steps as steps
from workbench.cohort.cohort import Cohort
from workbench.evaluation.explained_cohort import ExplainedCohort
from workbench.run_folder import RunFolder
from workbench.study_images import explain_images
from workbench.study_settings import Study

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset
    from fusion.explanation.attribution import Attribution
    from fusion.models import FittedRisk

RISK_SCORE = "risk score, down to single features"
OVER_TIME = "survival over time, by kind of data"


@dataclass(frozen=True)
class Explained:
    """What moved the judged model's predictions, out of fold; failed checks stand first.

    Parameters
    ----------
    risk_score
        Contributions to the log hazard by kind of data, variable and gene.
    over_time
        Contributions to survival at the study's horizons, by kind of data; None where the outcome
        has no time.
    summary
        Entries of ``report.json``: over the cohort, groups and folds.
    images
        Maps of places in each kind of images that the models read, by what a person calls them.
    """

    risk_score: "Attribution"
    over_time: "Attribution | None"
    summary: Mapping[str, Any]
    images: Mapping[str, "Attribution"]

    @property
    def attributions(self) -> dict[str, "Attribution"]:
        """All of them, by what a person calls what is explained."""
        over_time = {} if self.over_time is None else {OVER_TIME: self.over_time}
        return {RISK_SCORE: self.risk_score, **over_time, **self.images}


def explain(
    study: Study, cohort: Cohort, dataset: "PatientDataset", folder: RunFolder
) -> Explained:
    """Explain the judged models of all folds, which cross-fitting left in the run folder.

    Contributions of repeated cross-fits are averaged, as their predictions are.
    """
    from fusion.explanation.explain import explain_folds, joined
    from fusion.explanation.feature_groups import readable
    from fusion.explanation.repeats import averaged, in_order

    runs: list[Attribution] = []
    patients: list[PatientDataset] = []
    scores: list[Attribution] = []
    curves: list[Attribution] = []
    for repeat, fold in enumerate(cohort.folds):
        models = folder.judged_models(steps.split_title(cohort, repeat))
        held_out = _held_out(study, dataset, fold, sorted(models))
        found = explain_folds(models, held_out, seed=study.seed)
        runs += found.by_fold.values()
        patients += held_out.values()
        scores.append(found.whole)
        if study.horizons:
            curves.append(joined([_over_time(study, models[f], held_out[f]) for f in held_out]))
    evaluated = dataset.take(cohort.folds[0] >= 0)
    score = readable(in_order(averaged(scores), evaluated.patient_id), evaluated)
    over_time = in_order(averaged(curves), evaluated.patient_id) if curves else None
    spec = cohort.card.spec.privacy
    summary = ExplainedCohort(
        whole=score,
        over_time=over_time,
        dataset=evaluated,
        runs=tuple(runs),
        patients=tuple(patients),
        minimum=spec.minimum_cell,
        single_patients=not spec.restricted and spec.minimum_cell <= 1,
    ).summary(
        groups=cohort.evaluated.group_masks(study.groups),
        horizon=study.asked_at[-1],
        seed=study.seed,
    )
    images = explain_images(study, cohort, dataset, folder)
    return Explained(
        score,
        over_time,
        {**summary, "images": [each.summary for each in images.values()]},
        {places_in(name): each.attribution for name, each in images.items()},
    )


def places_in(modality: str) -> str:
    """What a person calls an explanation of places in images."""
    return f"places in the images: {modality}"


def _held_out(
    study: Study, dataset: "PatientDataset", fold: np.ndarray, labels: list[int]
) -> dict[int, "PatientDataset"]:
    """The patients of each fold as its model reads them; their image encoder is in the cache."""
    held_out = {}
    for label in labels:
        embedder = steps.embedder(study.image_encoder)
        encoders = embedder.fit(dataset.take(fold != label), seed=study.seed)
        held_out[label] = encoders.embed(dataset.take(fold == label))
    return held_out


def _over_time(study: Study, model: "FittedRisk", dataset: "PatientDataset") -> "Attribution":
    from fusion.explanation.explain import nothing_said
    from fusion.explanation.log_hazard import reads_modalities
    from fusion.explanation.over_time import contributions_over_time

    horizons = np.asarray(study.horizons, dtype=float)
    if not reads_modalities(model):
        return nothing_said(dataset, "survival", horizons)
    return replace(contributions_over_time(model, dataset, horizons), features={})
