"""The one door through which counts leave: what was released of a dataset, and what more may be.

Attrition, table one and availability of a restricted dataset (in a notebook, on the command line
and in a report) name the patients of each count and ask here first. What is allowed is remembered
in a folder a dataset, under :func:`~workbench.data.paths.state_folder` and never in the data, so
that it holds across sessions and programs. What together with an earlier release would give fewer
patients away than the minimum is refused by a sentence that says why and what to do; the same
patients may always be shown again. :mod:`~workbench.cohort.privacy.differencing` has the rules.

Every surface that names a whole cohort or a part of it asks: attrition (also as the flow of the
cohort builder, live), table one (also of what is brushed) and availability by the groups that they
compare, curves of groups of what is brushed, reported groups, and who was kept, gained and lost
between two definitions. The ``repr`` of a cohort, which notebooks save unasked, tells no count
where asking would be needed.

Table one and availability show cells too, and two that may both be shown can differ by one patient
in a cell. So the log remembers of which patients a table was shown, and a later one withholds every
cell, mean and quartile that together with it would tell of fewer than the minimum
(:mod:`~workbench.cohort.privacy.apart`; it is taken for granted that the earlier table described
the same columns). The first table is whole: show that of the cohort you publish first.

The bars and curves of a cross-filter, of which a brush makes hundreds, do not ask: of a restricted
dataset what is selected is rounded to the minimum
(:mod:`~workbench.cohort.crossfilter.small_cells` says what that stops, and what not).

What does not ask, though two of it can give a patient away:
:func:`~workbench.cohort.table_one.describe` without ``ask``, which takes a table of anybody's and
knows no dataset; and whatever Python holds in the room (``patients``, ``attrition``,
``n_patients``), which is exact. For those, release once and of one cohort. Values that an earlier
table took at another index date are judged as they are now. Curves of groups are asked for as whole
groups with their events, not by the numbers at risk at each time. Groups between more than three
tables, and between tables that are not among the last 64, are not sought.

The folder holds no identifier and no value: patients are keyed hashes, and a release is one bit a
patient with the words of its surface. It belongs to whoever answers for the data. Deleting it
forgets what was released, which is right only where none of it left the room.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from filelock import FileLock

from workbench.cohort.privacy.apart import Apart, nothing_apart, tell_apart
from workbench.cohort.privacy.differencing import Answer, DisclosureLog
from workbench.cohort.privacy.judged import Judged, earlier_tables, places_of
from workbench.data.fingerprint import write_atomically
from workbench.data.paths import state_folder
from workbench.data.records import Records
from workbench.data.secret_key import make_key, read_key
from workbench.errors import PrivacyError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard

REMEMBERED = 512
LONGEST = 240
Ids = Sequence[str] | np.ndarray
Parts = Mapping[str, np.ndarray]
_ALLOWED = Answer(True)
_ELSEWHERE = (
    "A table that was shown before holds patients whose values are not at hand here, so what the "
    "two tell of them together cannot be judged: describe these patients out of the cohort that "
    "holds them all, or show the earlier table again."
)


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
    >>> ReleaseLog("a public dataset", 0).show(["P1", "P2"], {"all": np.array([True, True])})
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

    def ask(self, patient_ids: Ids, parts: Parts) -> dict[str, Answer]:
        """Which selections might be shown, one after the other; nothing is remembered.

        Parameters
        ----------
        patient_ids
            (patient,) str.
        parts
            Words for a reader → (patient,) bool.
        """
        return self._answers(patient_ids, parts, keep=lambda answers: False)

    def show(
        self, patient_ids: Ids, parts: Parts, *, required: Collection[str] = ()
    ) -> dict[str, Answer]:
        """As :meth:`ask`; what is allowed is remembered, for it is shown now.

        Parameters
        ----------
        patient_ids, parts
            As :meth:`ask` has them.
        required
            Of these all must be allowed, or nothing is shown and nothing remembered.

        Raises
        ------
        PrivacyError
            If the log cannot be read.
        RecordsError
            If it would lie among the data.
        """
        return self._answers(
            patient_ids, parts, keep=lambda answers: all(answers[r].allowed for r in required)
        )

    def show_all(self, patient_ids: Ids, parts: Parts) -> Answer:
        """As :meth:`show`, all of them or none: the first refusal, if there is one."""
        answers = self.show(patient_ids, parts, required=parts).values()
        return next((answer for answer in answers if not answer.allowed), _ALLOWED)

    def surfaces(self) -> list[tuple[str, str]]:
        """Day and words of each release that is remembered, the oldest first."""
        if self.minimum <= 1 or not self.folder.is_dir():
            return []
        with self._locked():
            kept = self._read()
        return list(zip(kept["day"].tolist(), kept["surface"].tolist(), strict=True))

    def show_tables(self, patient_ids: Ids, parts: Parts) -> tuple[Answer, Apart]:
        """As :meth:`show_all`, of parts whose *cells* are shown too: patients by level.

        What a reader has by subtracting tables that were shown before is given as groups of their
        own, whose small counts are to be withheld in the part beside them. Tables that were first
        shown later than a part are none of its concern: they had to respect it, and the part is
        shown again as it was.

        Parameters
        ----------
        patient_ids
            (patient,) str; also of patients in no part, whose values are at hand.
        parts
            Words for a reader → (patient,) bool.

        Returns
        -------
        Answer
            Also refused where an earlier table holds patients whose values are not at hand.
        Apart
            By row in ``patient_ids``.
        """
        nothing = nothing_apart(len(patient_ids))
        if self.minimum <= 1 or not parts:
            return _ALLOWED, nothing
        with self._locked():
            kept = self._read()
            asked = self._judged(kept, patient_ids, parts)
            for answer in asked.answers.values():
                if not answer.allowed:
                    return answer, nothing
            shown, places = asked.log.shown, asked.places()
            described = np.pad(kept["described"], (0, len(shown) - len(kept["described"])))
            apart = tell_apart(asked.selections, earlier_tables(shown, described, places))
            if asked.needs_others(apart):
                return Answer(False, _ELSEWHERE), nothing
            first = [place for place in places.values() if not described[place]]
            if first:
                described[first] = described.max() + 1
                self._write(asked.patient, shown, asked.days(len(shown)), described)
        return _ALLOWED, Apart(apart.atom[asked.row], apart.differences)

    def _answers(
        self,
        patient_ids: Ids,
        parts: Parts,
        *,
        keep: Callable[[dict[str, Answer]], bool],
    ) -> dict[str, Answer]:
        if self.minimum <= 1 or not parts:
            return dict.fromkeys(parts, _ALLOWED)
        with self._locked():
            kept = self._read()
            asked = self._judged(kept, patient_ids, parts)
            shown = asked.log.shown
            if len(shown) > len(kept["day"]) and keep(asked.answers):
                described = np.pad(kept["described"], (0, len(shown) - len(kept["day"])))
                self._write(asked.patient, shown, asked.days(len(shown)), described)
        return asked.answers

    def _judged(self, kept: dict[str, np.ndarray], patient_ids: Ids, parts: Parts) -> Judged:
        patient, row = places_of(kept["patient"], self._hashed(patient_ids))
        n_known, days = len(kept["patient"]), kept["day"].tolist()
        room = len(days) + len(parts)
        log = DisclosureLog(len(patient), self.minimum, keep=room, population=None)
        for words, bits in zip(kept["surface"].tolist(), kept["bits"], strict=True):
            known = np.unpackbits(bits, count=n_known).astype(bool)
            log.recall(np.pad(known, (0, len(patient) - n_known)), words)
        answers, selections = {}, {}
        for words, who in parts.items():
            selection = np.zeros(len(patient), bool)
            selection[row[who]] = True
            selections[words] = selection
            answers[words] = log.show(selection, _short(words))
        return Judged(patient, row, log, answers, selections, days)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self.folder / "lock", mode=0o600):
            yield

    def _hashed(self, patient_ids: Ids) -> np.ndarray:
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
            return {
                "patient": np.zeros(0, np.uint64),
                "bits": np.zeros((0, 0), np.uint8),
                "surface": empty,
                "day": empty,
                "described": np.zeros(0, np.int64),
            }
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
                # What an older log remembers may have been tables.
                older = {"described": np.ones(len(stored["day"]), np.int64)}
                return older | {name: stored[name] for name in stored.files}
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise PrivacyError(
                f"{file} is damaged, so nobody knows what was released of {self.dataset}: restore "
                "it; delete it only if nothing left the room"
            ) from error

    def _write(
        self,
        patient: np.ndarray,
        shown: Sequence[tuple[str, np.ndarray]],
        days: list[str],
        described: np.ndarray,
    ) -> None:
        shown, buffer = shown[-REMEMBERED:], io.BytesIO()
        np.savez(
            buffer,
            patient=patient,
            bits=np.stack([np.packbits(selection) for _, selection in shown]),
            surface=np.array([words for words, _ in shown]),
            day=np.array(days[-REMEMBERED:]),
            described=described[-REMEMBERED:],
        )
        write_atomically(self.folder / "released.npz", buffer.getvalue())


def card_log(card: "DataCard") -> ReleaseLog:
    """The log of a card's dataset; it allows everything unless the card is restricted."""
    privacy = card.spec.privacy
    minimum = privacy.minimum_cell if privacy.restricted else 0
    return ReleaseLog(privacy.released_as or card.name, minimum, (card.folder,))


def records_log(records: Records, minimum: int | None = None) -> ReleaseLog:
    """The log of health records, which are restricted wherever they have a minimum cell."""
    source = records.source
    least = records.minimum_cell if minimum is None else minimum
    return ReleaseLog(f"{source.kind} {source.name}", least)


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} …"
