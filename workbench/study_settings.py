"""What a study file may say, checked before anything is loaded."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workbench.cohort.cohort import Cohort
from workbench.data.card import STATE_HORIZON, BinaryOutcome, did_you_mean
from workbench.data.members import split_name
from workbench.data.modalities import lacking_modalities
from workbench.data.open_card import DataCard
from workbench.data.paths import cards_folder
from workbench.data.strict_yaml import NotYamlError, read_yaml
from workbench.errors import StudyError

if TYPE_CHECKING:
    import numpy as np

    from fusion.predictions import Predictions

Rung = Literal["null", "clinical", "each", "concatenation", "stack", "fusion_net", "selected"]
LearnedFrom = Literal["outlines", "patches"]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Horizon = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SplitSettings(BaseModel):
    """How patients are held out: see :meth:`workbench.cohort.cohort.Cohort.split`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["given", "kfold", "site", "time"]
    column: str | None = None
    k: Annotated[int, Field(ge=2, le=100)] | None = None
    repeats: Annotated[int, Field(ge=1, le=100)] = 1
    seed: Seed = 0

    @property
    def title(self) -> str:
        """What a reader calls these folds."""
        match self.kind:
            case "site":
                return "whole sites held out"
            case "time":
                return f"the latest patients held out ({self.column})"
            case "given":
                return f"published folds ({self.column})"
            case "kfold":
                return "random folds" if self.repeats == 1 else "repeated random folds"

    def apply(self, cohort: Cohort) -> Cohort:
        """Split a cohort so."""
        return cohort.split(
            self.kind, column=self.column, k=self.k, repeats=self.repeats, seed=self.seed
        )


class NetworkSettings(BaseModel):
    """Shape of the fusion network: see :class:`fusion.network.NetworkConfig`.

    Parameters
    ----------
    fuser
        How the modalities' embeddings become one.
    genomics
        ``pathways`` reads gene sets as tokens, where the card names gene sets.
    ehr
        ``tokens`` reads each clinical variable as a token, a missing value as one of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Named and defaulted here again, for the workbench reads study files without torch.
    fuser: Literal["concatenation", "gated", "tensor", "cross_attention"] = "gated"
    genomics: Literal["components", "pathways"] = "components"
    ehr: Literal["columns", "tokens"] = "columns"


class Study(BaseModel):
    """A question put to a dataset: who, which outcome, which inputs, models and folds.

    Parameters
    ----------
    card
        Name of a card, or path of one.
    outcome
        Name of the outcome in the card.
    select
        Criteria, in order, each ``{column, op, value}``, ``{has: modality}``, ``{all: […]}``,
        ``{any: […]}`` or ``{not: …}``.
    modalities
        Inputs, in the order of the card's names; the first of clinical variables anchors.
    split, also_split
        The study's folds, and other ways to split that are reported beside.
    models
        Rungs of the model comparison. ``null``, ``clinical`` and ``selected`` are always there.
    horizons
        Times at which risk is asked, in the outcome's unit, ascending; none where the outcome is
        there or not, without a time.
    groups
        Columns or card groups within which every number is reported too.
    network
        Shape of ``fusion_net``.
    image_encoder
        What is learned of images before any outcome is seen, once a training fold: ``outlines``, a
        network that draws lesions (or, without masks, fills in hidden patches), or ``patches``, a
        dictionary of small patches and colours.
    seed
        Draws inner folds, initial weights, dropout and bootstraps.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_version: Literal[1] = Field(alias="schema")
    card: str
    outcome: str
    select: tuple[dict[str, Any], ...] = ()
    modalities: Annotated[tuple[str, ...], Field(min_length=1)]
    split: SplitSettings
    also_split: tuple[SplitSettings, ...] = ()
    models: tuple[Rung, ...]
    horizons: tuple[Horizon, ...] = ()
    groups: tuple[str, ...] = ()
    network: NetworkSettings = NetworkSettings()
    image_encoder: LearnedFrom = "outlines"
    seed: Seed = 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if list(self.horizons) != sorted(set(self.horizons)):
            raise ValueError("horizons must ascend without repeats")
        for entry in ("modalities", "models", "groups"):
            names = getattr(self, entry)
            if len(set(names)) != len(names):
                raise ValueError(f"{entry} must name each once")
        titles = [split.title for split in (self.split, *self.also_split)]
        if len(set(titles)) != len(titles):
            raise ValueError("also_split must hold other ways to split than split, each once")
        lacking = [rung for rung in ("null", "clinical", "selected") if rung not in self.models]
        if lacking:
            raise ValueError(
                f"models must hold {', '.join(lacking)}: no number stands without its baselines"
            )
        if self.network != NetworkSettings() and "fusion_net" not in self.models:
            raise ValueError("network shapes fusion_net: add it to models, or leave network out")
        return self

    @property
    def asked_at(self) -> tuple[float, ...]:
        """Where models are asked for risk: the horizons, or the state of an outcome without any."""
        return self.horizons or (STATE_HORIZON,)

    def probabilities(self, predictions: "Predictions") -> dict[str, "np.ndarray"]:
        """Columns of what is predicted: survival at each horizon, or the risk without any."""
        if not self.horizons:
            return {"risk": 1 - predictions.at(STATE_HORIZON)}
        return {f"survival_{h:g}": predictions.at(h) for h in self.horizons}

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read a study file (YAML).

        Raises
        ------
        StudyError
            If the file is missing, is not YAML, or does not fit the schema.
        """
        written = _read_yaml(Path(path))
        card = written.get("card")
        if isinstance(card, str) and split_name(card)[0].endswith(".md"):
            written["card"] = str(Path(path).parent / card)  # An absolute path stays as it is.
        return cls._checked(written, Path(path).name)

    @classmethod
    def of_card(cls, card: DataCard, outcome: str | None = None) -> Self:
        """The default study of a dataset, perhaps on another of its outcomes.

        Optional modalities of which the dataset holds nothing are left out, and horizons where the
        other outcome has no time.

        Raises
        ------
        StudyError
            If the card names no outcome, or its default study is not one.
        """
        if not card.spec.outcomes:
            raise StudyError(
                f"{card.name} names no outcome, so there is nothing to predict: a study needs a "
                "card with outcomes; images that are outlined are for `workbench segment`"
            )
        lacking = lacking_modalities(card)
        asked = {"schema": 1, **card.spec.study, "card": _reference(card)}
        if isinstance(asked.get("modalities"), list):
            asked["modalities"] = [name for name in asked["modalities"] if name not in lacking]
        if outcome is not None:
            asked["outcome"] = outcome
            if isinstance(card.spec.outcomes.get(outcome), BinaryOutcome):
                asked.pop("horizons", None)
        return cls._checked(asked, f"the study of {card.name}")

    @classmethod
    def of_report(cls, written: Mapping[str, Any], card: str | None = None) -> Self:
        """The study that a report repeats.

        Parameters
        ----------
        written
            ``study`` of ``report.json``.
        card
            Path of the dataset's description, where it is not one that comes with the workbench:
            reports name no path.

        Raises
        ------
        StudyError
            If it is no study.
        """
        return cls._checked({**written, **({} if card is None else {"card": card})}, "report.json")

    def with_outcome(self, outcome: str) -> Self:
        """The same question on another outcome."""
        return self.model_copy(update={"outcome": outcome})

    @classmethod
    def _checked(cls, written: Mapping[str, Any], where: str) -> Self:
        try:
            return cls.model_validate(written)
        except ValidationError as error:
            lines = [_line(problem) for problem in error.errors()]
            raise StudyError(f"{where}: " + "; ".join(lines)) from None

    def resolved(self, card: DataCard) -> dict[str, Any]:
        """The study as a report repeats it, JSON-ready and without paths.

        The network and the image encoder are left out where they are the usual ones: studies that
        never named them keep their hash. So are horizons where there are none.
        """
        usual = {"network"} if self.network == NetworkSettings() else set[str]()
        usual |= set[str]() if self.horizons else {"horizons"}
        usual |= {"image_encoder"} if self.image_encoder == "outlines" else set[str]()
        written = self.model_dump(mode="json", by_alias=True, exclude=usual)
        return {**written, "card": card.name}

    def other_cohorts(self, cohort: Cohort) -> Iterator[tuple[str, Cohort]]:
        """The cohort's patients under each of ``also_split``, with its title."""
        for split in self.also_split:
            yield split.title, split.apply(cohort.unsplit())


def _reference(card: DataCard) -> str:
    """What opens a card again: the name of one that comes with the workbench, else its path."""
    if card.path.parent == cards_folder():
        return card.name
    member = split_name(card.name)[1]
    return str(card.path) if member is None else f"{card.path}:{member}"


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        _, written = read_yaml(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise StudyError(f"no study file at {path}") from None
    except UnicodeDecodeError:
        raise StudyError(f"{path.name} is not UTF-8 text: save it as UTF-8") from None
    except NotYamlError as error:
        at = f", line {error.line}" if error.line else ""
        raise StudyError(f"{path.name}{at}: not YAML: {error.problem}") from None
    if not isinstance(written, dict):
        raise StudyError(f"{path.name}: expected `name: value` lines, as in `card: tcga_glioma`")
    return written


def _line(problem: Any) -> str:
    """One problem that pydantic found, in words."""
    where = ".".join(str(part) for part in problem["loc"])
    given = problem["input"]
    match problem["type"]:
        case "extra_forbidden":
            return f"{where} is no entry of a study{did_you_mean(problem['loc'][-1], _entries())}"
        case "missing":
            return f"{where} is missing"
        case "literal_error" if given is None and "'null'" in problem["ctx"]["expected"]:
            return f'{where}: YAML reads null as nothing: put it in quotes, "null"'
        case "literal_error":
            expected = problem["ctx"]["expected"]
            near = did_you_mean(str(given), re.findall(r"'(\w+)'", expected))
            return f"{where}: expected {expected}{near}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{where}: expected `name: value` entries, as in `kind: kfold`"
        case "string_type":
            return f"{where}: expected text: put it in quotes"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{where}: {message}" if where else message


def _entries() -> set[str]:
    fields = {
        **Study.model_fields,
        **SplitSettings.model_fields,
        **NetworkSettings.model_fields,
    }
    return {field.alias or name for name, field in fields.items()}
