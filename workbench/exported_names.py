"""Under which names patients stand in the files of a run."""

import hashlib
from collections.abc import Iterable

from workbench.data.deidentify import pseudonyms
from workbench.data.open_card import DataCard
from workbench.data.paths import cache_folder
from workbench.data.secret_key import make_key, read_key
from workbench.run_folder import RunFolder


def exported_names(card: DataCard, patients: Iterable[str], folder: RunFolder) -> dict[str, str]:
    """Patient → name in exported files.

    The patient's own where the card is not restricted. Else a pseudonym, whose key is kept in the
    cache folder, readable by its owner alone, and never in the results; another run has others,
    so that two runs cannot be joined by them.
    """
    own = [str(patient) for patient in patients]
    if not card.spec.privacy.restricted:
        return {patient: patient for patient in own}
    run = hashlib.sha256(str(folder.path.resolve()).encode()).hexdigest()
    path = cache_folder() / "pseudonyms" / f"{run[:16]}.key"
    key = read_key(path) if path.exists() else make_key(path, outside=[folder.path])
    return dict(zip(own, pseudonyms(own, key).tolist(), strict=True))
