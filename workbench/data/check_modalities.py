"""Clinical variables, matrices and images against their card."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.data.card import EhrModality, GenomicsModality, ImageModality, did_you_mean
from workbench.data.image_files import by_patient, find_images, read_listed, read_listed_mask
from workbench.data.modalities.genomics import read_matrix
from workbench.data.problem import Problem, problem_of
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard

LATE_NAMES = re.compile(
    r"vital|death|dead|died|deceased|surviv|follow_?up|last_contact|recurr|relaps|progress|"
    r"response|tumou?r_status|new_tumou?r|days_to",
    re.IGNORECASE,
)


def modality_problems(card: "DataCard", good_files: set[str]) -> Iterator[Problem]:
    """What is wrong with each modality whose file could be read."""
    for name, spec in card.spec.modalities.items():
        if isinstance(spec, EhrModality):
            yield from _ehr(card, name, spec)
        elif isinstance(spec, GenomicsModality):
            if spec.file in good_files:
                yield from _genomics(card, name, spec)
        else:
            yield from _images(card, name, spec)


def _ehr(card: "DataCard", name: str, spec: EhrModality) -> Iterator[Problem]:
    where = f"modalities.{name}"
    unfit = card.spec.unfit_features(spec.columns)
    for column, reason in unfit.items():
        yield Problem("error", where, f"{column} {reason}: it cannot be a feature; remove it")
    for column in spec.columns:
        names = [column, *card.spec.columns[column].headers(column)]
        late = [name for name in names if LATE_NAMES.search(name)]
        if column not in unfit and late:
            yield Problem(
                "warning",
                where,
                f"the name {late[-1]!r} sounds like something known only after the outcome: if so, "
                "say `role: post_outcome` and remove it",
            )


def _genomics(card: "DataCard", name: str, spec: GenomicsModality) -> Iterator[Problem]:
    where = f"modalities.{name}"
    try:
        matrix = read_matrix(card, name, spec)
    except DataCardError as error:
        yield problem_of(error)
        return
    if matrix.shape[1] == 0:
        yield Problem(
            "warning",
            where,
            f"nobody has it: no column of files.{spec.file} matches `columns`, which is optional",
        )
        return
    for pathway, genes in spec.pathways.items():
        absent = [gene for gene in genes if gene not in matrix.columns]
        if absent:
            level = "error" if len(absent) == len(genes) else "warning"
            near = did_you_mean(absent[0], matrix.columns)
            yield Problem(
                level,
                where,
                f"{len(absent)} of {len(genes)} genes of {pathway} are not in the file, such as "
                f"{absent[0]!r}{near}",
            )
    constant = int((matrix.nunique() <= 1).sum())
    if constant:
        yield Problem("warning", where, f"{constant} features are the same for every patient")


def _images(card: "DataCard", name: str, spec: ImageModality) -> Iterator[Problem]:
    where = f"modalities.{name}"
    images = find_images(card, spec)
    if not images:
        yield Problem(
            "error", where, f"no image: {card.how_to_get([spec.pattern])}, or correct `pattern`"
        )
        return
    nobody = sum(image.patient_id is None for image in images)
    if nobody:
        yield Problem(
            "error",
            where,
            f"{nobody} of {len(images)} paths do not match key.regex, so nobody knows whose they "
            "are: correct it, or `exclude` them",
        )
    unread: list[tuple[int, str]] = []
    unmasked: list[tuple[int, str]] = []
    for number, image in enumerate(images, start=1):
        try:
            shape = read_listed(card.folder, image, spec).shape[1:]
        except DataCardError as error:
            unread.append((number, str(error)))
            continue
        if image.mask is not None:
            try:
                read_listed_mask(card.folder, image, spec, (shape[0], shape[1]))
            except DataCardError as error:
                unmasked.append((number, str(error)))
    yield from _unusable(where, "images", len(images), unread)
    yield from _unusable(where, "masks", len(images), unmasked)
    few = sum(len(owned) < spec.enough_images for owned in by_patient(images).values())
    if few:
        yield Problem(
            "warning",
            where,
            f"{few} patients have fewer than {spec.enough_images} images and count as "
            "without: complete them, or lower `images_per_patient`, or say `fewest_images`",
        )


def _unusable(
    where: str, what: str, n_images: int, found: list[tuple[int, str]]
) -> Iterator[Problem]:
    """One line a reason; files are told by their place in name order, for names may identify."""
    for reason, n in Counter(reason for _, reason in found).items():
        first = next(number for number, text in found if text == reason)
        yield Problem(
            "error",
            where,
            f"{n} of {n_images} {what}: {reason} (the first belongs to image {first} in order of "
            "name); replace them",
        )
