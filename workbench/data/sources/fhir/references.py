"""References between resources → what they refer to, also across files."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from workbench.data.sources.fhir.json_shape import Json, Misshapen, child, text

Target = TypeVar("Target")
NO_PATIENTS = ("Group", "Device", "Location")
"""What else an observation, a procedure or an image may be of."""


@dataclass
class Addresses(Generic[Target]):
    """Under which addresses each of some resources can be referred to."""

    _targets: dict[str, Target | None] = field(default_factory=dict)
    """None under an address that several share: a reference to it is to nobody."""
    _on_server: set[str] = field(default_factory=set)
    """Identities of resources that a bundle names by the address of a server."""

    def add(self, identity: str, full_url: str | None, target: Target) -> None:
        """Note a resource by its ``Type/id``, and by the address that its bundle gives it."""
        addresses = {identity, f"urn:uuid:{identity.rsplit('/', 1)[-1]}", full_url or identity}
        for address in addresses:
            known = self._targets.setdefault(address, target)
            if known != target:
                self._targets[address] = None
        if full_url is not None and full_url.startswith("http"):
            self._on_server.add(identity)

    def exclude(self, identity: str) -> None:
        """Let a ``Type/id`` mean nobody, for it stands for two that differ."""
        self._targets[identity] = None

    def find(self, reference: str) -> Target | None:
        """What a reference means; None where nothing does.

        ``Patient/1``, ``urn:uuid:…``, and an address on a server; of the latter, ``Patient/1`` at
        its end counts unless the source gives that patient an address on another server.
        """
        plain = reference.split("/_history/")[0]
        target = self._targets.get(plain)
        if target is not None or not plain.startswith("http"):
            return target
        identity = "/".join(plain.split("/")[-2:])
        return None if identity in self._on_server else self._targets.get(identity)


def patient_reference(resource: Json, element: str) -> str | None:
    """To which patient a resource refers; None where it is of a group, a device or a place.

    Raises
    ------
    Misshapen
        If it refers to nothing, or to a patient without a record of their own.
    """
    subject = child(resource, element)
    written = None if subject is None else text(subject, "reference")
    if subject is None or written is None:
        raise Misshapen("no reference to a patient")
    if written.startswith("#"):
        raise Misshapen("its patient is contained in it, not a resource of its own")
    kind = text(subject, "type") or written.rpartition("/")[0].rpartition("/")[2]
    return None if kind in NO_PATIENTS else written
