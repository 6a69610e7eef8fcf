"""What enters a dataset is checked once, with a message that says what to do."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal


@pytest.mark.parametrize("garbage", [np.nan, 1.0, -1e30, np.inf])
def test_rows_of_patients_without_the_modality_must_be_zero(simulate, garbage):
    rna = simulate().modalities["rna"]
    values = rna.values.copy()
    values[np.flatnonzero(~rna.present)[0], 3] = garbage
    with pytest.raises(ValueError, match="rna: (rows of patients without it|infinite)"):
        replace(rna, values=values)


def test_modality_refuses_what_does_not_fit(simulate):
    rna = simulate().modalities["rna"]
    cases = {
        "must have 2 dimensions": {"values": rna.values[0]},
        "present must be bool": {"present": rna.present.astype(int)},
        r"of shape \(160,\), got bool of shape \(3,\)": {"present": rna.present[:3]},
        "30 features but 2 names": {"names": ("a", "b")},
        "1 members of groups are not features, such as 'TP53'": {"groups": {"p53": ("TP53",)}},
        "masks must have shape": {"masks": np.zeros((160, 30), dtype=bool)},
    }
    for message, change in cases.items():
        with pytest.raises(ValueError, match=message):
            replace(rna, **change)


def test_images_refuse_gaps_and_masks_of_another_shape(discs):
    images = discs(6)
    spoiled = images.values.copy()
    spoiled[5, 0, 0, 3, 3] = np.nan
    with pytest.raises(ValueError, match="images hold NaN"):
        replace(images, values=spoiled)
    with pytest.raises(ValueError, match=r"masks must have shape \(6, 1, 32, 32\)"):
        replace(images, masks=images.masks[..., :16])


def test_dataset_refuses_what_does_not_fit(simulate):
    dataset = simulate(40)
    spoiled = dataset.time.copy()
    spoiled[[3, 4]] = [0.0, np.nan]
    cases = {
        "patient_id must be unique": {"patient_id": np.array(["a"] * 40)},
        "event must be boolean, got int64: pass `event == 1`": {"event": dataset.event.astype(int)},
        "time: 39 rows for 40": {"time": dataset.time[1:]},
        "event: 39 rows for 40": {"event": dataset.event[1:]},
        "strata: 39 rows for 40": {"strata": dataset.strata[1:]},
        "rna: 12 rows for 40": {
            "modalities": {**dataset.modalities, "rna": simulate(12).modalities["rna"]}
        },
        "positive and finite; 2 of 40 are not": {"time": spoiled},
        "'ehr' is not among": {"clinical": "ehr"},
    }
    for message, change in cases.items():
        with pytest.raises(ValueError, match=message):
            replace(dataset, **change)


def test_take_keeps_rows_aligned(simulate):
    dataset = simulate(40)
    index = np.array([7, 0, 39])
    taken = dataset.take(index)
    assert taken.patient_id.tolist() == ["patient 007", "patient 000", "patient 039"]
    assert_array_equal(taken.time, dataset.time[index])
    assert_array_equal(taken.event, dataset.event[index])
    assert_array_equal(taken.strata, dataset.strata[index])
    for name, modality in dataset.modalities.items():
        assert_array_equal(taken.modalities[name].values, modality.values[index])
        assert_array_equal(taken.modalities[name].present, modality.present[index])
    assert taken.n_events == dataset.event[index].sum()


def test_images_keep_their_masks(discs):
    images = discs(6)
    taken = images.take(np.array([5, 0]))
    assert_array_equal(taken.masks, images.masks[[5, 0]])
    assert taken.n_patients == 2
