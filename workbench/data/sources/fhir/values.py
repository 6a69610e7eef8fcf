"""The value of an observation → a number and a text."""

from collections.abc import MutableMapping
from typing import NamedTuple

from workbench.data.sources.fhir.codings import concept_codes
from workbench.data.sources.fhir.json_shape import Json, child, number, text, truth


class Value(NamedTuple):
    """``number`` in the unit that ``text`` names, or words without a number.

    ``bound`` says that the number is only a bound, as in ``< 5``; the text then begins so.
    """

    number: float | None = None
    text: str | None = None
    bound: bool = False


def read_value(parent: Json, names: MutableMapping[str, str]) -> Value | None:
    """``value[x]`` of an observation or of one of its components; None where it has none.

    A concept becomes its first code, true and false become 1 and 0, a range or a period its two
    ends as words, a ratio its quotient. Waveforms (``SampledData``) are not read.
    """
    for name, read in _READERS.items():
        if name in parent:
            return read(parent, name, names)
    return None


def quantity(parent: Json, name: str) -> Value | None:
    """A Quantity; None where it has no number."""
    element = child(parent, name)
    found = None if element is None else number(element, "value")
    if element is None or found is None:
        return None
    unit = text(element, "unit") or text(element, "code")
    comparator = text(element, "comparator")
    words = " ".join(part for part in (comparator, unit) if part)
    return Value(found, words or None, comparator is not None)


def _quantity(parent: Json, name: str, names: MutableMapping[str, str]) -> Value | None:
    return quantity(parent, name)


def _concept(parent: Json, name: str, names: MutableMapping[str, str]) -> Value | None:
    concept = child(parent, name)
    codes = concept_codes(concept, names)
    words = codes[0] if codes else None if concept is None else text(concept, "text")
    return None if words is None else Value(text=words)


def _words(parent: Json, name: str, names: MutableMapping[str, str]) -> Value | None:
    words = text(parent, name)
    return None if words is None else Value(text=words)


def _truth(parent: Json, name: str, names: MutableMapping[str, str]) -> Value | None:
    value = truth(parent, name)
    return None if value is None else Value(float(value), str(value).lower())


def _number(parent: Json, name: str, names: MutableMapping[str, str]) -> Value | None:
    value = number(parent, name)
    return None if value is None else Value(value)


def _range(parent: Json, name: str, names: MutableMapping[str, str]) -> Value | None:
    element = child(parent, name) or {}
    low, high = quantity(element, "low"), quantity(element, "high")
    if low is None and high is None:
        return None
    ends = ["" if end is None or end.number is None else f"{end.number:g}" for end in (low, high)]
    unit = next((end.text for end in (low, high) if end and end.text), "")
    return Value(text=f"{ends[0]}–{ends[1]} {unit}".strip())


def _ratio(parent: Json, name: str, names: MutableMapping[str, str]) -> Value | None:
    element = child(parent, name) or {}
    above, below = quantity(element, "numerator"), quantity(element, "denominator")
    if above is None or below is None or above.number is None or not below.number:
        return None
    unit = "/".join(part or "1" for part in (above.text, below.text))
    return Value(above.number / below.number, None if unit == "1/1" else unit)


def _period(parent: Json, name: str, names: MutableMapping[str, str]) -> Value | None:
    element = child(parent, name) or {}
    return Value(text=f"{text(element, 'start') or ''}/{text(element, 'end') or ''}")


_READERS = {
    "valueQuantity": _quantity,
    "valueCodeableConcept": _concept,
    "valueString": _words,
    "valueBoolean": _truth,
    "valueInteger": _number,
    "valueDecimal": _number,
    "valueRange": _range,
    "valueRatio": _ratio,
    "valueTime": _words,
    "valueDateTime": _words,
    "valuePeriod": _period,
}
