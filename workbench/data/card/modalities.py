"""Modalities of a card: clinical variables, matrices, images."""

from typing import Annotated, Literal

from pydantic import Field

from workbench.data.card.columns import Observed
from workbench.data.card.files import Key
from workbench.data.card.names import GlobPattern, Name, Part, Regex, RelativePath


class EhrModality(Part):
    """Clinical variables: declared columns."""

    kind: Literal["ehr"]
    title: str
    columns: Annotated[tuple[Name, ...], Field(min_length=1)]


class GenomicsModality(Part):
    """A wide matrix of patients × features; ``columns`` is a regex whose group 1 is the name.

    Where it is ``optional``, a file without such columns is right: nobody has the modality.
    """

    kind: Literal["genomics"]
    title: str
    file: Name
    columns: Regex
    optional: bool = False
    unit: str
    scaling: Literal["standardise", "centre"] = "standardise"
    pathways: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    observed_at: Observed


class ImageModality(Part):
    """One or more 2D images a patient, found by a glob ``pattern`` relative to the data folder.

    ``key`` turns the matched path into the patient id. ``mask`` is the path of an image's mask,
    with ``{stem}`` and ``{folder}`` of the image. ``exclude`` is a glob of file names that are
    not images. A patient has the modality with ``images_per_patient`` readable images; of more,
    the first by name are taken.

    With a ``window`` (centre and width, in the unit of the values, such as HU) what the pattern
    finds is DICOM: a file, or a folder that holds one series. Of a series ``images_per_patient``
    planes are taken, evenly spaced; values below the window are black, above it white. ``mask`` is
    then a DICOM segmentation of the series.
    """

    kind: Literal["image"]
    title: str
    pattern: GlobPattern
    exclude: str | None = None
    key: Key
    mask: RelativePath | None = None
    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    size: Annotated[int, Field(ge=16, le=512)] = 64
    images_per_patient: Annotated[int, Field(ge=1, le=64)] = 1
    window: tuple[float, Annotated[float, Field(gt=0)]] | None = None
    spacing: str
    observed_at: Observed


Modality = Annotated[EhrModality | GenomicsModality | ImageModality, Field(discriminator="kind")]
