"""Explanations of features and modalities: known truth, planted nonsense, and time.

On the simulated glioma cohort, of which it is known what carries risk: the share of causal genes
among the twenty of the largest contributions, and whether modalities stand in the order of what
they were made to carry. Planted nonsense: models of shuffled outcomes and of random weights must
fail a check, honest ones must pass all. Time: all tabular explanations of 500 patients, and
Shapley values of four modalities, beside shap on the same model and machine.

Run: python tests/benchmarks/tabular_explanation.py [cohorts] [trials]
"""

import os
import sys
import time as clock
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from fusion.dataset import Modality, PatientDataset
from fusion.explanation.checks import failed
from fusion.explanation.explain import explain, explain_folds
from fusion.explanation.feature_groups import as_variables, gene_set_sums
from fusion.explanation.importance import Importance, feature_importance, modality_importance
from fusion.explanation.interactions import interactions, top_variables
from fusion.explanation.modality_subsets import coalition_scores, coalition_survival, with_only
from fusion.explanation.over_time import contributions_over_time
from fusion.explanation.patterns import feature_patterns
from fusion.explanation.randomised import randomised
from fusion.models import FusionNet, RidgeCox, Stack
from fusion.models.linear import FittedLinear
from fusion.models.protocol import FittedRisk, RiskModel
from fusion.nested import stratified_folds
from fusion.shapley import shapley_values
from workbench.data.simulate import SimulatedCohort, Truth, simulate
from workbench.data.simulated_genomics import pathways

ADDED = ("imaging", "rna", "mutations")
STACK = Stack("stack", "clinical", ADDED)
JOINT = RidgeCox("concatenation", ("clinical",), ADDED)
NET = FusionNet("fusion_net", ("clinical", *ADDED))
HORIZONS = np.array([365.0, 730.0, 1095.0])
N_FOLDS = 5


def cohort(n_patients: int, seed: int) -> tuple[PatientDataset, Truth]:
    """The simulated cohort as arrays, images as the size and texture of the outlined lesion."""
    made = simulate(n_patients, seed)
    record = made.clinical
    grade = record["grade"].to_numpy()
    clinical = np.column_stack(
        [
            *(record[name].to_numpy(float) for name in ("age", "performance_status", "ldh", "crp")),
            record["sex"].to_numpy() == "male",
            grade == "G3",
            grade == "G4",
        ]
    )
    names = ("age", "performance_status", "ldh", "crp", "sex=male", "grade=G3", "grade=G4")
    groups = {"sex": ("sex=male",), "grade": ("grade=G3", "grade=G4")}
    index = list(record.index)
    everyone = np.ones(n_patients, dtype=bool)
    rna, mutations = made.rna.reindex(index), made.mutations.reindex(index)
    modalities = {
        "clinical": Modality("clinical", "ehr", clinical, everyone, names, groups),
        "imaging": _lesions(made),
        "rna": _genes("rna", rna.to_numpy(float), tuple(rna.columns), pathways()),
        "mutations": replace(
            _genes("mutations", mutations.to_numpy(float), tuple(mutations.columns), {}),
            scaling="centre",
        ),
    }
    dataset = PatientDataset(
        np.array(index, dtype=str),
        record["os_days"].to_numpy(float),
        (record["vital_status"] == "dead").to_numpy(),
        "days",
        modalities,
    )
    return dataset, made.truth


def _lesions(made: SimulatedCohort) -> Modality:
    lesion = made.masks
    area = lesion.sum(axis=(1, 2))
    grey = made.images.mean(axis=3)
    inside = [
        image[mask] if mask.any() else np.zeros(1) for image, mask in zip(grey, lesion, strict=True)
    ]
    texture = np.array(
        [np.abs(np.diff(values)).mean() if len(values) > 1 else 0.0 for values in inside]
    )
    values = np.column_stack([np.log1p(area), np.log1p(texture)])
    values = np.where(made.has_image[:, None], values, 0.0)
    return Modality("imaging", "ehr", values, made.has_image, ("size", "texture"))


def _genes(
    name: str, values: np.ndarray, names: tuple[str, ...], groups: dict[str, tuple[str, ...]]
) -> Modality:
    present = ~np.isnan(values).all(axis=1)
    return Modality(
        name, "genomics", np.where(present[:, None], values, 0.0), present, names, groups
    )


def fit_folds(
    model: RiskModel, dataset: PatientDataset, *, n_folds: int = N_FOLDS
) -> tuple[dict[int, FittedRisk], dict[int, PatientDataset]]:
    """The model of each fold, and the patients it was not fitted on."""
    fold = stratified_folds(dataset.event, n_folds, 0)
    models = {f: model.fit(dataset.take(fold != f)) for f in range(n_folds)}
    return models, {f: dataset.take(fold == f) for f in range(n_folds)}


def shuffled(dataset: PatientDataset, seed: int) -> PatientDataset:
    """The same patients, each with the outcome of another."""
    order = np.random.default_rng(seed).permutation(dataset.n_patients)
    return replace(dataset, time=dataset.time[order], event=dataset.event[order])


def causal_share(genes: Sequence[Importance], truth: Truth, n: int = 20) -> float:
    """Share of the first ``n`` genes that carry risk."""
    names = [each.name for each in genes if each.modality == "rna"][:n]
    return len(set(names) & set(truth.causal_genes)) / n


def true_order(truth: Truth) -> list[str]:
    """Kinds of data by the spread of the log hazard that they carry, the largest first."""
    spread = truth.log_hazard[["clinical", "imaging", "genomics"]].std()
    return list(spread.sort_values(ascending=False).index)


def shapley_order(models: dict[int, FittedRisk], parts: dict[int, PatientDataset]) -> list[str]:
    """Kinds of data by the spread of their Shapley values in patients who have all of them."""
    found: dict[str, list[np.ndarray]] = {"clinical": [], "imaging": [], "genomics": []}
    for fold, model in models.items():
        part = parts[fold]
        whole = np.logical_and.reduce([m.present for m in part.modalities.values()])
        value = model.contributions(part.take(whole))
        nothing = np.zeros(int(whole.sum()))
        found["clinical"].append(value.get("clinical", nothing))
        found["imaging"].append(value.get("imaging", nothing))
        found["genomics"].append(value.get("rna", nothing) + value.get("mutations", nothing))
    spread = {name: float(np.concatenate(values).std()) for name, values in found.items()}
    return sorted(spread, key=lambda name: -spread[name])


def known_truth(n_cohorts: int) -> None:
    """Causal genes first, modalities as they were made, and honest models believed."""
    print(f"known truth: {n_cohorts} cohorts of 600 patients, {N_FOLDS} folds")
    by_pattern, by_term, orders, checks = [], [], [], []
    for seed in range(n_cohorts):
        dataset, truth = cohort(600, seed)
        models, parts = fit_folds(STACK, dataset)
        found = explain_folds(models, parts)
        runs = list(found.by_fold.values())
        by_pattern.append(causal_share(feature_patterns(runs, list(parts.values())), truth))
        by_term.append(causal_share(feature_importance(runs), truth))
        orders.append(shapley_order(models, parts) == true_order(truth))
        checks.append(len(failed(found.whole.checks)))
        print(
            f"  cohort {seed}: causal among the first 20 genes {by_pattern[-1]:.2f} by pattern, "
            f"{by_term[-1]:.2f} by contribution; modalities {shapley_order(models, parts)}, made "
            f"{true_order(truth)}; {checks[-1]} checks failed"
        )
    print(
        f"  causal share by pattern: mean {np.mean(by_pattern):.3f}, least {min(by_pattern):.2f}; "
        f"by contribution: mean {np.mean(by_term):.3f}, least {min(by_term):.2f}; order as made in "
        f"{sum(orders)} of {n_cohorts}; no check failed in {checks.count(0)} of {n_cohorts}"
    )


def planted_nonsense(n_trials: int) -> None:
    print(f"planted nonsense: {n_trials} trials each, 300 patients, 3 folds")
    caught = {"honest": 0, "shuffled outcomes": 0, "random weights": 0}
    reasons: dict[str, dict[str, int]] = {name: {} for name in caught}
    for seed in range(n_trials):
        dataset, _ = cohort(300, 100 + seed)
        models, parts = fit_folds(JOINT, dataset, n_folds=3)
        nonsense, their_parts = fit_folds(JOINT, shuffled(dataset, seed), n_folds=3)
        trials = {
            "honest": (models, parts),
            "shuffled outcomes": (nonsense, their_parts),
            "random weights": ({f: randomised(m, 7 * seed + f) for f, m in models.items()}, parts),
        }
        for name, (fitted, held_out) in trials.items():
            bad = failed(explain_folds(fitted, held_out, seed=seed).whole.checks)
            caught[name] += bool(bad)
            for check in bad:
                reasons[name][check.name] = reasons[name].get(check.name, 0) + 1
    for name, n in caught.items():
        print(
            f"  {name}: a check failed in {n} of {n_trials} ({n / n_trials:.1%}); {reasons[name]}"
        )


def speed() -> None:
    print("time, 500 patients: 7 clinical variables, 2 image features, 500 genes, 12 mutations")
    training, _ = cohort(600, 1)
    patients, _ = cohort(500, 2)
    fitted = {"stack": STACK.fit(training), "network": NET.fit(training)}
    for name, model in fitted.items():
        total = 0.0
        for what, call in tabular_tasks(model, patients).items():
            seconds = _seconds(call)
            total += seconds
            print(f"  {name:8} {what:34} {seconds:6.2f} s")
        print(f"  {name:8} {'all':34} {total:6.2f} s")
    _beside_shap(fitted["stack"], fitted["network"], patients)


def tabular_tasks(model: FittedRisk, patients: PatientDataset) -> dict[str, Callable[[], object]]:
    """Every explanation of features and kinds of data, by what it is called."""
    explained = explain(model, patients)

    def grouped() -> None:
        as_variables(explained.features["clinical"])
        gene_set_sums(explained.features["rna"])
        feature_importance([explained])
        modality_importance([explained])

    def together() -> None:
        variables = top_variables(explained, patients, 4)
        interactions(model, patients, variables, horizon=730.0)

    return {
        "features, with all checks": lambda: explain(model, patients),
        "modalities (16 subsets)": lambda: shapley_values(coalition_scores(model, patients)),
        "over time (3 horizons)": lambda: contributions_over_time(model, patients, HORIZONS),
        "groups and importance": grouped,
        "interactions of 4 variables": together,
    }


def _beside_shap(stack: FittedRisk, network: FittedRisk, patients: PatientDataset) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap
    assert isinstance(stack, FittedLinear)
    names, some = tuple(stack.components), patients.take(np.arange(20))

    def by_shap() -> np.ndarray:
        values = []
        for row in range(some.n_patients):
            one = some.take(np.array([row]))

            def survival(inside: np.ndarray, one: PatientDataset = one) -> np.ndarray:
                subsets = [
                    [n for n, here in zip(ADDED4, row, strict=True) if here] for row in inside
                ]
                return np.array(
                    [
                        network.predict(with_only(one, s), HORIZONS[1:2]).survival[0, 0]
                        for s in subsets
                    ]
                )

            explainer = shap.KernelExplainer(survival, np.zeros((1, 4)))
            values.append(explainer.shap_values(np.ones((1, 4)), l1_reg=False, silent=True)[0])
        return np.array(values)

    def by_us() -> np.ndarray:
        return shapley_values(coalition_survival(network, some, HORIZONS[1:2]))[:, :, 0].T

    ours, theirs = _seconds(by_us), _seconds(by_shap)
    gap = float(np.abs(by_us() - by_shap()).max())
    print(
        f"  network, S(730 d), 20 patients: shap {theirs:.2f} s, ours {ours:.3f} s, "
        f"ratio {theirs / ours:.0f}; largest difference {gap:.1e}"
    )
    effects = np.concatenate([stack.feature_effects()[name] for name in names])
    columns = np.concatenate(
        [stack.components[n].standardised(patients.modalities[n]) for n in names], axis=1
    )
    explainer = shap.LinearExplainer((effects, 0.0), shap.maskers.Independent(0 * columns[:2]))
    expected = explainer.shap_values(columns)
    found = explain(stack, patients).features
    got = np.concatenate([found[name].values[0] for name in names], axis=1)
    print(
        "  stack, features, 500 patients: largest difference from shap "
        f"{np.abs(got - expected).max():.1e}"
    )


ADDED4 = ("clinical", *ADDED)


def _seconds(call: Callable[[], object]) -> float:
    start = clock.perf_counter()
    call()
    return clock.perf_counter() - start


def main() -> None:
    n_cohorts, n_trials = (int(a) for a in (*sys.argv[1:], *("10", "60")[len(sys.argv) - 1 :]))
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    speed()
    known_truth(n_cohorts)
    planted_nonsense(n_trials)


if __name__ == "__main__":
    main()
