"""The first screen: who, how many, how long, what was asked, what came out, how far it holds."""

from workbench.figures import plot_claims
from workbench.report.drawing import draw
from workbench.report.format import count, in_years, listed, prose, text
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Cell, cell
from workbench.report.words import group_title, model_titles

LIMITS_SHOWN = 3


def context(document: Document) -> Context:
    settings = document["evaluation_settings"]
    claims = [
        {
            "group": group_title(claim["group"]),
            "sentence": cell(document, "prose", "claims", i, "sentence"),
            "verdict": claim["verdict"],
            "css": claim["verdict"].split(";")[0].replace(" ", "-"),
        }
        for i, claim in enumerate(document["claims"])
        if claim["over"] == settings["clinical"]
    ]
    drawn = [c for c in document["claims"] if c["delta_harrell_c"] is not None]
    titles = {name: _lower(title) for name, title in model_titles(document).items()} | {
        c["group"]: group_title(c["group"]) for c in drawn
    }
    return {
        "document": document,
        "facts": _facts(document),
        "concordance": _concordance(document),
        "who": _who(document),
        "asked": _asked(document),
        "claims": claims,
        "beyond_markers": _beyond_markers(document),
        "drawing": draw(
            plot_claims(drawn, titles=titles),
            "claims",
            "Forest plot: change in Harrell's C of the selected model, by group. "
            + " ".join(c["sentence"] for c in document["claims"]),
            "What the selected model adds, within each group. Blue where the 95 % interval "
            "lies clear of zero, grey where it does not.",
        )
        if drawn
        else None,
        "limits": [prose(sentence) for sentence in document["limits"][:LIMITS_SHOWN]],
        "more": _more(len(document["limits"]), len(document["warnings"])),
    }


def _more(n_limits: int, n_warnings: int) -> str:
    counts = [(n_limits, "limit"), (n_warnings, "warning")]
    return "All " + listed([f"{n} {word}{'s' * (n > 1)}" for n, word in counts if n])


def _facts(document: Document) -> list[tuple[str, Cell, str]]:
    unit = document["outcome"]["time_unit"]
    facts = [
        ("Patients", cell(document, "count", "n_patients"), ""),
        (
            "Events",
            cell(document, "count", "n_events"),
            text(document["outcome"]["title"]),
        ),
    ]
    if document["follow_up"]["median_follow_up"]["estimate"] is not None:
        at = ("follow_up", "median_follow_up", "estimate")
        facts.append(("Median follow-up", cell(document, "time", *at), unit))
    return facts


def _beyond_markers(document: Document) -> str:
    """One line on the harder comparison; its numbers stand in the figure and further down."""
    markers = document["evaluation_settings"]["markers"]
    found = [c for c in document["claims"] if markers and c["over"] == markers]
    if not found:
        return ""
    verdicts = "; ".join(f"{group_title(c['group'])}: {c['verdict']}" for c in found)
    return text(f"Over {_lower(model_titles(document)[markers])}: {verdicts}.")


def _concordance(document: Document) -> list[tuple[str, Cell]]:
    """In every group: a pooled concordance says little where groups differ."""
    judged = document["evaluation_settings"]["judged"]
    return [
        (
            text(group_title(row["group"])),
            cell(document, "estimate", "ladder", i, "harrell_c"),
        )
        for i, row in enumerate(document["ladder"])
        if row["model"] == judged and row["harrell_c"] is not None
    ]


def _who(document: Document) -> str:
    outcome = document["outcome"]
    events = f"{count(document['n_events'])} had the event"
    sentence = (
        f"{count(document['n_patients'])} patients were followed from "
        f"{_lower(outcome['time_zero'])} for {_lower(outcome['title'])}; {events}."
    )
    median = document["follow_up"]["median_follow_up"]
    if median["estimate"] is not None:
        sentence += (
            f" Median follow-up was {in_years(median['estimate'], outcome['time_unit'])}, "
            "by reverse Kaplan–Meier."
        )
    return sentence


def _asked(document: Document) -> str:
    anchor = document["evaluation_settings"]["clinical"]
    known = [m for m in document["modalities"] if m["name"] == anchor]
    added = listed([_lower(m["title"]) for m in document["modalities"] if m["name"] != anchor])
    columns = listed([text(c).replace("_", " ") for m in known for c in m["columns"]])
    variables = f"the clinical variables ({columns})" if columns else "the clinical variables"
    if not added:
        return f"How well does a Cox model on {variables} predict the outcome?"
    return f"What do {added} add to a Cox model on {variables}?"


def _lower(title: str) -> str:
    """For the middle of a sentence; names such as DNA or TCGA keep their capitals."""
    title = text(title).rstrip(".")
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


SECTION = Section("summary", "Summary", context)
