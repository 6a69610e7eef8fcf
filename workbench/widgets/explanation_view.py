"""What moved a model's predictions, once its explanation has passed its own checks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import field_validator

from workbench.errors import CohortError, WorkbenchError
from workbench.evaluation import Evaluation
from workbench.evaluation.words import at_time
from workbench.figures import (
    plot_contributions_over_time,
    plot_mean_contributions,
    plot_patient_contributions,
)
from workbench.figures.mean_contributions import MeanContribution
from workbench.figures.wording import fixed
from workbench.report.withhold import withhold_counts
from workbench.report.words import model_titles, short
from workbench.study_steps import JUDGED, attribute
from workbench.widgets import evaluation_tables
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Controls,
    Figure,
    Notice,
    Number,
    Section,
    Table,
    Words,
)
from workbench.widgets.single_patient import check_ordinal, may_keep, single_patient
from workbench.widgets.widget import NotebookWidget, WidgetState

if TYPE_CHECKING:
    from fusion.explanation.attribution import Attribution
    from workbench.cohort.cohort import Cohort
    from workbench.study import StudyResult

MOST = 20
MOST_CURVES = 6
SMALLEST_CELL = 10
UNITS = {"log_hazard": "log hazard", "survival": "survival", "risk": "risk"}


class ExplanationView(NotebookWidget):
    """Checks first, then kinds of data, then groups of features, features and single patients.

    Parameters
    ----------
    attributions
        One attribution, or several by a name that a person reads.
    evaluation
        Of the same model: its calibration then stands above every contribution.
    cohort
        The explained patients: who has which kind of data, titles, and the smallest count that may
        be shown (10 without a cohort).
    state
        What to begin with.

    Raises
    ------
    WorkbenchError
        No attribution, or one of other patients than the cohort's.
    """

    class State(WidgetState):
        """ "" is the first attribution, every kind of data, every feature."""

        method: str = ""
        horizon: float | None = None
        modality: str = ""
        group: str = ""
        patient: int | None = None

        @field_validator("horizon", mode="before")
        @classmethod
        def _chosen(cls, value: object) -> object:
            """A control of the page offers horizons as words."""
            if isinstance(value, str):
                return float(value) if value else None
            return value

    title = "Explanation"

    def __init__(
        self,
        attributions: "Attribution | Mapping[str, Attribution]",
        evaluation: Evaluation | None = None,
        cohort: "Cohort | None" = None,
        *,
        state: WidgetState | dict | None = None,
    ) -> None:
        if isinstance(attributions, Mapping):
            self.attributions = dict(attributions)
        else:
            self.attributions = {attributions.method: attributions}
        if not self.attributions:
            raise WorkbenchError("an explanation needs an attribution, got none: pass one")
        self.evaluation = evaluation
        self.cohort = None if cohort is None else cohort.evaluated
        self._minimum = SMALLEST_CELL
        if self.cohort is not None:
            self._minimum = self.cohort.card.spec.privacy.minimum_cell
            for each in self.attributions.values():
                _check_patients(each, self.cohort)
        super().__init__(state)

    @classmethod
    def of(cls, result: "StudyResult", *, state: WidgetState | dict | None = None) -> Self:
        """What moved the judged model of ``workbench.run``, out of fold."""
        attribution = attribute(result.predictions[JUDGED])
        return cls(attribution, result.evaluation, result.cohort, state=state)

    def _read_state(self, value: WidgetState | Mapping[str, Any]) -> WidgetState:
        state: Any = super()._read_state(value)
        if state.method and state.method not in self.attributions:
            raise WorkbenchError(f"method must be one of {', '.join(self.attributions)}")
        shown = self.attributions[state.method or next(iter(self.attributions))]
        if state.horizon is not None and not np.isclose(shown.horizons, state.horizon).any():
            raise WorkbenchError("horizon must be one at which the explanation was computed")
        if state.modality and state.modality not in shown.modality_names:
            raise WorkbenchError(f"modality must be one of {', '.join(shown.modality_names)}")
        groups = shown.features[state.modality].groups if state.modality in shown.features else {}
        if state.group and state.group not in groups:
            raise WorkbenchError("group must be one of the modality's groups of features")
        check_ordinal(state.patient, shown.n_patients)
        return state

    @property
    def attribution(self) -> "Attribution":
        """What is shown."""
        return self.attributions[self.state.method or next(iter(self.attributions))]

    @property
    def unit(self) -> str:
        """Of the contributions."""
        return UNITS[self.attribution.target]

    def _position(self) -> int:
        horizons = self.attribution.horizons
        if self.state.horizon is None or not len(horizons):
            return max(len(horizons) - 1, 0)
        return int(np.argmin(np.abs(horizons - self.state.horizon)))

    def _time_unit(self) -> str:
        return "" if self.cohort is None else self.cohort.time_unit

    def _titled(self, modality: str) -> str:
        if self.cohort is None or modality not in self.cohort.card.spec.modalities:
            return modality
        return short(self.cohort.card.spec.modalities[modality].title)

    def _has(self, modality: str) -> np.ndarray:
        """Who has a kind of data, in the order of the attribution's patients."""
        if self.cohort is None or modality not in self.cohort.available:
            return np.ones(self.attribution.n_patients, dtype=bool)
        place = self.cohort.patients.index.get_indexer(list(self.attribution.patient_id))
        return self.cohort.available[modality][place]

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Checks, calibration, then contributions from the coarse to the fine."""
        return (
            self._asked(),
            Section("checks", "Is the explanation sound?", self._checks()),
            Section("calibration", "Is the model calibrated?", self._calibration()),
            Section("modalities", "How far each kind of data moves the prediction", self._coarse()),
            *self._fine(),
            *self._over_time(),
            Section("patient", "One patient", self._patient()),
        )

    def _asked(self) -> Controls:
        controls: list[Any] = []
        if len(self.attributions) > 1:
            names = {name: name for name in self.attributions}
            chosen = self.state.method or next(iter(names))
            controls.append(Choice("method", "Method", names, chosen))
        horizons = self.attribution.horizons
        if len(horizons) > 1:
            options = {f"{h:g}": at_time(h, self._time_unit()).strip() for h in horizons}
            controls.append(
                Choice("horizon", "Horizon", options, f"{horizons[self._position()]:g}")
            )
        names = {"": "all kinds"} | {n: self._titled(n) for n in self.attribution.modality_names}
        controls.append(Choice("modality", "Kind of data", names, self.state.modality))
        groups = self._groups()
        if groups:
            options = {"": "all features"} | {name: name for name in groups}
            controls.append(Choice("group", "Group of features", options, self.state.group))
        return Controls(tuple(controls), "asked")

    def _groups(self) -> Mapping[str, tuple[str, ...]]:
        features = self.attribution.features
        return features[self.state.modality].groups if self.state.modality in features else {}

    def _checks(self) -> tuple[Block, ...]:
        found = self.attribution
        method = Words(
            f"Method: {found.method}. Contributions are parts of the {self.unit}, and start from "
            f"{found.reference}."
        )
        if not found.checks:
            return (
                method,
                Notice("This explanation was not checked: do not rely on it.", "warning"),
            )
        failed = [check for check in found.checks if not check.passed]
        table = Table(
            "checks",
            "",
            ("Check", "Value", "Threshold", "Passed"),
            tuple(
                (c.name, f"{c.value:.3g}", f"{c.threshold:.3g}", "yes" if c.passed else "no")
                for c in found.checks
            ),
        )
        if not failed:
            return (method, table)
        words = f"{len(failed)} of {len(found.checks)} checks failed: do not rely on what follows."
        return (method, Notice(words, "warning"), table)

    def _calibration(self) -> tuple[Block, ...]:
        if self.evaluation is None:
            return (
                Notice("Pass the evaluation: why a model says something matters once it is right."),
            )
        shown = withhold_counts(self.evaluation.to_json(), self._minimum)
        judged = self.evaluation.settings["judged"]
        document = {"evaluation_settings": self.evaluation.settings, "modalities": self._kinds()}
        titles = model_titles(document)
        rows = [row for row in shown["at_horizons"] if row["model"] == judged]
        unit = self.evaluation.settings["time_unit"]
        return (evaluation_tables.calibration_over_time(rows, titles, unit, document),)

    def _kinds(self) -> list[dict[str, str]]:
        spec = {} if self.cohort is None else self.cohort.card.spec.modalities
        return [{"name": name, "title": each.title} for name, each in spec.items()]

    def _coarse(self) -> tuple[Block, ...]:
        values = self.attribution.modalities[self._position()]
        parts, small = {}, []
        for at, name in enumerate(self.attribution.modality_names):
            has = self._has(name)
            if int(has.sum()) < max(self._minimum, 1):
                small.append(self._titled(name))
            else:
                parts[name] = _part(self._titled(name), values[has, at])
        order = sorted(parts, key=lambda name: -parts[name].mean_absolute)
        blocks: list[Block] = []
        if order:
            drawing = plot_mean_contributions(
                [parts[name] for name in order],
                unit=self.unit,
                title=f"Contributions by kind of data{self._where()}",
                notes=[
                    "Over the patients who have it. A contribution is no effect of a treatment."
                ],
            )
            picks = {parts[n].name: f"Look into {parts[n].name}" for n in order}
            blocks.append(Figure("kinds", drawing, picks))
            rows = tuple((*_row(parts[n]), f"{int(self._has(n).sum()):,}") for n in order)
            chosen = order.index(self.state.modality) if self.state.modality in order else -1
            head = ("Kind of data", f"Mean size ({self.unit})", "5 %", "Median", "95 %", "Patients")
            blocks.append(
                Table("modalities", "Choose one to look into it", head, rows, tuple(order), chosen)
            )
        if small:
            blocks.append(self._withheld(small))
        return tuple(blocks)

    def _where(self) -> str:
        horizons = self.attribution.horizons
        if not len(horizons):
            return ""
        return f" at {at_time(horizons[self._position()], self._time_unit()).strip()}"

    def _withheld(self, names: list[str]) -> Notice:
        return Notice(
            f"Withheld for {', '.join(names)}: fewer than {self._minimum} patients have it.",
            "warning",
        )

    def _fine(self) -> tuple[Block, ...]:
        name = self.state.modality
        if not name:
            return ()
        title = self._titled(name)
        blocks: list[Block] = []
        if name in self.attribution.images:
            n = len(self.attribution.images[name].values.shape) - 2
            blocks.append(
                Notice(
                    f"The image series {title} has a map of contributions for each patient "
                    f"({n} dimensions): open it in the image viewer with the series {name}."
                )
            )
        if int(self._has(name).sum()) < max(self._minimum, 1):
            blocks.append(self._withheld([title]))
        elif name in self.attribution.features:
            blocks += self._features(name)
        elif name not in self.attribution.images:
            blocks.append(Notice(f"{self.attribution.method} says nothing finer of {title}."))
        return (Section("fine", f"Within {title}", tuple(blocks)),)

    def _features(self, name: str) -> list[Block]:
        found = self.attribution.features[name]
        values = found.values[self._position()][self._has(name)]
        place = {feature: at for at, feature in enumerate(found.names)}
        blocks: list[Block] = []
        if found.groups and not self.state.group:
            parts = [
                _part(group, values[:, [place[member] for member in members]].sum(axis=1))
                for group, members in found.groups.items()
                if members
            ]
            blocks += self._ranked("groups", "group of features", parts, pickable=True)
        members = found.groups[self.state.group] if self.state.group else found.names
        parts = [_part(member, values[:, place[member]]) for member in members]
        what = f"feature of {self.state.group}" if self.state.group else "feature"
        return [*blocks, *self._ranked("features", what, parts, pickable=False)]

    def _ranked(
        self, name: str, what: str, parts: list[MeanContribution], *, pickable: bool
    ) -> list[Block]:
        parts = sorted(parts, key=lambda part: -part.mean_absolute)
        shown = parts[:MOST]
        more = [f"{len(parts) - MOST} smaller ones are in the table"] if len(parts) > MOST else []
        drawing = plot_mean_contributions(
            shown, unit=self.unit, title=f"Contributions by {what}{self._where()}", notes=more
        )
        picks = {part.name: f"Look into {part.name}" for part in shown} if pickable else {}
        head = (what.capitalize(), f"Mean size ({self.unit})", "5 %", "Median", "95 %")
        rows = tuple(_row(part) for part in parts)
        names = tuple(part.name for part in parts) if pickable else ()
        caption = f"Every {what}" + (": choose one to look into it" if pickable else "")
        return [
            Figure(f"{name}-drawn", drawing, picks),
            Table(name, caption, head, rows, names, folded=not pickable),
        ]

    def _over_time(self) -> tuple[Block, ...]:
        found = self.attribution
        if len(found.horizons) < 2:
            return ()
        sizes = {}
        for at, name in enumerate(found.modality_names):
            has = self._has(name)
            if int(has.sum()) >= max(self._minimum, 1):
                sizes[self._titled(name)] = np.abs(found.modalities[:, has, at]).mean(axis=1)
        largest = sorted(sizes, key=lambda name: -float(sizes[name].max()))[:MOST_CURVES]
        if not largest:
            return ()
        drawing = plot_contributions_over_time(
            found.horizons,
            {name: sizes[name] for name in largest},
            unit=self.unit,
            time_unit=self._time_unit(),
            title="Contributions over time",
        )
        return (Section("time", "Over time", (Figure("over-time", drawing),)),)

    # One patient

    def _patient(self) -> tuple[Block, ...]:
        n, at = self.attribution.n_patients, self.state.patient
        controls = Controls(
            (
                Number("patient", f"Patient (1 to {n:,})", at, 1, n, optional=True),
                Button("previous", "Previous", enabled=at is not None and at > 1),
                Button("next", "Next", enabled=at is None or at < n),
            ),
            "patient-asked",
        )
        if at is None:
            return (controls,)
        keep = may_keep(self.cohort)
        blocks = (Figure("contributions", self._waterfall(at)),)
        title = f"Patient {at:,} of {n:,}"
        return (controls, single_patient("one", title, blocks, keep=keep, version=self.version))

    def _waterfall(self, ordinal: int) -> Any:
        found, position = self.attribution, self._position()
        row = self._place(ordinal)
        names, values, groups = [], [], []
        for at, name in enumerate(found.modality_names):
            fine = found.features.get(name)
            title = self._titled(name)
            if fine is None or self.state.modality not in ("", name):
                names.append(title)
                values.append(float(found.modalities[position, row, at]))
                groups.append(title)
            else:
                names += fine.names
                values += fine.values[position, row].tolist()
                groups += [title] * len(fine.names)
        grouped = groups if len(names) > len(found.modality_names) else None
        notes = [] if found.total is not None else ["The method's parts need not add up."]
        return plot_patient_contributions(
            names,
            np.array(values),
            groups=grouped,
            reference=found.reference,
            output=self.unit.capitalize(),
            title=f"Patient {ordinal:,} of {found.n_patients:,}{self._where()}",
            notes=notes,
        )

    def _place(self, ordinal: int) -> int:
        """Row of the attribution; ordinals count the cohort's patients in their order."""
        if self.cohort is None:
            return ordinal - 1
        patient = str(self.cohort.patients.index[ordinal - 1])
        return list(self.attribution.patient_id).index(patient)

    # What a person does

    def pick(self, name: str, pick: str) -> None:
        """A kind of data, or a group of its features, was chosen."""
        if name == "modalities":
            self.change(modality=pick, group="")
        elif name == "kinds":
            names = self.attribution.modality_names
            self.change(modality=next(n for n in names if self._titled(n) == pick), group="")
        else:
            self.change(group=pick)

    def do_next(self) -> None:
        """The next patient."""
        self.change(patient=(self.state.patient or 0) + 1)

    def do_previous(self) -> None:
        """The patient before."""
        self.change(patient=(self.state.patient or 2) - 1)

    def change(self, **fields: Any) -> None:
        """Set some fields of the state; another kind of data or method drops what lay within."""
        if "method" in fields:
            fields = {"modality": "", "horizon": None, **fields}
        if "modality" in fields:
            fields = {"group": "", **fields}
        super().change(**fields)


def _part(name: str, values: np.ndarray) -> MeanContribution:
    lower, median, upper = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
    return MeanContribution(name, float(np.abs(values).mean()), lower, median, upper)


def _row(part: MeanContribution) -> tuple[str, ...]:
    sign = fixed(3, sign=True)
    return (
        part.name,
        fixed(3)(part.mean_absolute),
        *map(sign, (part.lower, part.median, part.upper)),
    )


def _check_patients(attribution: "Attribution", cohort: "Cohort") -> None:
    explained, known = set(attribution.patient_id.tolist()), set(map(str, cohort.patients.index))
    if explained != known:
        raise CohortError(
            f"the attribution explains {len(explained)} patients, of whom "
            f"{len(explained & known)} are among the cohort's {len(known)}: pass the cohort that "
            "was evaluated"
        )
