"""Evaluations of several datasets → rows of a benchmark, and their means."""

import math
from collections.abc import Iterator, Mapping, Sequence

from workbench.benchmarks.record import BenchmarkRow
from workbench.evaluation import Evaluation

Z = 1.959963984540054
METRICS = ("harrell_c_fold_mean", "harrell_c", "delta_harrell_c", "ipa", "delta_ipa")
AT_HORIZON = ("calibration_slope",)


def dataset_rows(
    dataset: str,
    evaluation: Evaluation,
    models: Sequence[str],
    published: Mapping[str, float] | None = None,
) -> Iterator[BenchmarkRow]:
    """Rows of one dataset: each model's metrics, overall and within its groups.

    Parameters
    ----------
    dataset
        Its name in the table.
    models
        Those to show, in order; a model that was not evaluated is passed over.
    published
        Fold-mean concordance of a published model, by the name of its row.
    """
    for group in dict.fromkeys(row["group"] for row in evaluation.ladder):
        title = dataset if group == "all" else f"{dataset}, {group}"
        for model in models:
            yield from _ladder_rows(title, group, model, evaluation, published or {})
            yield from _horizon_rows(title, group, model, evaluation)


def _ladder_rows(
    title: str, group: str, model: str, evaluation: Evaluation, published: Mapping[str, float]
) -> Iterator[BenchmarkRow]:
    for row in evaluation.ladder:
        if (row["model"], row["group"]) != (model, group):
            continue
        for metric in METRICS:
            value = row[metric]
            if value is None or value["lower"] is None:
                continue
            known = metric == "harrell_c_fold_mean" and group == "all"
            yield BenchmarkRow(
                title, model, metric, **value, published=published.get(model) if known else None
            )


def _horizon_rows(
    title: str, group: str, model: str, evaluation: Evaluation
) -> Iterator[BenchmarkRow]:
    for row in evaluation.at_horizons:
        if (row["model"], row["group"]) != (model, group):
            continue
        for metric in AT_HORIZON:
            value = row[metric]
            if value is not None and value["lower"] is not None:
                yield BenchmarkRow(title, model, f"{metric} at {row['horizon']:g} months", **value)


def mean_rows(
    title: str,
    rows: Sequence[BenchmarkRow],
    datasets: Sequence[str],
    published: Mapping[str, float] | None = None,
) -> Iterator[BenchmarkRow]:
    """The mean over datasets of each model and metric that all of them have.

    Datasets are independent, so the standard error of the mean follows from theirs, each taken as
    the width of its 95 % interval over 2 · 1.96.

    Parameters
    ----------
    title
        Name of the mean in the table.
    rows
        Rows of the datasets, among others.
    datasets
        Those to average.
    """
    wanted = set(datasets)
    if not wanted:
        return
    found: dict[tuple[str, str], dict[str, BenchmarkRow]] = {}
    for row in rows:
        averaged = row.metric in METRICS or row.metric.startswith("delta_harrell_c over")
        if row.dataset in wanted and averaged:
            found.setdefault((row.model, row.metric), {})[row.dataset] = row
    for (model, metric), of in found.items():
        if set(of) != wanted:
            continue
        mean = sum(row.estimate for row in of.values()) / len(of)
        half = Z * math.sqrt(sum(_standard_error(row) ** 2 for row in of.values())) / len(of)
        known = metric == "harrell_c_fold_mean"
        yield BenchmarkRow(
            title,
            model,
            metric,
            mean,
            mean - half,
            mean + half,
            (published or {}).get(model) if known else None,
        )


def _standard_error(row: BenchmarkRow) -> float:
    if row.lower is None or row.upper is None:
        raise ValueError(f"{row.dataset}, {row.model}, {row.metric}: a mean needs its interval")
    return (row.upper - row.lower) / (2 * Z)


def calibration_note(
    rows: Sequence[BenchmarkRow],
    model: str,
    datasets: Sequence[str],
    lowest: float = 0.8,
    highest: float = 1.2,
    called: str = "datasets",
) -> str:
    """In how many datasets a model is calibrated and better than knowing nothing."""
    slopes = {
        row.dataset: row.estimate
        for row in rows
        if row.model == model and row.metric.startswith("calibration_slope")
    }
    accuracy = {r.dataset: r.estimate for r in rows if r.model == model and r.metric == "ipa"}
    good = [d for d in datasets if lowest <= slopes.get(d, math.nan) <= highest]
    useful = [d for d in datasets if accuracy.get(d, -1.0) > 0]
    both = len(set(good) & set(useful))
    return (
        f"{model}: calibration slope within {lowest:g} to {highest:g} in {len(good)} of "
        f"{len(datasets)} {called}, IPA above 0 in {len(useful)}, both in {both}."
    )
