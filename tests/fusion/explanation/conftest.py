"""Fitted models and patients that they were not fitted on."""

import warnings
from types import ModuleType

import numpy as np
import pytest

from fusion.dataset import PatientDataset
from fusion.models import Blend, FusionNet, RidgeCox, Stack
from fusion.models.protocol import FittedRisk
from fusion.nested import NestedDesign
from fusion.training import TrainingConfig

NAMES = ("clinical", "rna", "mutations")
STACK = Stack("stack", "clinical", ("rna", "mutations"))
NET = FusionNet("fusion_net", NAMES, n_seeds=2, training=TrainingConfig(max_epochs=15))
MODELS = {
    "clinical": RidgeCox("clinical", ("clinical",)),
    "concatenation": RidgeCox("concatenation", ("clinical",), ("rna", "mutations")),
    "stack": STACK,
    "fusion_net": NET,
    "blend": Blend("blend", (STACK, NET)),
}


@pytest.fixture(scope="session")
def new_patients(simulate) -> PatientDataset:
    return simulate(60, seed=7)


@pytest.fixture(scope="session")
def fitted_models(simulate) -> dict[str, FittedRisk]:
    design = NestedDesign(simulate(), seed=2)
    return {name: design.fit(model).fitted for name, model in MODELS.items()}


@pytest.fixture(params=MODELS)
def fitted(request, fitted_models) -> FittedRisk:
    return fitted_models[request.param]


@pytest.fixture(scope="session")
def horizons() -> np.ndarray:
    return np.array([100.0, 500.0, 1500.0])


@pytest.fixture(scope="session")
def shap() -> ModuleType:
    """The reference implementation; what it says of matplotlib on import is not about us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap as reference
    return reference
