"""What the selected model turned out to be inside each fold."""

from collections.abc import Mapping
from typing import Any

from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Cell, Column, Table, cell, words
from workbench.report.words import in_sentence, model_titles, short_titles, titled

TITLES = {
    "fold": "Fold",
    "model": "Chosen model",
    "n_train": "Training patients",
    "events_train": "Training events",
}
DICE = "outline_dice_"
LIKELIHOOD = "held_out_log_likelihood"
NOTES = {
    LIKELIHOOD: "Under each model: its held-out log likelihood in the inner folds; the "
    "highest is chosen.",
    DICE: "Dice: overlap of drawn outlines with those that the image encoder predicts, in patients "
    "it was not trained on.",
}

Place = tuple[str, ...]
"""Where a value stands in a fold's row: its name, or name and key of a mapping."""


def context(document: Document) -> Context:
    chosen = document["chosen"]
    paths = _paths(chosen, list(model_titles(document)))
    return {
        "content": Table(
            "Choices made in the inner folds, before the outer fold was seen",
            tuple(
                Column(
                    _title(document, path),
                    numeric=path not in (("fold",), ("model",)),
                )
                for path in paths
            ),
            tuple(tuple(_cell(document, i, path) for path in paths) for i in range(len(chosen))),
            " ".join(
                note
                for name, note in NOTES.items()
                if any(path[0].startswith(name) for path in paths)
            ),
        )
    }


def _paths(chosen: list[Mapping[str, Any]], models: list[str]) -> list[Place]:
    """A column a value; a mapping gives one a key, in the order of ``models``, then by name.

    ``report.json`` keeps no order of keys, and the page is the same from what is read back.
    """
    place = {name: at for at, name in enumerate(models)}
    names = [*TITLES, *sorted({k for row in chosen for k in row} - set(TITLES))]
    paths: dict[Place, None] = {}
    for name in names:
        for row in chosen:
            value = row.get(name)
            keys: list[Place] = [(name,)]
            if isinstance(value, Mapping):
                ordered = sorted(value, key=lambda key: (place.get(key, len(place)), key))
                keys = [(name, key) for key in ordered]
            paths |= dict.fromkeys(keys if name in row else [])
    return list(paths)


def _title(document: Document, path: Place) -> str:
    name, *key = path
    if name.startswith(DICE):
        modality = titled(short_titles(document), name.removeprefix(DICE))
        return f"Dice, {in_sentence(modality)}"
    if name == LIKELIHOOD and key:
        return titled(model_titles(document), key[0])
    head = TITLES.get(name, name.replace("_", " ").capitalize())
    return f"{head}: {in_sentence(titled(short_titles(document), key[0]))}" if key else head


def _cell(document: Document, i: int, path: Place) -> Cell:
    value: Any = document["chosen"][i]
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return words("")
        value = value[part]
    if path == ("model",):
        return words(titled(model_titles(document), value))
    written_as = (
        "compact"
        if path[0] == LIKELIHOOD
        else "count"
        if path[0] in ("n_train", "events_train")
        else "number"
        if path[0].startswith(DICE)
        else "setting"
    )
    return cell(document, written_as, "chosen", i, *path)


SECTION = Section(
    "folds", "Inside the folds", context, there=lambda document: bool(document["chosen"])
)
