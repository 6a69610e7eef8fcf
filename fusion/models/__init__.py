"""Risk models of the model comparison, one file each."""

from collections.abc import Mapping, Sequence

from fusion.models.blend import Blend
from fusion.models.fusion_net import FusionNet
from fusion.models.null import Null
from fusion.models.protocol import FittedRisk, RiskModel
from fusion.models.ridge_cox import RidgeCox
from fusion.models.selected import Selected
from fusion.models.stack import Stack
from fusion.network import NetworkConfig

BY_SIMPLICITY = ("stack", "concatenation", "fusion_net")
"""Models of all modalities: one weight a modality, one a component, and what is not linear."""

RUNGS = ("null", "clinical", "each", "concatenation", "stack", "fusion_net", "selected")

__all__ = [
    "RUNGS",
    "Blend",
    "FittedRisk",
    "FusionNet",
    "Null",
    "RidgeCox",
    "RiskModel",
    "Selected",
    "Stack",
    "ladder",
]


def ladder(
    rungs: Sequence[str],
    *,
    clinical: str,
    added: Sequence[str],
    markers: str | None = None,
    stratified_null: bool = False,
    leave_one_out: bool = True,
    network: NetworkConfig | None = None,
) -> Mapping[str, RiskModel]:
    """The models of a comparison, by name, from the simplest to the judged one.

    Where there is nothing to add, the rungs that combine modalities are left out.

    Parameters
    ----------
    rungs
        Among :data:`RUNGS`. ``each`` stands for a ridge Cox a modality, named after it.
    clinical
        The modality that anchors the comparison.
    added
        The other modalities.
    markers
        Modality of known molecular markers; adds the rung ``clinical_markers``.
    stratified_null
        Adds ``null_by_group``, Kaplan–Meier within the strata.
    leave_one_out
        Adds the stack without one modality, ``without_<modality>``: what a modality adds to all
        the others is their difference, in the patients who have it.
    network
        Shape of ``fusion_net``; None for the usual one.

    Raises
    ------
    ValueError
        For an unknown rung.
    """
    unknown = [r for r in rungs if r not in RUNGS]
    if unknown:
        raise ValueError(f"unknown model {unknown[0]!r}: choose among {', '.join(RUNGS)}")
    added = tuple(added)
    combined = {
        "concatenation": RidgeCox("concatenation", (clinical,), added),
        "stack": Stack("stack", clinical, added),
        "fusion_net": FusionNet(
            "fusion_net", (clinical, *added), network=network or NetworkConfig()
        ),
    }
    if not added:
        combined = {}
    base = RidgeCox("clinical", (clinical,))
    models: list[RiskModel] = []
    for rung in rungs:
        if rung == "null":
            models.append(Null())
            if stratified_null:
                models.append(Null("null_by_group", stratified=True))
        elif rung == "clinical":
            models.append(base)
            if markers is not None:
                models.append(RidgeCox("clinical_markers", (clinical, markers)))
        elif rung == "each":
            models.extend(RidgeCox(name, (), (name,)) for name in added)
        elif rung == "selected":
            chosen_from = tuple(combined[r] for r in BY_SIMPLICITY if r in rungs and r in combined)
            blend = (Blend("blend", chosen_from),) if len(chosen_from) > 1 else ()
            models.append(Selected("selected", (base, *chosen_from, *blend)))
        elif rung in combined:
            models.append(combined[rung])
            if rung == "stack" and leave_one_out and len(added) > 1:
                models.extend(
                    Stack(f"without_{name}", clinical, tuple(a for a in added if a != name))
                    for name in added
                )
    return {model.name: model for model in models}
