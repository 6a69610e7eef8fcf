"""A judged study of simulated patients, without a model being trained: risks are made up."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

import workbench as wb
from fusion.explanation.attribution import Attribution, Check, FeatureAttribution, ImageAttribution
from fusion.predictions import Predictions
from workbench.cohort.cohort import Cohort
from workbench.data.open_card import DataCard
from workbench.evaluation import Evaluation, evaluate
from workbench.survival import kaplan_meier

HORIZONS = (365.0, 1095.0)
GRID = np.unique(np.append(np.linspace(60, 1095, 16), HORIZONS))


@dataclass(frozen=True)
class JudgedStudy:
    """What a run comes to."""

    cohort: Cohort
    predictions: dict[str, Predictions]
    evaluation: Evaluation


@cache
def judged_study() -> JudgedStudy:
    """600 simulated patients; the selected model knows more than the clinical one."""
    cohort = wb.open_card("simulated_glioma").cohort("os").split("kfold", k=3)
    patients = cohort.patients
    grade = patients["grade"].cat.codes.to_numpy(float)
    rng = np.random.default_rng(0)
    luck = -np.log(patients["time"].to_numpy()) + patients["event"].to_numpy()
    more = (luck - luck.mean()) / luck.std() * 0.4 + rng.normal(0, 0.4, len(patients))
    fold = cohort.folds[0]
    curve = kaplan_meier(patients["time"].to_numpy(), patients["event"].to_numpy())

    def made(name: str, score: np.ndarray, **parts: np.ndarray) -> Predictions:
        base = -np.log(curve.at(GRID))
        survival = np.exp(-np.exp(score - score.mean())[:, None] * base)
        if name == "null":
            survival = np.tile(curve.at(GRID), (len(score), 1))
        ids = patients.index.to_numpy(str)
        return Predictions(name, ids, fold, score, GRID, survival, contributions=parts)

    clinical, rna = 0.5 * grade, np.where(cohort.available["rna"], more, 0.0)
    predictions = {
        "null": made("null", np.zeros(len(patients))),
        "clinical": made("clinical", clinical + rng.normal(0, 0.01, len(patients))),
        "without_rna": made("without_rna", clinical + rng.normal(0, 0.02, len(patients))),
        "stack": made("stack", clinical + rna),
        "selected": made("selected", clinical + rna, clinical=clinical, rna=rna),
    }
    has = cohort.available["rna"]
    evaluation = evaluate(
        cohort,
        predictions,
        horizons=HORIZONS,
        groups=cohort.group_masks(["grade"]) | {"patients with rna": has},
        modality_value={"rna": ("stack", "without_rna", "patients with rna")},
        calibrated=("clinical", "selected"),
        n_bootstrap=20,
    )
    return JudgedStudy(cohort, predictions, evaluation)


def restricted(cohort: Cohort, *, minimum: int = 10) -> Cohort:
    """The same patients as if their card protected them."""
    privacy = cohort.card.spec.privacy.model_copy(
        update={"minimum_cell": minimum, "restricted": True, "thumbnails": False}
    )
    spec = cohort.card.spec.model_copy(update={"privacy": privacy})
    card: DataCard = replace(cohort.card, spec=spec)
    return replace(cohort, card=card)


def retitled(cohort: Cohort, **titles: str) -> Cohort:
    """The same patients as if their card called some modalities otherwise."""
    modalities = {
        name: each.model_copy(update={"title": titles.get(name, each.title)})
        for name, each in cohort.card.spec.modalities.items()
    }
    spec = cohort.card.spec.model_copy(update={"modalities": modalities})
    return replace(cohort, card=replace(cohort.card, spec=spec))


@cache
def attribution() -> Attribution:
    """Contributions at three horizons: groups of genes, maps of images; one check fails."""
    cohort = judged_study().cohort
    n, rng = cohort.n_patients, np.random.default_rng(1)
    genes = tuple(f"GENE{at}" for at in range(24))
    scale = np.linspace(0.06, 0.002, len(genes))
    rna = FeatureAttribution(
        genes,
        rng.normal(0, 1, (3, n, len(genes))) * scale,
        {"CELL CYCLE": genes[:6], "IMMUNE": genes[6:12]},
    )
    clinical = FeatureAttribution(("age", "grade=G4"), rng.normal(0, 0.1, (3, n, 2)))
    maps = ImageAttribution(rng.normal(0, 0.02, (3, n, 4, 4)))
    modalities = np.stack(
        [clinical.values.sum(2), rna.values.sum(2), maps.values.sum((2, 3))], axis=-1
    )
    return Attribution(
        method="integrated gradients",
        target="risk",
        horizons=np.array([365.0, 730.0, 1095.0]),
        reference="the mean training patient",
        patient_id=cohort.patients.index.to_numpy(str),
        modality_names=("clinical", "rna", "imaging"),
        modalities=modalities,
        total=modalities.sum(2),
        features={"clinical": clinical, "rna": rna},
        images={"imaging": maps},
        checks=(
            Check("gap between the sum and the total", 1e-9, 1e-6, True),
            Check("correlation with random weights", 0.6, 0.3, False),
        ),
    )


def identifiers(cohort: Cohort) -> list[str]:
    """What must not be seen."""
    return [str(patient) for patient in cohort.patients.index]
