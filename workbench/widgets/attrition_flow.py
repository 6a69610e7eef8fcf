"""The flow of a cohort: who was lost where, in any order of the rules, with or without each."""

from dataclasses import replace

import pandas as pd

from workbench.cohort.cohort import Cohort
from workbench.cohort.flow import Flow
from workbench.errors import CohortError
from workbench.widgets.blocks import Block, Button, Controls, Notice, Row, Table, Words
from workbench.widgets.builder_views import flow_view
from workbench.widgets.flow_rows import (
    AnyCohort,
    count_words,
    minimum_of,
    outcome_words,
    shown_attrition,
    with_rules,
    withheld_words,
)
from workbench.widgets.widget import NotebookWidget, WidgetState

HEAD = ("Step", "Left", "Left out", "Value missing", "Back without it")


class AttritionFlow(NotebookWidget):
    """Flow chart as CONSORT asks, and the same as a table, while rules change places or leave.

    The rules were asked once, of everyone; nothing here asks the data again.

    Parameters
    ----------
    cohort
        Of a dataset or of health records, with its rules.
    state
        What to begin with.

    Examples
    --------
    >>> import workbench as wb
    >>> cohort = wb.open_card("simulated_glioma").cohort(outcome="os")
    >>> flow = AttritionFlow(cohort.select(wb.col("age") >= 50, wb.has("rna")), {"order": [1, 0]})
    >>> [row[0] for row in flow.tables["steps"].rows][:2]
    ['has rna', 'age ≥ 50']
    """

    class State(WidgetState):
        """Rules by their number in the cohort, from 0: the order (as defined if empty), those left
        out, and the one that the buttons move (-1: none)."""

        order: tuple[int, ...] = ()
        left_out: tuple[int, ...] = ()
        chosen: int = -1

    title = "Who was left out, and why"

    def __init__(self, cohort: AnyCohort, state: WidgetState | dict | None = None) -> None:
        self._cohort = cohort
        super().__init__(state)

    # Results

    @property
    def order(self) -> tuple[int, ...]:
        """Every rule by its number in the cohort, in the order shown; those left out keep a place.

        Raises
        ------
        CohortError
            The state's order does not name each rule once.
        """
        n_rules, order = len(self._cohort.flow.rules), self.state.order
        order = order or tuple(range(n_rules))
        if sorted(order) != list(range(n_rules)):
            raise CohortError(
                f"an order names each of {n_rules} rules once, from 0; got {list(order)}"
            )
        for number in (*self.state.left_out, *([self.state.chosen] * (self.state.chosen != -1))):
            if not 0 <= number < n_rules:
                raise CohortError(f"there is no rule {number}: there are {n_rules}, from 0")
        return order

    @property
    def flow(self) -> Flow:
        """The flow as it is shown."""
        whole, order = self._cohort.flow, self.order
        if not self.state.left_out:
            return whole.reordered(order)
        kept = [whole.rules[at] for at in order if at not in self.state.left_out]
        return with_rules(self._cohort, kept)

    @property
    def attrition(self) -> pd.DataFrame:
        """The table as it may be shown."""
        return shown_attrition(self._cohort, self.flow)

    @property
    def cohort(self) -> AnyCohort:
        """The cohort with the rules as they are shown; of a dataset, before it is split.

        Raises
        ------
        CohortError
            A rule of the definition is more than one step, or nobody is left.
        """
        cohort, select = self._cohort, self._cohort.definition.select
        if len(select) != len(cohort.flow.rules):
            raise CohortError(
                "one of the rules counts in several steps: select the criteria that you want with "
                "Cohort.select"
            )
        criteria = tuple(select[at] for at in self.order if at not in self.state.left_out)
        if isinstance(cohort, Cohort):
            return cohort.card.cohort(cohort.outcome).select(*criteria)
        definition = replace(cohort.definition, select=criteria)
        return replace(cohort, definition=definition, flow=self.flow)

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Table with its controls, then the figure."""
        flow, shown = self.flow, self.attrition
        notes = self._notes(shown)
        title = self._cohort.card.spec.title if isinstance(self._cohort, Cohort) else self._title()
        return (
            Row((self._steps(shown), self._buttons()), (1.8, 1), name="steps-and-buttons"),
            *(Words(text, name=f"note-{at}") for at, text in enumerate(notes)),
            *self._later(flow),
            flow_view(shown, title, outcome_words(self._cohort)),
        )

    def _title(self) -> str:
        definition = self._cohort.definition
        return getattr(definition, "title", "") or "Patients of the cohort"

    def _steps(self, shown: pd.DataFrame) -> Table:
        """Rules first, since they can be chosen; what comes before and after them has no button."""
        lost = bool(outcome_words(self._cohort))
        lines = shown.to_dict("records")
        n_before = len(lines) - len(self.flow.steps) + len(self.flow.before)
        n_rules = len(self.flow.rules)
        counted = iter(lines[n_before : n_before + n_rules])
        rows, chosen = [], -1
        for place, at in enumerate(self.order):
            rule = self._cohort.flow.rules[at]
            if at in self.state.left_out:
                rows.append((f"{rule.sentence} (left out)", "–", "–", "–", "–", *(["–"] * lost)))
            else:
                rows.append(self._row(next(counted), lost=lost))
            chosen = place if at == self.state.chosen else chosen
        rows += [self._row(line, lost=lost) for line in lines[n_before + n_rules :]]
        first = lines[n_before - 1]
        return Table(
            "steps",
            f"From {count_words(first['n_after'])} patients on; choose a rule to move it or to "
            "leave it out",
            (*HEAD, *(["Events lost"] * lost)),
            tuple(rows),
            tuple(str(at) for at in self.order),
            chosen,
        )

    def _row(self, line: dict, *, lost: bool) -> tuple[str, ...]:
        counts = ["n_after", "n_removed", "n_unknown", "n_regained"]
        counts += ["events_removed"] * lost
        return (str(line["sentence"]), *(count_words(line[name]) for name in counts))

    def _buttons(self) -> Controls:
        at, order = self.state.chosen, self.order
        place = order.index(at) if at >= 0 else -1
        out = at in self.state.left_out
        changed = bool(self.state.order or self.state.left_out)
        return Controls(
            (
                Button("up", "Earlier", enabled=place > 0),
                Button("down", "Later", enabled=0 <= place < len(order) - 1),
                Button("leave", "Put back" if out else "Leave out", enabled=at >= 0),
                Button("reset", "As defined", enabled=changed),
            )
        )

    def _notes(self, shown: pd.DataFrame) -> list[str]:
        notes = ["“Back without it”: patients who would be in if that rule alone were left out."]
        return [*filter(None, [withheld_words(shown, minimum_of(self._cohort))]), *notes]

    def _later(self, flow: Flow) -> tuple[Block, ...]:
        lost = [s.sentence for s in self._cohort.flow.after[len(flow.after) :]]
        if not self.state.left_out or not lost:
            return ()
        return (
            Notice(
                "What was lost after the rules was counted for all of them, and is left out here: "
                + "; ".join(lost),
                name="later",
            ),
        )

    # What a person does

    def pick(self, name: str, pick: str) -> None:
        """A rule was chosen, or let go."""
        self.change(chosen=-1 if self.state.chosen == int(pick) else int(pick))

    def do_up(self) -> None:
        """The chosen rule comes one place earlier."""
        self._move(-1)

    def do_down(self) -> None:
        """The chosen rule comes one place later."""
        self._move(1)

    def do_leave(self) -> None:
        """The chosen rule is left out, or put back."""
        at, out = self.state.chosen, self.state.left_out
        self.change(left_out=[each for each in out if each != at] + [at] * (at not in out))

    def do_reset(self) -> None:
        """All rules, in the order in which they are defined."""
        self.change(order=[], left_out=[], chosen=-1)

    def _move(self, by: int) -> None:
        order = list(self.order)
        place = order.index(self.state.chosen)
        order.insert(place + by, order.pop(place))
        self.change(order=order)
