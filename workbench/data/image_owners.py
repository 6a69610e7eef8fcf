"""A table that says whose each image is."""

from typing import TYPE_CHECKING

from workbench.data.card import Owners
from workbench.data.patient_rows import read_rows
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard


def image_owners(card: "DataCard", owners: Owners) -> dict[str, str | None]:
    """Whose each image is, by its name in the table; None where the row has no patient.

    Where the card keeps the first row of each patient, only that row owns an image.

    Raises
    ------
    DataCardError
        If the table cannot be read, or names an image twice.
    """
    rows = read_rows(card, owners.file, (owners.column,))
    if card.spec.files[owners.file].first_per is not None:
        rows = rows[~rows.index.duplicated()]
    named = rows[rows[owners.column].notna()]
    repeated = int(named[owners.column].duplicated().sum())
    if repeated:
        raise DataCardError(
            f"files.{owners.file}: {repeated} rows name an image of another row in "
            f"{owners.column!r}: an image is one patient's"
        )
    return dict(zip(named[owners.column], named.index, strict=True))
