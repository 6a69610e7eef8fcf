"""Which variables and genes drive the prediction: how far, which way, and whether folds agree."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.figures import plot_beeswarm, plot_dependence, plot_feature_sizes
from workbench.figures.feature_contributions import FeatureCurve, FeatureSize, FeatureValues
from workbench.report.drawing import Drawing, draw
from workbench.report.sections.section import Context, Document
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import in_sentence, label, short_titles, terms, titled

MOST_CURVES = 6
FEWEST_BINS = 2
CLEAR = 0.3
"""Rank correlation from which a feature is said to raise or lower the risk with its value."""
PATH = ("contributions", "explained")
SHOWN = ("sizes", "features", "swarm", "dependence", "gene_sets", "genes", "two_lists", "within")


def context(document: Document) -> Context:
    """What the section's template shows of single features."""
    found = document["contributions"].get("explained") or {}
    if not found or not found["features"]:
        return dict.fromkeys(SHOWN)
    return {
        "sizes": _sizes(document, found),
        "features": _features(document, found["features"]),
        "swarm": _swarm(document, found),
        "dependence": _dependence(document, found["dependence"]),
        "gene_sets": _genes(document, "gene_sets", GENE_SETS, "Gene set", terms(document).score),
        "genes": _genes(document, "genes", GENES, "Gene", "rank correlation"),
        "two_lists": WHY_TWO_LISTS if found["genes"] else "",
        "within": [
            _of_group(document, at, group["group"]) for at, group in enumerate(found["within"])
        ],
    }


GENE_SETS = "Gene sets by the sum of their genes’ contributions"
GENES = (
    "Most important genes: those that the prediction’s part of their kind of data follows closest"
)
WHY_TWO_LISTS = (
    "Two lists name genes, and they differ. This one names the genes whose values rise and fall "
    "with what their kind of data adds to the prediction. The list of contributions names what "
    "each single gene adds: a penalised model shares the effect of genes that move together among "
    "all of them, so that each adds little and single noisy genes come first. In simulated "
    "patients, of whom the truth is known, this list names the genes that carry risk, and the "
    "other mixes them with genes that carry none."
)
"""Why the genes that are called important are those of the pattern."""


def feature_title(document: Document, row: Mapping[str, Any]) -> str:
    """A variable by its label, a gene by its name, each with its kind of data."""
    title = titled(short_titles(document), row["modality"])
    return f"{label(document, row['name'])} ({in_sentence(title)})"


def _sizes(document: Document, found: Mapping[str, Any]) -> Drawing:
    features = [
        FeatureSize(
            feature_title(document, row), **row["mean_absolute"], top_share=row["top_share"]
        )
        for row in found["features"]
    ]
    drawn = plot_feature_sizes(features, unit=terms(document).score, title="")
    return draw(
        drawn.static(),
        "feature-sizes",
        drawn.description,
        f"The variables and genes that move the prediction furthest, in the patients who have that "
        f"kind of data. Bar: mean over {found['n_models']} models, each of another fold; line: "
        "2.5 % to 97.5 % of them. Beside it, in how many of them it is among the first twenty.",
    )


def _features(document: Document, rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        f"Mean absolute contribution to the {terms(document).score}, and whether the models agree",
        (
            Column("Variable or gene", numeric=False),
            Column("Patients"),
            Column("Mean absolute (over models)"),
            Column("Share of models with it among the first 20"),
            Column("Higher values", numeric=False),
        ),
        tuple(
            (
                words(feature_title(document, row)),
                cell(document, "count", *PATH, "features", i, "n_patients"),
                cell(document, "estimate", *PATH, "features", i, "mean_absolute"),
                cell(document, "number", *PATH, "features", i, "top_share"),
                words(direction(row["direction"])),
            )
            for i, row in enumerate(rows)
        ),
        note="A small contribution of one gene does not mean that it, or its pathway, is "
        "unimportant: a penalised model spreads an effect over genes that move together.",
    )


def direction(along: float | None) -> str:
    """Whether risk rises with a value, in words."""
    if along is None:
        return "no order"
    if abs(along) < CLEAR:
        return "neither clearly"
    return "raise the risk" if along > 0 else "lower the risk"


def _swarm(document: Document, found: Mapping[str, Any]) -> Drawing | None:
    """Points of single patients where the card allows them, else bins of enough of them."""
    if found["points"]:
        rows = [
            FeatureValues(
                feature_title(document, row), np.array(row["place"]), np.array(row["contribution"])
            )
            for row in found["points"]
        ]
        what = "One point a patient, at most 250 of them drawn at random"
    else:
        rows = [
            FeatureValues(
                feature_title(document, row),
                np.linspace(0, 1, len(row["median"])),
                *(np.array(row[name]) for name in ("median", "lower", "upper")),
            )
            for row in found["dependence"]
            if len(row["median"]) >= FEWEST_BINS
        ]
        what = "One line a group of patients with like values: median, and 5 % to 95 %"
    if not rows:
        return None
    drawn = plot_beeswarm(rows, unit=terms(document).score, title="")
    return draw(
        drawn.static(),
        "beeswarm",
        drawn.description,
        f"Which way: contribution by value. {what}.",
    )


def _dependence(document: Document, rows: Sequence[Mapping[str, Any]]) -> Drawing | None:
    curves = [
        FeatureCurve(
            label(document, row["name"]),
            titled(short_titles(document), row["modality"]),
            _unit(document, row),
            *(np.array(row[name]) for name in ("value", "lower", "median", "upper")),
        )
        for row in rows
        if len(row["median"]) >= FEWEST_BINS
    ][:MOST_CURVES]
    if not curves:
        return None
    drawn = plot_dependence(curves, unit=terms(document).score, title="")
    return draw(
        drawn.static(),
        "dependence",
        drawn.description,
        "Contribution along the value: median of groups of patients with like values, and 5 % to "
        "95 % of each group.",
    )


def _unit(document: Document, row: Mapping[str, Any]) -> str:
    column = document["columns"].get(row["name"])
    return "Value" if column is None or not column["unit"] else f"Value ({column['unit']})"


def _genes(document: Document, name: str, caption: str, what: str, unit: str) -> Table | None:
    rows = document["contributions"]["explained"][name]
    if not rows:
        return None
    titles = short_titles(document)
    return Table(
        caption,
        (
            Column("Kind of data", numeric=False),
            Column(what, numeric=False),
            Column(f"Mean size ({unit}, over models)"),
            Column("Share of models with it among the first 20"),
        ),
        tuple(
            (
                words(titled(titles, row["modality"])),
                cell(document, "text", *PATH, name, i, "name"),
                cell(document, "estimate", *PATH, name, i, "mean_absolute"),
                cell(document, "number", *PATH, name, i, "top_share"),
            )
            for i, row in enumerate(rows)
        ),
        note="A gene may stand here because it moves with one that matters: it marks the "
        "prediction and need not cause it."
        if name == "genes"
        else "Gene sets may share genes, so these do not sum to the whole.",
    )


def _of_group(document: Document, at: int, group: str) -> Table:
    rows = document["contributions"]["explained"]["within"][at]["features"]
    path = (*PATH, "within", at, "features")
    return Table(
        f"Within {group}: the variables and genes that move the prediction furthest",
        (
            Column("Variable or gene", numeric=False),
            Column("Mean absolute (over models)"),
            Column("Share of models with it among the first 20"),
        ),
        tuple(
            (
                words(feature_title(document, row)),
                cell(document, "estimate", *path, i, "mean_absolute"),
                cell(document, "number", *path, i, "top_share"),
            )
            for i, row in enumerate(rows)
        ),
    )
