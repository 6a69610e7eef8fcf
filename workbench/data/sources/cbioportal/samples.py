"""Which sample stands for a patient."""

import re

import pandas as pd

_TCGA = re.compile(r"TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}-([0-9]{2})[A-Z]?")
_PRIMARY, _OTHER, _NORMAL = range(3)


def chosen_samples(samples: pd.DataFrame, n_profiles: pd.Series) -> pd.Series:
    """One sample of each patient: ``SAMPLE_ID``, indexed by ``PATIENT_ID``.

    A primary tumour comes before any other sample, normal tissue last, by ``SAMPLE_TYPE`` or else
    by the TCGA barcode (01 is a primary solid tumour, 03 a primary blood cancer, 10 to 14 normal);
    of equals, the one with most profiles, and then the first of the file.

    Parameters
    ----------
    samples
        Indexed by ``SAMPLE_ID``, with ``PATIENT_ID`` and, if known, ``SAMPLE_TYPE``.
    n_profiles
        How many profiles each sample has, same index.
    """
    types = samples["SAMPLE_TYPE"] if "SAMPLE_TYPE" in samples else pd.Series(None, samples.index)
    ranked = pd.DataFrame(
        {
            "patient": samples["PATIENT_ID"].astype(object),
            "rank": [_rank(s, t) for s, t in zip(samples.index, types.astype(object), strict=True)],
            "fewer": -n_profiles.reindex(samples.index),
            "place": range(len(samples)),
            "sample": samples.index,
        }
    ).sort_values(["rank", "fewer", "place"])
    return ranked.drop_duplicates("patient").set_index("patient")["sample"]


def _rank(sample: str, kind: object) -> int:
    if isinstance(kind, str):
        words = kind.lower()
        return _NORMAL if "normal" in words else _PRIMARY if "primary" in words else _OTHER
    barcode = _TCGA.match(sample)
    if barcode is None:
        return _OTHER
    number = int(barcode[1])
    return _NORMAL if 10 <= number <= 14 else _PRIMARY if number in (1, 3) else _OTHER
