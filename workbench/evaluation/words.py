"""How a sentence names models, metrics, groups and times."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MODELS = {
    "null": "Kaplan–Meier",
    "null_by_group": "Kaplan–Meier by group",
    "clinical": "the clinical Cox model",
    "clinical_markers": "the clinical Cox model with known markers",
    "concatenation": "the concatenation Cox model",
    "stack": "the combined model",
    "stack_complete_only": "the combined model trained on complete patients alone",
    "fusion_net": "the fusion network",
    "blend": "the blend",
    "selected": "the selected model",
}

METRICS = {
    "harrell_c": "Harrell’s C",
    "harrell_c_fold_mean": "the mean C of folds",
    "uno_c": "Uno’s C",
    "ibs": "the integrated Brier score",
    "ipa": "IPA",
    "delta_harrell_c": "the change in C",
    "delta_ipa": "the change in IPA",
    "auc": "AUC",
    "brier": "the Brier score",
    "calibration_intercept": "the calibration intercept",
    "calibration_slope": "the calibration slope",
    "observed_expected": "observed over expected",
}


@dataclass(frozen=True)
class Terms:
    """How an evaluation is spoken of: of times to an event, or of an event that is there or not.

    Parameters
    ----------
    concordance, c
        What the concordance is called at length, and in the middle of a sentence.
    regression
        Kind of the linear models.
    models, metrics
        In the middle of a sentence.
    score
        What a risk score is.
    has_time
        Whether there are times, and so horizons, follow-up and censoring to speak of. Groups that
        hold every patient once are then strata of the censoring curve, else a mere partition.
    """

    concordance: str
    c: str
    regression: str
    models: Mapping[str, str]
    metrics: Mapping[str, str]
    score: str
    has_time: bool


TIMES = Terms("Harrell’s C", "C", "Cox", MODELS, METRICS, "log hazard", has_time=True)
STATES = Terms(
    "AUC",
    "AUC",
    "logistic",
    {name: words.replace("Cox model", "logistic model") for name, words in MODELS.items()}
    | {"null": "the prevalence", "null_by_group": "the prevalence by group"},
    METRICS
    | {
        "harrell_c": "AUC",
        "harrell_c_fold_mean": "the mean AUC of folds",
        "delta_harrell_c": "the change in AUC",
    },
    "log odds",
    has_time=False,
)


def terms_of(time_unit: str | None) -> Terms:
    """By the unit of time; None where the outcome has no time."""
    return STATES if time_unit is None else TIMES


Note = tuple[str, str]
"""Where something holds, and what: notes that say the same of several places become one."""


def model_words(name: str, terms: Terms = TIMES) -> str:
    """A model in the middle of a sentence; a further model keeps its name.

    Examples
    --------
    >>> model_words("selected"), model_words("without_mri"), model_words("rna")
    ('the selected model', 'the combined model without mri', 'the model of rna alone')
    """
    if name.startswith("without_"):
        return f"the combined model without {name.removeprefix('without_')}"
    return terms.models.get(name, f"the model of {name} alone")


def models_words(names: Iterable[str], terms: Terms = TIMES) -> str:
    """Several models in one list."""
    return listed([model_words(name, terms) for name in names])


def group_words(group: str) -> str:
    """A group at the head of a note."""
    return "All patients" if group == "all" else group


def by_time(horizon: float, time_unit: str | None, before: str = " by ") -> str:
    """A horizon with its unit behind ``before``; nothing where the outcome has no time.

    Examples
    --------
    >>> by_time(1095.0, "days"), by_time(7.5, "months", " at "), by_time(1.0, None)
    (' by 1,095 days', ' at 7.5 months', '')
    """
    return "" if time_unit is None else f"{before}{at_time(horizon, time_unit)}"


def at_time(horizon: float, time_unit: str) -> str:
    """A horizon with its unit.

    Examples
    --------
    >>> at_time(1095.0, "days"), at_time(7.5, "months")
    ('1,095 days', '7.5 months')
    """
    written = f"{horizon:,.10f}".rstrip("0").rstrip(".")
    return f"{written} {time_unit}"


def signed(value: float) -> str:
    """A difference to three decimals: its sign always shows, and zero has none.

    Examples
    --------
    >>> signed(0.0216), signed(-0.0004)
    ('+0.022', '0.000')
    """
    written = f"{value:+.3f}"
    return "0.000" if float(written) == 0 else written


def listed(items: list[str]) -> str:
    """Items in a sentence: ``"a, b and c"``."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def merged(notes: Iterable[Note]) -> list[str]:
    """One sentence for each thing that is said, headed by the places of which it is said.

    Examples
    --------
    >>> merged([("A", "is so."), ("B", "is not."), ("C", "is so.")])
    ['A; C: is so.', 'B: is not.']
    """
    places: dict[str, list[str]] = {}
    for place, text in notes:
        places.setdefault(text, []).append(place)
    return [f"{'; '.join(where)}: {text}" for text, where in places.items()]
