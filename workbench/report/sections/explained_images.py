"""Where in the images the judged model saw risk: checks first, then the drawn lesion."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.report.sections.section import Context, Document
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import in_sentence, short_titles, terms, titled

PATH = ("contributions", "images")
INSIDE = 0
"""The measure that is worded: the share of the heat that lies inside the lesion."""
TYPICAL = {
    "lowest": "Images lower the risk most",
    "middle": "In the middle",
    "highest": "Images raise the risk most",
}


def context(document: Document) -> Context:
    """What the section's template shows of images."""
    titles = short_titles(document)
    return {
        "images": [
            {
                "title": titled(titles, row["modality"]),
                "method": row["method"],
                "n_models": row["n_models"],
                "soundness": _soundness(row),
                "checks": check_table(document, (*PATH, at, "checks"), row["checks"]),
                "sentence": lesion_sentence(row, in_sentence(titled(titles, row["modality"]))),
                "lesion": row["lesion"] and _lesion(document, at, row["lesion"]),
                "typical": row["typical"] and _typical(document, at, row["typical"]),
            }
            for at, row in enumerate(document["contributions"].get("images") or [])
        ]
    }


def check_table(
    document: Document, path: tuple[str | int, ...], checks: Sequence[Mapping[str, Any]]
) -> Table:
    """Each check of an explanation, with its threshold and what a failure would mean."""
    return Table(
        "The method’s own checks",
        (
            Column("Check", numeric=False),
            Column("Value"),
            Column("Threshold"),
            Column("Result"),
            Column("What it means", numeric=False),
        ),
        tuple(
            (
                cell(document, "text", *path, i, "name"),
                cell(document, "scientific", *path, i, "value"),
                cell(document, "scientific", *path, i, "threshold"),
                words("passed" if check["passed"] else "failed"),
                cell(document, "prose", *path, i, "meaning"),
            )
            for i, check in enumerate(checks)
        ),
    )


def lesion_sentence(row: Mapping[str, Any], title: str) -> str:
    """One sentence on heat and lesion, good or bad; "" where no lesion is drawn."""
    found = row["lesion"]
    if found is None:
        return ""
    inside = found["measures"][INSIDE]
    own, others, difference = inside["own"], inside["others"], inside["difference"]
    if difference["lower"] > 0:
        verdict = "the maps point at the lesion"
    elif difference["upper"] < 0:
        verdict = "the maps point away from the lesion"
    else:
        verdict = "it is not shown that the maps point at the lesion"
    doubt = "; but do not rely on maps of which a check failed" if row["n_failed"] else ""
    return (
        f"In {found['n_patients']} patients, {_percent(own['estimate'])} "
        f"({_percent(own['lower'])} to {_percent(own['upper'])}) of the heat over {title} lies "
        f"inside the drawn lesion, which covers {_percent(found['area'])} of the images; inside "
        f"other patients’ lesions it would be {_percent(others['estimate'])}: {verdict}{doubt}."
    )


def _soundness(row: Mapping[str, Any]) -> str:
    n_failed, n_all = row["n_failed"], len(row["checks"])
    if not n_failed:
        return ""
    return f"{n_failed} of {n_all} checks of these maps failed: do not rely on them."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _lesion(document: Document, at: int, found: Mapping[str, Any]) -> Table:
    path = (*PATH, at, "lesion", "measures")
    return Table(
        "Heat and drawn lesion, with 95 % bootstrap intervals over patients",
        (
            Column("Measure", numeric=False),
            Column("Own lesion"),
            Column("Other patients’ lesions"),
            Column("Difference"),
        ),
        tuple(
            (
                cell(document, "text", *path, i, "name"),
                *(cell(document, "estimate", *path, i, n) for n in ("own", "others", "difference")),
            )
            for i in range(len(found["measures"]))
        ),
        note="Other patients’ lesions lie where lesions mostly lie: a map of no patient in "
        "particular comes out alike in both columns. Where the encoder was trained on drawn "
        "lesions, heat inside them says that it found them, not that they carry the risk.",
    )


def _typical(document: Document, at: int, rows: Sequence[Mapping[str, Any]]) -> Table:
    path = (*PATH, at, "typical")
    return Table(
        f"Typical patients by what their images add to the {terms(document).score}",
        (
            Column("Patients", numeric=False),
            Column("Number"),
            Column("Mean contribution of the images"),
            Column("Share of the heat inside the lesion"),
        ),
        tuple(
            (
                words(TYPICAL[row["name"]]),
                cell(document, "count", *path, i, "n_patients"),
                cell(document, "signed", *path, i, "contribution"),
                cell(document, "number", *path, i, "inside"),
            )
            for i, row in enumerate(rows)
        ),
        note="Each row is a mean over enough patients: nobody is shown alone.",
    )
