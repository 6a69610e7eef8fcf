"""Rules of a builder as they were read and counted: each asked once, however it is moved."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.cohort.criteria import Criterion
from workbench.cohort.flow import Flow, Step
from workbench.errors import WorkbenchError
from workbench.widgets.flow_rows import AnyCohort, with_rules
from workbench.widgets.rule_drafts import AnyDraft
from workbench.widgets.rule_reading import Reader
from workbench.widgets.rule_sources import Answer, RuleSource


@dataclass(frozen=True)
class Read:
    """A draft as it was read: the criterion with its answer, or why there is none."""

    criterion: Criterion | None = None
    answer: Answer | None = None
    problem: str = ""


@dataclass(frozen=True, eq=False)
class CountedRules:
    """Rules and their answers.

    Parameters
    ----------
    base
        Everybody before any rule.
    read
        One a draft.
    """

    base: AnyCohort
    read: tuple[Read, ...]

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The rules that are complete, fit the data and are switched on, in their order."""
        return tuple(r.criterion for r in self.read if r.criterion is not None and r.answer)

    @property
    def steps(self) -> list[Step]:
        """What they count as."""
        return [step for read in self.read if read.answer for step in read.answer.steps]

    @property
    def warnings(self) -> list[str]:
        """What a reader of single rules must know."""
        return [each for read in self.read if read.answer for each in read.answer.warnings]

    @property
    def flow(self) -> Flow:
        """Who was lost where."""
        return with_rules(self.base, self.steps)


class RuleCounter:
    """Asks a source about rules, and remembers the answers to those that are still there.

    Parameters
    ----------
    source
        A dataset or health records.
    """

    def __init__(self, source: RuleSource) -> None:
        self._source = source
        self._answers: dict[str, Answer | WorkbenchError] = {}

    def count(self, base: AnyCohort, drafts: Sequence[AnyDraft]) -> CountedRules:
        """Every rule; those that did not change since the last time are not asked again."""
        plain = {**base.definition.to_dict(), "title": "", "limit": ""}
        used: dict[str, Answer | WorkbenchError] = {}
        found = []
        for read, draft in zip(read_only(drafts, self._source.reader), drafts, strict=True):
            if read.criterion is None or not draft.on:
                found.append(read)
                continue
            key = repr((plain, read.criterion.to_json()))
            answer = used[key] = self._answer(key, base, read.criterion)
            if isinstance(answer, Answer):
                found.append(Read(read.criterion, answer))
            else:
                found.append(Read(read.criterion, problem=str(answer)))
        self._answers = used
        return CountedRules(base, tuple(found))

    def _answer(self, key: str, base: AnyCohort, criterion: Criterion) -> Answer | WorkbenchError:
        if key not in self._answers:
            try:
                self._answers[key] = self._source.ask(base, criterion)
            except WorkbenchError as error:
                self._answers[key] = error
        return self._answers[key]


def read_only(drafts: Sequence[AnyDraft], reader: Reader) -> tuple[Read, ...]:
    """Drafts as criteria, or why they are none; nothing is counted."""
    read = []
    for draft in drafts:
        try:
            read.append(Read(reader.criterion(draft)))
        except WorkbenchError as error:
            read.append(Read(problem=str(error)))
    return tuple(read)
