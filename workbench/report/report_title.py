"""What a report is called: as its authors say, else by kind of study, outcome, methods and data."""

from collections.abc import Mapping
from typing import Any

from workbench.figures.style import shorten
from workbench.report.words import SIMULATED, in_sentence, short, terms

Document = Mapping[str, Any]

LETTERS = 90
"""That the head of a page holds on one line."""


def report_title(document: Document) -> str:
    """The authors' title; without one, a title that names what TRIPOD+AI and CLAIM ask of it.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back.
    """
    return document.get("author", {}).get("title") or _usual_title(document)


def running_head(document: Document) -> str:
    """What stands at the head of each page: a title in one line, and whether data are simulated.

    The authors' title; without one, the outcome and the data.
    """
    outcome, data = short(document["outcome"]["title"]), document["dataset"]["title"]
    title = document.get("author", {}).get("title") or f"{outcome} in {data}"
    simulated = f" · {SIMULATED}" if document["simulated"] else ""
    return shorten(title, LETTERS - len(simulated)) + simulated


def _usual_title(document: Document) -> str:
    in_time = (document["definition"]["split"] or {}).get("kind") == "time"
    outcome = in_sentence(short(document["outcome"]["title"]))
    return (
        f"Development and {'temporal' if in_time else 'internal'} validation of multivariable "
        f"models that predict {outcome} by {_methods(document)}, in {document['dataset']['title']}"
    )


def _methods(document: Document) -> str:
    """The kinds of method, as narrow as one word says it of each."""
    images = any(modality["kind"] == "image" for modality in document["modalities"])
    outlines = document["study"].get("image_encoder", "outlines") == "outlines"
    network = any(row["model"] == "fusion_net" for row in document["ladder"])
    regression = f"{terms(document).regression} regression"
    if network or (images and outlines):
        return f"{regression} and deep learning"
    return f"{regression} and machine learning" if images else regression
