"""How far each kind of data, group of features and feature moves predictions, over patients."""

import numpy as np

from workbench.figures import plot_contributions_over_time, plot_mean_contributions
from workbench.figures.mean_contributions import MeanContribution
from workbench.figures.wording import fixed
from workbench.widgets.blocks import Block, Figure, Notice, Section, Table
from workbench.widgets.shown_attribution import ShownAttribution

MOST = 20
MOST_CURVES = 6


def kind_blocks(shown: ShownAttribution, chosen: str) -> tuple[Block, ...]:
    """Kinds of data over the patients who have them, the largest first; ``chosen`` is marked."""
    found = shown.found
    values = found.modalities[shown.position]
    parts, small = {}, []
    for at, name in enumerate(found.modality_names):
        if shown.enough(name):
            parts[name] = _part(shown.titled(name), values[shown.has(name), at])
        else:
            small.append(shown.titled(name))
    order = sorted(parts, key=lambda name: -parts[name].mean_absolute)
    blocks: list[Block] = []
    if order:
        drawing = plot_mean_contributions(
            [parts[name] for name in order],
            unit=shown.unit,
            title=f"Contributions by kind of data{shown.where}",
            notes=["Over the patients who have it. A contribution is no effect of a treatment."],
        )
        picks = {parts[n].name: f"Look into {parts[n].name}" for n in order}
        blocks.append(Figure("kinds", drawing, picks))
        rows = tuple((*_row(parts[n]), f"{int(shown.has(n).sum()):,}") for n in order)
        at = order.index(chosen) if chosen in order else -1
        head = (*_head("Kind of data", shown.unit), "Patients")
        caption = "Choose one to look into it"
        blocks.append(Table("modalities", caption, head, rows, tuple(order), at))
    if small:
        blocks.append(shown.withheld(small))
    return tuple(blocks)


def within_blocks(shown: ShownAttribution, name: str, group: str) -> tuple[Block, ...]:
    """Groups of features and features of one kind of data, or what else there is of it."""
    if not name:
        return ()
    found, title = shown.found, shown.titled(name)
    blocks: list[Block] = []
    if name in found.images:
        n = len(found.images[name].values.shape) - 2
        blocks.append(
            Notice(
                f"The image series {title} has a map of contributions for each patient "
                f"({n} dimensions): lay it over the images by explained_images(images, "
                f'explanation, "{name}", ...) of workbench.data.imaging, and open them in the '
                "ImageViewer."
            )
        )
    if not shown.enough(name):
        blocks.append(shown.withheld([title]))
    elif name in found.features:
        blocks += _features(shown, name, group)
    elif name not in found.images:
        blocks.append(Notice(f"{found.method} says nothing finer of {title}."))
    return (Section("fine", f"Within {title}", tuple(blocks)),)


def _features(shown: ShownAttribution, name: str, group: str) -> list[Block]:
    features = shown.found.features[name]
    values = features.values[shown.position][shown.has(name)]
    place = {feature: at for at, feature in enumerate(features.names)}
    titles = shown.features_titled(name)
    blocks: list[Block] = []
    if features.groups and not group:
        parts = [
            _part(title, values[:, [place[member] for member in members]].sum(axis=1))
            for title, members in features.groups.items()
            if members
        ]
        blocks += _ranked(shown, "groups", "group of features", parts, pickable=True)
    members = features.groups[group] if group else features.names
    parts = [_part(titles[place[member]], values[:, place[member]]) for member in members]
    what = f"feature of {group}" if group else "feature"
    return [*blocks, *_ranked(shown, "features", what, parts, pickable=False)]


def _ranked(
    shown: ShownAttribution,
    name: str,
    what: str,
    parts: list[MeanContribution],
    *,
    pickable: bool,
) -> list[Block]:
    parts = sorted(parts, key=lambda part: -part.mean_absolute)
    drawn = parts[:MOST]
    more = [f"{len(parts) - MOST} smaller ones are in the table"] if len(parts) > MOST else []
    title = f"Contributions by {what}{shown.where}"
    drawing = plot_mean_contributions(drawn, unit=shown.unit, title=title, notes=more)
    picks = {part.name: f"Look into {part.name}" for part in drawn} if pickable else {}
    rows = tuple(_row(part) for part in parts)
    names = tuple(part.name for part in parts) if pickable else ()
    caption = f"Every {what}" + (": choose one to look into it" if pickable else "")
    head = _head(what.capitalize(), shown.unit)
    return [
        Figure(f"{name}-drawn", drawing, picks),
        Table(name, caption, head, rows, names, folded=not pickable),
    ]


def over_time_blocks(shown: ShownAttribution) -> tuple[Block, ...]:
    """Mean size of the largest kinds of data at each horizon."""
    found = shown.found
    if len(found.horizons) < 2:
        return ()
    sizes = {
        shown.titled(name): np.abs(found.modalities[:, shown.has(name), at]).mean(axis=1)
        for at, name in enumerate(found.modality_names)
        if shown.enough(name)
    }
    largest = sorted(sizes, key=lambda name: -float(sizes[name].max()))[:MOST_CURVES]
    if not largest:
        return ()
    drawing = plot_contributions_over_time(
        found.horizons,
        {name: sizes[name] for name in largest},
        unit=shown.unit,
        time_unit=shown.time_unit,
        title="Contributions over time",
    )
    return (Section("time", "Over time", (Figure("over-time", drawing),)),)


def _part(name: str, values: np.ndarray) -> MeanContribution:
    lower, median, upper = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
    return MeanContribution(name, float(np.abs(values).mean()), lower, median, upper)


def _head(what: str, unit: str) -> tuple[str, ...]:
    return (what, f"Mean size ({unit})", "5 %", "Median", "95 %")


def _row(part: MeanContribution) -> tuple[str, ...]:
    sign = fixed(3, sign=True)
    return (
        part.name,
        fixed(3)(part.mean_absolute),
        *map(sign, (part.lower, part.median, part.upper)),
    )
