"""What the page of an image viewer may say beside the messages of every widget."""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.errors import WorkbenchError

MOST_FRAMES, MOST_AHEAD = 8, 16
MOST_ZOOM = 16

Name = Annotated[str, Field(max_length=20)]
Whole = Annotated[int, Field(ge=0, lt=1 << 31)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
_Kind = TypeVar("_Kind", bound=BaseModel)


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Wanted(_Message):
    """A slice that the page lacks."""

    plane: Name
    number: Whole


class Look(_Message):
    """Somebody looks at a voxel; slices are wanted for that, or soon will be.

    ``view`` tells one page of a widget from another, ``turn`` one of its questions; both come back
    with the answer. ``patient`` and ``channel`` say what it believes it shows, ``wanted`` what it
    cannot show, ``ahead`` what the hand will come to, ``settled`` that the hand was lifted.
    ``zoom`` and ``middle`` (of what is seen, in voxels; None is the image's) say what is magnified.
    """

    kind: Literal["look"]
    view: Name = ""
    turn: Whole = 0
    patient: Whole
    channel: Whole
    voxel: tuple[Whole, Whole, Whole]
    window: tuple[Finite, Finite] | None = None
    zoom: Annotated[float, Field(ge=1, le=MOST_ZOOM)] | None = None
    middle: tuple[Finite, Finite, Finite] | None = None
    wanted: Annotated[tuple[Wanted, ...], Field(max_length=MOST_FRAMES)] = ()
    ahead: Annotated[tuple[Wanted, ...], Field(max_length=MOST_AHEAD)] = ()
    settled: bool = False


class Tile(_Message):
    """A tile of a slide that the page lacks."""

    level: Whole
    row: Whole
    column: Whole


class Move(_Message):
    """Somebody moves over a slide.

    ``x`` and ``y`` are the middle in pixels of the finest level, ``scale`` how many of them a pixel
    of the screen covers (None: so many that the slide fits); ``heat`` asks for the contributions.
    """

    kind: Literal["move"]
    view: Name = ""
    x: Finite
    y: Finite
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    wanted: Annotated[tuple[Tile, ...], Field(max_length=MOST_FRAMES)] = ()
    heat: bool = False
    settled: bool = False


def read_look(content: object) -> Look:
    """The message that ``content`` is.

    Raises
    ------
    WorkbenchError
        If it is none; its text is not repeated.
    """
    return _read(Look, content)


def read_move(content: object) -> Move:
    """As :func:`read_look`."""
    return _read(Move, content)


def _read(kind: type[_Kind], content: object) -> _Kind:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"])) or "message" for each in error.errors()})
        raise WorkbenchError(
            f"a message from the page is not understood: {', '.join(places[:4])[:200]}"
        ) from None
