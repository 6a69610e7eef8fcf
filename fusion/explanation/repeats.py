"""One explanation of several cross-fits of the same patients: the average of what each said."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fusion.explanation.attribution import Attribution, FeatureAttribution
from fusion.explanation.explain import all_methods, worst_of


def averaged(repeats: Sequence[Attribution]) -> Attribution:
    """Mean contributions, which explain the mean prediction; each check from its worst repeat.

    Parameters
    ----------
    repeats
        Of the same output and patients; patients stand in the order of the first. A feature that
        a repeat does not use moves nothing there.

    Raises
    ------
    ValueError
        Without repeats, or if they explain other patients.
    """
    if not repeats:
        raise ValueError("there is nothing to average: pass the attribution of one repeat or more")
    first = repeats[0]
    if any(set(r.patient_id.tolist()) != set(first.patient_id.tolist()) for r in repeats):
        raise ValueError("the repeats explain other patients: pass those of one cohort")
    same = [in_order(repeat, first.patient_id) for repeat in repeats]
    names = tuple(dict.fromkeys(name for each in same for name in each.modality_names))
    shapes = {name: part for each in same for name, part in each.features.items()}
    totals = [each.total for each in same if each.total is not None]
    return replace(
        first,
        method=all_methods(same),
        modality_names=names,
        modalities=np.stack(
            [
                np.sum([e.of(name) for e in same if name in e.modality_names], axis=0) / len(same)
                for name in names
            ],
            axis=-1,
        )
        if names
        else first.modalities,
        total=np.mean(totals, axis=0) if len(totals) == len(same) else None,
        features={
            name: FeatureAttribution(
                part.names,
                np.sum([e.features[name].values for e in same if name in e.features], axis=0)
                / len(same),
                part.groups,
            )
            for name, part in shapes.items()
        },
        checks=worst_of([each.checks for each in same]),
    )


def in_order(attribution: Attribution, patient_id: np.ndarray) -> Attribution:
    """The same patients as they stand in ``patient_id``."""
    place = {patient: at for at, patient in enumerate(attribution.patient_id.tolist())}
    return attribution.take(np.array([place[patient] for patient in patient_id.tolist()]))
