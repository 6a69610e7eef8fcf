"""Collections: one card for several cohorts of one layout, found on disk by a pattern."""

import re
from pathlib import Path
from typing import Any

from workbench.data.card import Card, Collection, did_you_mean
from workbench.errors import DataCardError

MEMBER = r"[A-Za-z0-9][A-Za-z0-9_-]*"


def split_name(name: str) -> tuple[str, str | None]:
    """Card and member of a name such as ``tcga_omics:brca``; no member in any other.

    Examples
    --------
    >>> split_name("tcga_omics:brca"), split_name("tcga_glioma")
    (('tcga_omics', 'brca'), ('tcga_glioma', None))
    """
    card, _, member = name.rpartition(":")
    return (card, member) if card and re.fullmatch(MEMBER, member) else (name, None)


def find_members(folder: Path, collection: Collection) -> tuple[str, ...]:
    """Members of a collection whose files lie in ``folder``, sorted."""
    before, after = collection.pattern.split(collection.placeholder)
    # Matched here and not by glob, to which a pattern's [ or ? would mean something else.
    whole = re.compile(f"{re.escape(before)}({MEMBER}){re.escape(after)}")
    top = folder / before.rpartition("/")[0]
    depth = after.count("/")
    paths = [path for path in top.glob("/".join(["*"] * (depth + 1))) if path.is_file()]
    matches = (whole.fullmatch(path.relative_to(folder).as_posix()) for path in paths)
    return tuple(sorted(match.group(1) for match in matches if match))


def describe_member(card: Card, folder: Path, member: str | None) -> Card:
    """The description of one member: the card's, with its name in place of the placeholder.

    Parameters
    ----------
    card
        Of the collection.
    folder
        Where its files lie.
    member
        Name of the member, as its file has it.

    Raises
    ------
    DataCardError
        If no member is named, or there is no such member; the message lists those that are found.
    """
    if card.collection is None:
        raise DataCardError(
            f"{card.name} is one dataset and has no member {member!r}: leave it out"
        )
    members = find_members(folder, card.collection)
    if member is None or member not in members:
        raise DataCardError(_which(card, card.collection, folder, members, member))
    written = card.model_dump(by_alias=True)
    written = _substituted(written, card.collection.placeholder, member)
    described = Card.model_validate({**written, "collection": None})
    # No card may choose a name with a colon: it tells a member from its collection.
    return described.model_copy(update={"name": f"{card.name}:{member}"})


def _which(
    card: Card, collection: Collection, folder: Path, members: tuple[str, ...], member: str | None
) -> str:
    if not members:
        return (
            f"{card.name} is a collection, and {folder} holds none of its members: put files named "
            f"{collection.pattern} there, or name their folder with --data-dir"
        )
    found = ", ".join(members)
    if member is None:
        return (
            f"{card.name} is a collection: name one {collection.name}, as in "
            f"{card.name}:{members[0]}; there are {found}"
        )
    return (
        f"{card.name} has no {collection.name} {member!r}; there are {found}"
        f"{did_you_mean(member, members)}"
    )


def _substituted(value: Any, placeholder: str, member: str) -> Any:
    """``value`` with the member's name in every text."""
    if isinstance(value, str):
        return value.replace(placeholder, member)
    if isinstance(value, dict):
        return {key: _substituted(item, placeholder, member) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_substituted(item, placeholder, member) for item in value]
    return value
