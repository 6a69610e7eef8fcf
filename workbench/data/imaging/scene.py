"""An image with what lies over it, and where many of them come from."""

from dataclasses import dataclass
from typing import Protocol

from workbench.data.imaging.layers import Attribution, Mask, check_layers
from workbench.data.imaging.planes import Plane, planes_of
from workbench.data.imaging.volume import Volume
from workbench.errors import ImageError


@dataclass(frozen=True, eq=False)
class Scene:
    """An image and what lies over it, of one place and one patient.

    Raises
    ------
    ImageError
        If a mask or an attribution lies elsewhere than the image.
    """

    volume: Volume
    mask: Mask | None = None
    attribution: Attribution | None = None

    def __post_init__(self) -> None:
        check_layers(self.volume, self.mask, self.attribution)

    @property
    def planes(self) -> dict[str, Plane]:
        """Its planes by name."""
        return planes_of(self.volume)


class Scenes(Protocol):
    """Images of several patients, read when they are looked at."""

    @property
    def may_be_saved(self) -> bool:
        """Whether pictures of single patients may leave the room."""
        ...

    def __len__(self) -> int: ...

    def read(self, ordinal: int) -> Scene:
        """The image of a patient, from 0."""
        ...


@dataclass(frozen=True, eq=False)
class OneScene:
    """One image, as the only patient's."""

    scene: Scene
    may_be_saved: bool = False

    def __len__(self) -> int:
        """One."""
        return 1

    def read(self, ordinal: int) -> Scene:
        """The image.

        Raises
        ------
        ImageError
            If another than the first is asked for.
        """
        if ordinal != 0:
            raise ImageError(f"no patient {ordinal + 1}: there is one")
        return self.scene
