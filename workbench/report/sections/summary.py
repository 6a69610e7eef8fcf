"""The first screen: who, how many, how long, what was asked, what came out, how far it holds."""

from collections.abc import Callable
from typing import Any

from workbench.evaluation.words import model_words
from workbench.figures import plot_claims
from workbench.report.drawing import Drawing, draw
from workbench.report.format import count, in_years, listed, prose, text
from workbench.report.sections.modality_value import verdicts
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Cell, cell
from workbench.report.words import (
    group_in_sentence,
    group_title,
    has_time,
    in_sentence,
    label,
    modality_titles,
    model_titles,
    short,
    short_titles,
    terms,
    within_first,
)

LIMITS_SHOWN = 3
WARNINGS_SHOWN = 4


def context(document: Document) -> Context:
    settings = document["evaluation_settings"]
    placed = within_first(document, document["claims"])
    claims = [
        {
            "sentence": cell(document, "prose", "claims", i, "sentence"),
            "verdict": claim["verdict"].split(";")[0],
            "css": claim["verdict"].split(";")[0].replace(" ", "-"),
        }
        for i, claim in placed
        if claim["over"] == settings["clinical"]
    ]
    return {
        "document": document,
        "facts": _facts(document),
        "concordance": _concordance(document),
        "who": _who(document),
        "asked": _asked(document),
        "claims": claims,
        "beyond_markers": _beyond_markers(document),
        "modalities": _modalities(document),
        "other_splits": _other_splits(document),
        "drawing": _drawing(document, sorted((c for _, c in placed), key=_beyond_last(document))),
        "warnings": [prose(sentence) for sentence in document["warnings"][:WARNINGS_SHOWN]],
        "limits": [prose(sentence) for sentence in document["limits"][:LIMITS_SHOWN]],
        "more": _more(len(document["limits"]), len(document["warnings"])),
    }


def _beyond_last(document: Document) -> Callable[[Any], bool]:
    """Claims over the clinical model before those over its markers too."""
    clinical = document["evaluation_settings"]["clinical"]
    return lambda claim: claim["over"] != clinical


def _drawing(document: Document, claims: list[Any]) -> Drawing | None:
    drawn = [claim for claim in claims if claim["delta_harrell_c"] is not None]
    if not drawn:
        return None
    titles, concordance = model_titles(document), terms(document).concordance
    labels = [
        f"{group_title(document, c['group'])}, over {in_sentence(titles[c['over']])}" for c in drawn
    ]
    return draw(
        plot_claims(drawn, labels=labels, concordance=concordance),
        "claims",
        f"Forest plot: change in {concordance} of the selected model, by group. "
        + " ".join(claim["sentence"] for claim in drawn),
        "What the selected model adds, within each group and overall. Blue where the 95 % "
        "interval lies clear of zero, grey where it does not.",
    )


def _more(n_limits: int, n_warnings: int) -> str:
    counts = [(n_limits, "limit"), (n_warnings, "warning")]
    return "All " + listed([f"{n} {word}{'s' * (n > 1)}" for n, word in counts if n])


def _facts(document: Document) -> list[tuple[str, Cell, str]]:
    facts = [
        ("Patients", cell(document, "count", "n_patients"), ""),
        (
            "Events",
            cell(document, "count", "n_events"),
            text(short(document["outcome"]["title"])),
        ),
    ]
    if _median_follow_up(document) is not None:
        at = ("follow_up", "median_follow_up", "estimate")
        unit = document["outcome"]["time_unit"]
        facts.append(("Median follow-up", cell(document, "time", *at), unit))
    return facts


def _median_follow_up(document: Document) -> float | None:
    """None where it is not reached, or the outcome has no time."""
    return document["follow_up"]["median_follow_up"]["estimate"] if has_time(document) else None


def _beyond_markers(document: Document) -> str:
    """One line on the harder comparison; its numbers stand in the figure and further down."""
    markers = document["evaluation_settings"]["markers"]
    found = [
        claim
        for _, claim in within_first(document, document["claims"])
        if markers and claim["over"] == markers
    ]
    if not found:
        return ""
    by_group = "; ".join(
        f"{group_in_sentence(document, c['group'])} {c['verdict'].split(';')[0]}" for c in found
    )
    return text(f"Over {model_words(markers, terms(document))}: {by_group}.")


def _modalities(document: Document) -> list[tuple[str, str, Cell]]:
    """One line on what each modality adds to the others: verdict and change in C or AUC."""
    return [
        (
            text(title),
            verdict,
            cell(document, "difference", "modality_value", i, "delta_harrell_c"),
        )
        for i, (title, verdict, _) in enumerate(verdicts(document))
    ]


def _other_splits(document: Document) -> list[dict[str, Any]]:
    """One line for each other way of splitting: what the judged model adds there."""
    clinical = document["evaluation_settings"]["clinical"]
    return [
        {
            "title": text(split["title"]),
            "changes": [
                (
                    text(group_in_sentence(document, claim["group"])),
                    cell(document, "difference", "other_splits", s, "claims", i, "delta_harrell_c"),
                )
                for i, claim in within_first(document, split["claims"])
                if claim["over"] == clinical
            ],
        }
        for s, split in enumerate(document["other_splits"])
    ]


def _concordance(document: Document) -> list[tuple[str, Cell]]:
    """In every group: a pooled concordance says little where groups differ."""
    judged = document["evaluation_settings"]["judged"]
    return [
        (
            text(group_title(document, row["group"])),
            cell(document, "estimate", "ladder", i, "harrell_c"),
        )
        for i, row in within_first(document, document["ladder"])
        if row["model"] == judged and row["harrell_c"] is not None
    ]


def _who(document: Document) -> str:
    outcome = document["outcome"]
    events = f"{count(document['n_events'])} had the event"
    if not has_time(document):
        return (
            f"{count(document['n_patients'])} patients, of whom it is known whether they have the "
            f"event ({in_sentence(text(short(outcome['title'])))}): {events}."
        )
    sentence = (
        f"{count(document['n_patients'])} patients were followed from "
        f"{in_sentence(text(outcome['time_zero']))} for "
        f"{in_sentence(text(short(outcome['title'])))}; {events}."
    )
    median = _median_follow_up(document)
    if median is not None:
        sentence += (
            f" Median follow-up was {in_years(median, outcome['time_unit'])}, "
            "by reverse Kaplan–Meier."
        )
    return sentence


def _asked(document: Document) -> str:
    anchor = document["evaluation_settings"]["clinical"]
    titles = {name: in_sentence(text(title)) for name, title in short_titles(document).items()}
    names = [titles[name] for name in modality_titles(document) if name != anchor]
    added, do = listed(names), "does" if len(names) == 1 else "do"
    known = [m for m in document["modalities"] if m["name"] == anchor]
    columns = listed([in_sentence(text(label(document, c))) for m in known for c in m["columns"]])
    variables = f"the clinical variables ({columns})" if columns else "the clinical variables"
    model = f"a {terms(document).regression} model"
    if not added:
        return f"How well does {model} on {variables} predict the outcome?"
    return f"What {do} {added} add to {model} on {variables}?"


SECTION = Section("summary", "Summary", context)
