"""What a translation could not say, and what it says a little differently."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from workbench.errors import CohortError


@dataclass(frozen=True)
class Findings:
    """Collected on the way, so that one reading names everything."""

    unmapped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def lacks(self, path: str, why: str) -> None:
        """A part that this language cannot say."""
        self.unmapped.append(f"{path} ({why})")

    def warn(self, sentence: str) -> None:
        """Something that a reader must know; said once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def check(self, what: str) -> None:
        """Refuse if anything is unmapped.

        Raises
        ------
        CohortError
            With every unmapped part by its place.
        """
        if self.unmapped:
            raise CohortError(
                f"{len(self.unmapped)} parts of {what} cannot be said here: "
                + "; ".join(self.unmapped)
            )


def children(path: str, items: list[dict]) -> Iterator[tuple[str, dict]]:
    """Each item of a list with its place."""
    return ((f"{path}[{i}]", item) for i, item in enumerate(items))
