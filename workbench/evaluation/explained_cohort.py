"""An explanation over a cohort: what matters, in whom, when, and whether folds agree.

Plain records, ready for ``report.json``. They tell of groups that are large enough; of single
patients only points of a figure, and only where the card allows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fusion.explanation.attribution import Attribution
from fusion.explanation.dependence import dependence
from fusion.explanation.feature_groups import gene_set_sums, readable
from fusion.explanation.importance import Importance, feature_importance, modality_importance
from fusion.explanation.patterns import feature_patterns
from fusion.explanation.profiles import Profile, failures, prototypes
from fusion.explanation.subgroups import group_differences
from workbench.evaluation.intervals import significant

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset

MOST_FEATURES = 20
MOST_GENES = 20
MOST_GENE_SETS = 10
MOST_IN_GROUP = 10
MOST_DRAWN = 10
MOST_POINTS = 250
MOST_LEVELS = 10
"""Values up to which a feature is a level, not a measurement."""
FEWEST_TYPICAL = 10
"""A typical patient is the mean of so many, or of the card's minimum cell."""
FEWEST_IN_FOLD = 5
"""Patients of a group in a fold below which that fold says nothing of the group."""
Json = dict[str, Any]


@dataclass(frozen=True)
class ExplainedCohort:
    """Explained patients, and the models of folds and repeats that explain them.

    Parameters
    ----------
    whole
        Contributions to the log hazard, every patient by a model that never saw them.
    over_time
        Contributions to survival at horizons, of the same patients; None where the outcome has no
        time.
    dataset
        The same patients, images not encoded.
    runs, patients
        What the model of each fold and repeat said, and of whom.
    minimum
        Fewest patients of whom something may be said.
    single_patients
        Whether a figure may hold a point for each of them.
    """

    whole: Attribution
    over_time: Attribution | None
    dataset: "PatientDataset"
    runs: tuple[Attribution, ...]
    patients: tuple["PatientDataset", ...]
    minimum: int
    single_patients: bool

    def summary(
        self, *, groups: Mapping[str, np.ndarray], horizon: float, seed: int
    ) -> Mapping[str, Any]:
        """Everything that the report says beyond the size of each modality.

        Parameters
        ----------
        groups
            Bool masks of the patients, by title.
        horizon
            By which a failure of the model is judged, unit of ``dataset``.
        seed
            Draws bootstraps, and the patients who are drawn where not all are.
        """
        fine = [readable(r, d) for r, d in zip(self.runs, self.patients, strict=True)]
        found = feature_importance(fine, present=_present(self.patients, self.minimum))[
            :MOST_FEATURES
        ]
        return {
            "n_models": len(self.runs),
            "modality_importance": _records(
                modality_importance(self.runs, present=_present(self.patients, self.minimum))
            ),
            "features": [self._feature(each) for each in found],
            "genes": important_genes(self.runs, self.patients),
            "gene_sets": _gene_sets(self.runs, self.patients, self.minimum),
            "dependence": self._dependence(found[:MOST_DRAWN]),
            "points": self._points(found[:MOST_DRAWN], seed) if self.single_patients else [],
            "over_time": self._over_time(),
            **self._in_groups(fine, groups, seed),
            **self._profiles(horizon),
        }

    def _value(self, modality: str, name: str) -> np.ndarray | None:
        """Measured values, (patient,), NaN where there is none; None of what is no one column."""
        there = self.dataset.modalities[modality]
        if name not in there.names:
            return None
        return np.where(there.present, there.values[:, there.names.index(name)], np.nan)

    def _contribution(self, modality: str, name: str) -> np.ndarray:
        part = self.whole.features[modality]
        return part.values[0, :, part.names.index(name)]

    def _feature(self, found: Importance) -> Json:
        """Importance, and whether higher values go with higher contributions."""
        value = self._value(found.modality, found.name)
        along = None
        if value is not None:
            along = _correlation(value, self._contribution(found.modality, found.name))
        n = int(self.dataset.modalities[found.modality].present.sum())
        return {**_record(found), "n_patients": n, "direction": along}

    def _dependence(self, found: Sequence[Importance]) -> list[Json]:
        rows = []
        for each in found:
            value = self._value(each.modality, each.name)
            if value is None:
                continue
            moved = self._contribution(each.modality, each.name)
            bins = dependence(each.name, value, moved, minimum=self.minimum)
            if bins is not None:
                numbers = {
                    name: _rounded(v) for name, v in asdict(bins).items() if name != "feature"
                }
                rows.append({"modality": each.modality, "name": each.name, **numbers})
        return rows

    def _points(self, found: Sequence[Importance], seed: int) -> list[Json]:
        """Contribution and place of the value of some patients, sorted: nobody can be followed."""
        draw = np.random.default_rng(seed)
        rows = []
        for each in found:
            value = self._value(each.modality, each.name)
            if value is None:
                continue
            known = np.flatnonzero(~np.isnan(value))
            moved = self._contribution(each.modality, each.name)[known]
            place = _place(value[known])
            some = draw.permutation(len(known))[:MOST_POINTS]
            some = some[moved[some].argsort(kind="stable")]
            points = {"contribution": _rounded(moved[some]), "place": _rounded(place[some])}
            rows.append({"modality": each.modality, "name": each.name, **points})
        return rows

    def _over_time(self) -> Json:
        found = self.over_time
        if found is None:
            return {"horizons": [], "modalities": []}
        present = {n: self.dataset.modalities[n].present for n in found.modality_names}
        return {
            "horizons": found.horizons.tolist(),
            "modalities": [
                {
                    "modality": name,
                    "mean_absolute": _rounded(np.abs(found.of(name)[:, has]).mean(axis=1)),
                }
                for name, has in present.items()
                if has.sum() >= max(self.minimum, 1)
            ],
        }

    def _in_groups(
        self, fine: Sequence[Attribution], groups: Mapping[str, np.ndarray], seed: int
    ) -> Json:
        """Differences by modality, and the first features of each group."""
        different, within, withheld = [], [], []
        for title, inside in groups.items():
            if min(inside.sum(), (~inside).sum()) < max(self.minimum, 2):
                withheld.append(title)
                continue
            different += self._differences(title, inside, seed)
            rows = [inside[self._rows(p)] for p in self.patients]
            fewest = max(self.minimum, FEWEST_IN_FOLD)
            enough = [at for at, row in enumerate(rows) if row.sum() >= fewest]
            if not enough:
                continue
            theirs = [fine[at].take(rows[at]) for at in enough]
            who = [self.patients[at].take(rows[at]) for at in enough]
            first = feature_importance(theirs, present=_present(who, self.minimum))[:MOST_IN_GROUP]
            within.append({"group": title, "features": _records(first)})
        return {"group_differences": different, "within": within, "groups_withheld": withheld}

    def _differences(self, title: str, inside: np.ndarray, seed: int) -> list[Json]:
        found = []
        label = np.where(inside, title, f"not {title}")
        for name in self.whole.modality_names:
            has = self.dataset.modalities[name].present
            moved = {name: self.whole.of(name)[0, has]}
            rows, _ = group_differences(moved, label[has], minimum=self.minimum, seed=seed)
            for each in rows:
                if each.group == title:
                    record = _rounded_record(asdict(each))
                    found.append({"modality": record.pop("part"), **record})
        return found

    def _rows(self, patients: "PatientDataset") -> np.ndarray:
        """Where the patients of a fold stand in the cohort."""
        place = {patient: at for at, patient in enumerate(self.dataset.patient_id.tolist())}
        return np.array([place[patient] for patient in patients.patient_id.tolist()])

    def _profiles(self, horizon: float) -> Json:
        minimum = max(self.minimum, FEWEST_TYPICAL)
        typical = prototypes(self.whole, minimum=minimum)
        time, event = self.dataset.time, self.dataset.event
        wrong, withheld = failures(self.whole, time, event, horizon=horizon, minimum=minimum)
        rows = [self._profile(each) for each in (*typical, *wrong)]
        return {"profiles": rows, "profiles_withheld": list(withheld)}

    def _profile(self, found: Profile) -> Json:
        parts = zip(self.whole.modality_names, found.modalities, strict=True)
        return {
            "name": found.name,
            "n_patients": found.n_patients,
            "total": significant(found.total),
            "modalities": [{"modality": n, "mean": significant(mean)} for n, mean in parts],
        }


def _present(patients: Sequence["PatientDataset"], minimum: int) -> list[dict[str, np.ndarray]]:
    """Who has each modality in each fold: nobody where a fold's mean would tell of too few."""
    return [
        {name: m.present & (m.present.sum() >= minimum) for name, m in each.modalities.items()}
        for each in patients
    ]


def important_genes(
    runs: Sequence[Attribution], patients: Sequence["PatientDataset"]
) -> list[Json]:
    """The genes that a report calls the most important: twenty of each kind of data.

    Those that the modality's part of the prediction follows most closely, not those of the largest
    contributions, which a penalised model spreads over all genes that move together.
    """
    runs = [_genomics(run, there) for run, there in zip(runs, patients, strict=True)]
    found: list[Json] = []
    for name in dict.fromkeys(name for run in runs for name in run.features):
        # One at a time: a gene is among the first of its kind of data, or is not.
        own = [
            replace(r, features={n: p for n, p in r.features.items() if n == name}) for r in runs
        ]
        found += _records(feature_patterns(own, patients)[:MOST_GENES])
    return found


def _gene_sets(
    runs: Sequence[Attribution], patients: Sequence["PatientDataset"], minimum: int
) -> list[Json]:
    sums = []
    for run, there in zip(runs, patients, strict=True):
        genes = _genomics(run, there).features
        sets = {name: gene_set_sums(part) for name, part in genes.items() if part.groups}
        sums.append(replace(run, total=None, features=sets))  # Sets overlap: no sum is meant.
    if not any(run.features for run in sums):
        return []
    return _first_of_each(feature_importance(sums, present=_present(patients, minimum)))


def _genomics(run: Attribution, there: "PatientDataset") -> Attribution:
    kept = {n: p for n, p in run.features.items() if there.modalities[n].kind == "genomics"}
    return replace(run, features=kept)


def _first_of_each(found: Sequence[Importance]) -> list[Json]:
    modalities = dict.fromkeys(each.modality for each in found)
    return [
        record
        for modality in modalities
        for record in _records(
            [each for each in found if each.modality == modality][:MOST_GENE_SETS]
        )
    ]


def _records(found: Sequence[Importance]) -> list[Json]:
    return [_record(each) for each in found]


def _record(found: Importance) -> Json:
    size = {name: significant(getattr(found, of)) for name, of in _INTERVAL.items()}
    return {
        "modality": found.modality,
        "name": found.name,
        "mean_absolute": size,
        "top_share": significant(found.top_share),
    }


_INTERVAL = {"estimate": "mean_absolute", "lower": "lower", "upper": "upper"}


def _rounded_record(record: Mapping[str, Any]) -> Json:
    return {k: significant(v) if isinstance(v, float) else v for k, v in record.items()}


def _rounded(values: np.ndarray) -> list[float]:
    return [significant(float(value)) for value in values]


def _ranks(values: np.ndarray) -> np.ndarray:
    """From 0 at the lowest to 1 at the highest value; ties share their mean rank."""
    from scipy.stats import rankdata

    return (rankdata(values) - 1) / max(len(values) - 1, 1)


def _place(values: np.ndarray) -> np.ndarray:
    """From 0 at the lowest to 1 at the highest value: by rank, and by size where levels are few."""
    if len(np.unique(values)) > MOST_LEVELS:
        return _ranks(values)
    return (values - values.min()) / max(float(np.ptp(values)), 1e-12)


def _correlation(value: np.ndarray, moved: np.ndarray) -> float | None:
    """Rank correlation over the patients whose value is known; None where one is constant."""
    known = ~np.isnan(value)
    if known.sum() < 3 or np.ptp(value[known]) == 0 or np.ptp(moved[known]) == 0:
        return None
    return significant(float(np.corrcoef(_ranks(value[known]), _ranks(moved[known]))[0, 1]))
