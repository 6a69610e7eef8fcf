"""How an image was taken: facts that say nothing of the patient, and much of the scanner."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Acquisition:
    """Facts of one image; empty or None where its file does not say.

    None of them names the patient, the place or the day. Read beside an outcome they show when a
    model could have learned the scanner.

    Parameters
    ----------
    manufacturer, scanner, software
        Who made the device, its model, and its software's version.
    field_strength_t
        Of the magnet, in tesla.
    slice_thickness_mm, slice_step_mm
        Thickness of a plane, and distance from plane to plane.
    pixel_mm
        Distance of pixels, the larger of the two directions.
    echo_time_ms, repetition_time_ms, inversion_time_ms, flip_angle_degrees
        Of a magnetic resonance sequence.
    sequence
        Its kind, such as ``"SE"`` or ``"GR\\IR"``.
    tube_voltage_kv, kernel
        Of computed tomography.
    contrast_agent
        Whether the file names one; None where it has no such element.
    view, laterality, body_part
        Such as ``"PA"`` or ``"MLO"``, ``"L"``, and ``"CHEST"``.
    gantry_tilt_degrees
        As the planes lie, not as the file says.
    image_type
        Words of the device, such as ``"AXIAL"``.
    burned_in
        What the file says of writing in its pixels; None where it says nothing.
    """

    manufacturer: str = ""
    scanner: str = ""
    software: str = ""
    field_strength_t: float | None = None
    slice_thickness_mm: float | None = None
    slice_step_mm: float | None = None
    pixel_mm: float | None = None
    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None
    inversion_time_ms: float | None = None
    flip_angle_degrees: float | None = None
    sequence: str = ""
    tube_voltage_kv: float | None = None
    kernel: str = ""
    contrast_agent: bool | None = None
    view: str = ""
    laterality: str = ""
    body_part: str = ""
    gantry_tilt_degrees: float | None = None
    image_type: str = ""
    burned_in: bool | None = None

    def known(self) -> dict[str, str | float | bool]:
        """Those that the file says."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value not in ("", None)}
