"""Tables of a model's evaluation in words: numbers with their intervals, small counts withheld."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.figures.calibration_curves import withheld_events
from workbench.figures.wording import capitalised, fixed, percents, span_words
from workbench.report.format import NONE, count, difference, estimate, time, times
from workbench.report.words import group_title, short, terms
from workbench.survival import DecisionCurve, RiskBin
from workbench.survival.inputs import Estimate
from workbench.widgets.blocks import Table

Row = Mapping[str, Any]
DIFFERENCES = ("delta_harrell_c", "delta_ipa")
CALIBRATION = {
    "calibration_intercept": "Intercept",
    "calibration_slope": "Slope",
    "observed_expected": "Observed / expected",
    "auc": "AUC",
    "brier": "Brier score",
    "ipa": "IPA",
}
SUBGROUPS = {
    "calibration_intercept": "Intercept",
    "calibration_slope": "Slope",
    "observed_expected": "Observed / expected",
    "brier": "Brier score",
    "ipa": "IPA",
}


def comparison(
    rows: Sequence[Row], titles: Mapping[str, str], caption: str, metrics: Mapping[str, str]
) -> Table:
    """All metrics, by what they are called, of all models in one group."""
    return Table(
        "models",
        caption,
        ("Model", *metrics.values()),
        tuple(
            (
                titles.get(row["model"], row["model"]),
                *(
                    difference(row[name]) if name in DIFFERENCES else estimate(row[name])
                    for name in metrics
                ),
            )
            for row in rows
        ),
        folded=True,
    )


def calibration(
    rows: Sequence[Row],
    titles: Mapping[str, str],
    groups: Mapping[str, str],
    *,
    has_time: bool,
) -> Table:
    """Calibration and accuracy of models at one horizon, by group; why where it is refused."""
    at = " at the horizon" if has_time else ""
    return Table(
        "calibration-numbers",
        f"Calibration and accuracy{at}, in each group of the study",
        (
            "Model",
            "Patients",
            "At risk" if has_time else "Number",
            *CALIBRATION.values(),
            "Not judged because",
        ),
        tuple(
            (
                titles.get(row["model"], row["model"]),
                groups.get(row["group"], row["group"]),
                count(row["n_at_risk"]),
                *(estimate(row[name]) for name in CALIBRATION),
                row["refused"] or "",
            )
            for row in rows
        ),
        folded=True,
    )


def calibration_over_time(
    rows: Sequence[Row],
    titles: Mapping[str, str],
    time_unit: str | None,
    document: Mapping[str, Any],
) -> Table:
    """Calibration of one model by group and horizon, or by group where there is no time."""
    model = titles.get(rows[0]["model"], rows[0]["model"]) if rows else ""
    return Table(
        "calibration-numbers",
        f"{model}: intercept 0, slope 1 and observed over expected 1 are perfect",
        (
            "Patients",
            *([f"Horizon ({time_unit})"] if time_unit else []),
            "Intercept",
            "Slope",
            "Observed / expected",
        ),
        tuple(
            (
                group_title(document, row["group"]),
                *([time(row["horizon"])] if time_unit else []),
                *(
                    (row["refused"] and "not judged") or estimate(row[name])
                    for name in list(CALIBRATION)[:3]
                ),
            )
            for row in rows
        ),
    )


def bins(
    found: Sequence[RiskBin], minimum: int, caption: str, *, pickable: bool, has_time: bool
) -> Table:
    """Bins of predicted risk; a bin is picked by its number."""
    events = "Events by the horizon" if has_time else "Events"
    rows = []
    for each, hide in zip(found, withheld_events(found, minimum), strict=True):
        observed = span_words(Estimate(each.observed, each.lower, each.upper), percents(1))
        if hide:
            # With the patients it would tell the events.
            observed = "withheld"
        elif each.observed != each.observed:
            observed = "follow-up ends before"
        rows.append(
            (
                percents(1)(each.predicted),
                observed,
                str(each.n_patients),
                "withheld" if hide else str(each.n_events),
            )
        )
    return Table(
        "bins",
        caption,
        ("Mean predicted risk", "Observed risk (95 % CI)", "Patients", events),
        tuple(rows),
        picks=tuple(str(at) for at in range(len(rows))) if pickable else (),
    )


def at_threshold(curves: Mapping[str, DecisionCurve], minimum: int, caption: str) -> Table:
    """Who would be treated at one threshold, and what it is worth beside treating all or none."""
    rows = []
    first: DecisionCurve | None = None
    for name, curve in curves.items():
        first = first or curve
        treated = int(curve.n_treated[0])
        few = 0 < min(treated, curve.n_patients - treated) < minimum
        benefit, avoided = curve.net_benefit, curve.interventions_avoided
        hundred = Estimate(*(100 * float(v[0]) for v in avoided))
        rows.append(
            (
                name,
                "withheld" if few else f"{treated:,} of {curve.n_patients:,}",
                span_words(Estimate(*(float(v[0]) for v in benefit)), fixed(3)),
                span_words(hundred, fixed(1)),
            )
        )
    if first is not None:
        everyone = Estimate(*(float(v[0]) for v in first.treat_all))
        rows.append(("Treat all", f"{first.n_patients:,}", span_words(everyone, fixed(3)), "0"))
        rows.append(("Treat none", "0", "0", NONE))
    return Table(
        "at-threshold",
        caption,
        ("Strategy", "Treated", "Net benefit (95 % CI)", "Avoided per 100 patients"),
        tuple(rows),
    )


def risk_groups(stratum: Row, time_unit: str) -> Table:
    """What became of patients at low, middle and high predicted risk."""
    return Table(
        "risk-groups",
        "Outcome by thirds of predicted risk",
        ("Predicted risk", "Patients", "Events", f"Median ({time_unit})"),
        tuple(
            (each["label"], count(each["n"]), count(each["n_events"]), times(each["median"]))
            for each in stratum["curves"]
        ),
        folded=True,
    )


def subgroups(rows: Sequence[Row], minimum: int, caption: str, concordance: str) -> Table:
    """All measures of each group and site."""
    measures = {"harrell_c": concordance, **SUBGROUPS}

    def shown(value: int | str) -> str:
        return f"<{minimum}" if isinstance(value, int) and 0 < value < minimum else count(value)

    return Table(
        "subgroup-numbers",
        caption,
        ("Group", "Patients", "Events", *measures.values(), "Not judged because"),
        tuple(
            (
                "All patients" if row["kind"] == "all" else row["group"],
                shown(row["n"]),
                shown(row["n_events"]),
                *(estimate(row[name]) for name in measures),
                # The reason names a count that may be withheld.
                "too few patients" if row["refused"] else "",
            )
            for row in rows
        ),
        folded=True,
    )


def by_availability(ladder: Sequence[Row], judged: str, document: Mapping[str, Any]) -> Table:
    """The judged model in all patients, and in those who have each kind of data."""
    groups = {"all"} | {f"patients with {m['name']}" for m in document["modalities"]}
    rows = [row for row in ladder if row["model"] == judged and row["group"] in groups]
    spoken = terms(document)
    timed = spoken.has_time
    at = f"IPA at ({document['evaluation_settings']['time_unit']})" if timed else ""
    return Table(
        "availability",
        "The judged model in patients who have each kind of data",
        ("Patients", "n", "Events", spoken.concordance, "IPA", *([at] if timed else [])),
        tuple(
            (
                group_title(document, row["group"]),
                count(row["n"]),
                count(row["n_events"]),
                estimate(row["harrell_c"]),
                estimate(row["ipa"]),
                *([time(row["tau"])] if timed else []),
            )
            for row in rows
        ),
    )


def label(meaning: str) -> str:
    """The head of a column's meaning, with a capital letter."""
    return capitalised(short(meaning))
