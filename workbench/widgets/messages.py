"""What a page may say: five messages, each of one shape, and nothing else.

A message is data. It names a control, a verb, a series or a range that the widget offered; what is
not on offer is refused before any handler sees it.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from workbench.errors import WorkbenchError

LONGEST = 4000
MOST = 500

ShortText = Annotated[str, Field(max_length=LONGEST)]
Name = Annotated[str, Field(max_length=200)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Change(_Message):
    """A control was set."""

    kind: Literal["change"]
    field: Name
    value: bool | Finite | ShortText | Annotated[list[Name], Field(max_length=MOST)] | None


class Do(_Message):
    """A button was pressed."""

    kind: Literal["do"]
    verb: Name
    argument: Name = ""


class Pick(_Message):
    """A series of a figure, or a row of a table, was chosen."""

    kind: Literal["pick"]
    name: Name
    pick: Name


class Brush(_Message):
    """A range was brushed along an axis, or (null) let go; ``moving`` until the hand is lifted."""

    kind: Literal["brush"]
    name: Name
    range: tuple[Finite, Finite] | None
    moving: bool = False


class Ask(_Message):
    """The page lacks what is only sent: the blocks of a single patient."""

    kind: Literal["ask"]
    name: Name


Said = Change | Do | Pick | Brush | Ask
Message = Annotated[Said, Field(discriminator="kind")]
_READER: TypeAdapter[Said] = TypeAdapter(Message)


def read_message(content: object) -> Said:
    """The message that ``content`` is.

    Raises
    ------
    WorkbenchError
        It is none. The text of the message is not repeated.

    Examples
    --------
    >>> read_message({"kind": "do", "verb": "undo"})
    Do(kind='do', verb='undo', argument='')
    """
    # JSON knows lists and no tuples, which a strict reader tells apart.
    if isinstance(content, dict) and isinstance(content.get("range"), list):
        content = {**content, "range": tuple(content["range"])}
    try:
        return _READER.validate_python(content)
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"])) or "message" for each in error.errors()})
        raise WorkbenchError(
            f"a message from the page is not understood: {', '.join(places[:4])[:200]}"
        ) from None
