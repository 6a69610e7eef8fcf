"""Modalities of a card: clinical variables, matrices, images."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

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


class Owners(Part):
    """A table that says whose each image is: ``column`` of ``file`` names the images."""

    file: Name
    column: str


class ImageModality(Part):
    """One or more 2D images a patient, found by a glob ``pattern`` relative to the data folder.

    ``key`` turns the matched path into the patient id; with ``owners``, into the image's name in
    that table, whose row says whose it is, and images that the table does not name are nobody's
    and left out. ``mask`` is the path of an image's mask, with ``{stem}`` and ``{folder}`` of the
    image. ``exclude`` is a glob of file names that are not images. A patient has the modality with
    ``images_per_patient`` readable images, or with ``fewest_images`` where the card says so; of
    more, the first by name are taken.

    With a ``window`` (centre and width, in the unit of the values, such as HU) what the pattern
    finds is DICOM: a file, or a folder that holds one series. Of a series ``images_per_patient``
    planes are taken, evenly spaced; values below the window are black, above it white. ``mask`` is
    then a DICOM segmentation of the series.

    What is outlined is learned better where the card says more. ``symmetric``: left and right mean
    the same, so that training may mirror images (never a chest). ``stand_in``: the channel that the
    files repeat where another was not acquired. ``lesions``: with ``one`` the images of a patient
    show one lesion, so that only the largest connected part of what is found counts.
    """

    kind: Literal["image"]
    title: str
    pattern: GlobPattern
    exclude: str | None = None
    key: Key
    owners: Owners | None = None
    mask: RelativePath | None = None
    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    size: Annotated[int, Field(ge=16, le=512)] = 64
    images_per_patient: Annotated[int, Field(ge=1, le=64)] = 1
    fewest_images: Annotated[int, Field(ge=1, le=64)] | None = None
    window: tuple[float, Annotated[float, Field(gt=0)]] | None = None
    spacing: str
    symmetric: bool = False
    stand_in: str | None = None
    lesions: Literal["any", "one"] = "any"
    observed_at: Observed

    @property
    def enough_images(self) -> int:
        """Images with which a patient has the modality."""
        return self.fewest_images or self.images_per_patient

    @model_validator(mode="after")
    def _fewest_is_no_more(self) -> "ImageModality":
        if self.enough_images > self.images_per_patient:
            raise ValueError(
                f"fewest_images is {self.fewest_images}, more than images_per_patient, "
                f"{self.images_per_patient}: raise images_per_patient"
            )
        if self.fewest_images is not None and self.window is not None:
            raise ValueError("fewest_images: a DICOM series always gives images_per_patient planes")
        return self

    @model_validator(mode="after")
    def _stand_in_is_a_channel(self) -> "ImageModality":
        if self.stand_in is not None and self.stand_in not in self.channels:
            raise ValueError(
                f"stand_in must be one of the channels ({', '.join(self.channels)}), "
                f"got {self.stand_in}"
            )
        return self


Modality = Annotated[EhrModality | GenomicsModality | ImageModality, Field(discriminator="kind")]
