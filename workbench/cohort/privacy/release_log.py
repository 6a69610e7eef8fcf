"""The one door through which counts leave: what was released of a dataset, and what more may be.

Attrition, table one and availability of a restricted dataset (in a notebook, on the command line
and in a report) name the patients of each count and ask here first. What is allowed is remembered
in a folder a dataset, under :func:`~workbench.data.paths.state_folder` and never in the data, so
that it holds across sessions and programs. What together with an earlier release would give fewer
patients away than the minimum is refused by a sentence that says why and what to do; the same
patients may always be shown again. :mod:`~workbench.cohort.privacy.differencing` has the rules.

The folder holds no identifier and no value: patients are keyed hashes, and a release is one bit a
patient with the words of its surface. It belongs to whoever answers for the data. Deleting it
forgets what was released, which is right only where none of it left the room.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from filelock import FileLock

from workbench.cohort.privacy.differencing import Answer, DisclosureLog
from workbench.data.fingerprint import write_atomically
from workbench.data.paths import state_folder
from workbench.data.secret_key import make_key, read_key
from workbench.errors import PrivacyError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard

REMEMBERED = 512
LONGEST = 240
_ALLOWED = Answer(True)


@dataclass(frozen=True)
class ReleaseLog:
    """What was released of one dataset.

    Parameters
    ----------
    dataset
        Its name. Versions of it share the log: a patient who was added is told apart like any.
    minimum
        Smallest group that may be told apart; with 0 or 1 everything is allowed, and nothing kept.
    outside
        Folders of the data, which must not hold the log.

    Examples
    --------
    >>> ReleaseLog("a public dataset", 0).show({"all": np.array(["P1", "P2"])})
    {'all': Answer(allowed=True, sentence='')}
    """

    dataset: str
    minimum: int
    outside: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the log lies."""
        words = re.sub(r"[^A-Za-z0-9]+", "-", self.dataset).strip("-")[:40]
        name = f"{words}-{hashlib.sha256(self.dataset.encode()).hexdigest()[:12]}"
        return state_folder() / "releases" / name

    def ask(self, parts: Mapping[str, np.ndarray]) -> dict[str, Answer]:
        """Which selections might be released, one after the other; nothing is remembered.

        Parameters
        ----------
        parts
            Words for a reader → patient identifiers, (patient,) str.
        """
        return self._answers(parts, keep=False)

    def show(self, parts: Mapping[str, np.ndarray]) -> dict[str, Answer]:
        """As :meth:`ask`; what is allowed is remembered, for it is shown now.

        Raises
        ------
        PrivacyError
            If the log cannot be read.
        RecordsError
            If it would lie among the data.
        """
        return self._answers(parts, keep=True)

    def show_all(self, parts: Mapping[str, np.ndarray]) -> Answer:
        """As :meth:`show`, all of them or none: the first refusal, if there is one."""
        for answers in (self.ask, self.show):
            for answer in answers(parts).values():
                if not answer.allowed:
                    return answer
        return _ALLOWED

    def surfaces(self) -> list[tuple[str, str]]:
        """Day and words of each release that is remembered, the oldest first."""
        if self.minimum <= 1 or not self.folder.is_dir():
            return []
        with self._locked():
            kept = self._read()
        return list(zip(kept["day"].tolist(), kept["surface"].tolist(), strict=True))

    def _answers(self, parts: Mapping[str, np.ndarray], *, keep: bool) -> dict[str, Answer]:
        if self.minimum <= 1 or not parts:
            return dict.fromkeys(parts, _ALLOWED)
        with self._locked():
            kept = self._read()
            asked = {words: self._hashed(ids) for words, ids in parts.items()}
            patient = np.concatenate([kept["patient"], *asked.values()])
            # Those who are known keep their place, newer ones follow.
            patient = patient[np.sort(np.unique(patient, return_index=True)[1])]
            n_known, days = len(kept["patient"]), kept["day"].tolist()
            room = len(days) + len(asked)
            log = DisclosureLog(len(patient), self.minimum, keep=room, population=None)
            for words, bits in zip(kept["surface"].tolist(), kept["bits"], strict=True):
                known = np.unpackbits(bits, count=n_known).astype(bool)
                log.recall(np.pad(known, (0, len(patient) - n_known)), words)
            answers = {
                words: log.show(np.isin(patient, who), _short(words))
                for words, who in asked.items()
            }
            shown = log.shown
            if keep and len(shown) > len(days):
                days += [date.today().isoformat()] * (len(shown) - len(days))
                self._write(patient, shown[-REMEMBERED:], days[-REMEMBERED:])
        return answers

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self.folder / "lock", mode=0o600):
            yield

    def _hashed(self, patient_ids: np.ndarray) -> np.ndarray:
        """Keyed hashes (SipHash) of identifiers, (patient,) uint64; the key lies beside the log."""
        path = self.folder / "patients.key"
        key = read_key(path) if path.exists() else make_key(path, outside=self.outside)
        ids = np.asarray(patient_ids, dtype=object)
        short = key.digest("releases", "", 8).hex()
        return pd.util.hash_array(ids, hash_key=short, categorize=False)

    def _read(self) -> dict[str, np.ndarray]:
        file = self.folder / "released.npz"
        if not file.exists():
            empty = np.zeros(0, "U1")
            none = np.zeros((0, 0), np.uint8)
            return {"patient": np.zeros(0, np.uint64), "bits": none, "surface": empty, "day": empty}
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
                return {name: stored[name] for name in ("patient", "bits", "surface", "day")}
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise PrivacyError(
                f"{file} is damaged, so nobody knows what was released of {self.dataset}: restore "
                "it; delete it only if nothing left the room"
            ) from error

    def _write(
        self, patient: np.ndarray, shown: Sequence[tuple[str, np.ndarray]], days: list[str]
    ) -> None:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            patient=patient,
            bits=np.stack([np.packbits(selection) for _, selection in shown]),
            surface=np.array([words for words, _ in shown]),
            day=np.array(days),
        )
        write_atomically(self.folder / "released.npz", buffer.getvalue())


def card_log(card: "DataCard") -> ReleaseLog:
    """The log of a card's dataset; it allows everything unless the card is restricted."""
    privacy = card.spec.privacy
    minimum = privacy.minimum_cell if privacy.restricted else 0
    return ReleaseLog(card.name, minimum, (card.folder,))


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} …"
