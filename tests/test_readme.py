"""What README says is so: its commands exist, its snippets run, its card is a card."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from pydantic import TypeAdapter
from typer.main import get_command

from workbench.cli import app
from workbench.data.card import AnyOutcome, BinaryOutcome
from workbench.data.check import check_card
from workbench.data.open_card import list_cards, open_card
from workbench.study_settings import Study

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = ("pip install -e . && workbench demo", "pip install -e '.[dev]' && pytest")
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def _workbench_commands() -> Iterator[list[str]]:
    for block in _blocks("bash"):
        for line in block.splitlines():
            for command in line.split("&&"):
                words = shlex.split(command, comments=True)
                if words and words[0] == "workbench":
                    yield words[1:]


def test_both_commands_stand_on_the_first_screen() -> None:
    first_screen = README[: README.index("\n## ")]
    assert [b.strip() for b in re.findall(r"```bash\n(.*?)```", first_screen, re.DOTALL)] == [
        *COMMANDS
    ]


def test_ci_runs_both_commands_as_they_stand() -> None:
    # CI only adds -q to pip.
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lines = [line.replace("pip install -q", "pip install") for line in script.splitlines()]
    for command in COMMANDS:
        assert command in lines


def test_every_command_and_option_exists() -> None:
    commands = list(_workbench_commands())
    assert {words[0] for words in commands} >= {"demo", "data", "run", "predict", "lab"}
    for words in commands:
        command: Any = get_command(app)
        left = list(words)
        while hasattr(command, "commands"):
            assert left, f"{' '.join(words)}: which command?"
            assert left[0] in command.commands, " ".join(words)
            command = command.commands[left.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        for word in left:
            assert not word.startswith("-") or word in known, " ".join(words)


def test_the_datasets_and_outcomes_it_names_exist() -> None:
    named = {words[2] for words in _workbench_commands() if words[:2] == ["data", "get"]}
    assert named
    assert named <= set(list_cards())
    for words in _workbench_commands():
        if "--outcome" in words:
            card = open_card(words[1])
            assert words[words.index("--outcome") + 1] in card.spec.outcomes


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_resolve(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif not target.startswith("https://"):
            assert (ROOT / target).exists(), target


def test_the_picture_says_what_it_shows() -> None:
    alternative = re.search(r"!\[([^\]]+)\]\(docs/report\.png\)", README)
    assert alternative
    assert len(alternative[1]) > 80


def test_every_folder_it_names_is_there() -> None:
    folders = re.findall(r"^\| `([\w/]+)/` \|", README, re.MULTILINE)
    assert {"workbench", "fusion", "data_cards", "notebooks", "tests"} <= set(folders)
    assert all((ROOT / folder).is_dir() for folder in folders)


def test_the_study_file_is_a_study(tmp_path: Path) -> None:
    written, _ = _blocks("yaml")
    (tmp_path / "study.yaml").write_text(written, encoding="utf-8")
    study = Study.from_file(tmp_path / "study.yaml")
    card = open_card(study.card)
    assert study.outcome in card.spec.outcomes
    assert set(study.modalities) <= set(card.spec.modalities)


def test_the_outcome_without_a_time_is_one() -> None:
    _, written = _blocks("yaml")
    ((name, entry),) = yaml.safe_load(written)["outcomes"].items()
    outcome = TypeAdapter(AnyOutcome).validate_python(entry)
    assert isinstance(outcome, BinaryOutcome)
    assert outcome.event.column == name


def test_the_card_describes_files_like_those_it_names(tmp_path: Path) -> None:
    (written,) = _blocks("markdown")
    (tmp_path / "my_cohort.md").write_text(written, encoding="utf-8")
    _write_a_cohort(tmp_path, n_patients=60)
    card = open_card(tmp_path / "my_cohort.md")
    assert [str(p) for p in check_card(card) if p.level == "error"] == []
    study = Study.of_card(card)
    cohort = study.split.apply(card.cohort(study.outcome))
    assert cohort.n_patients == 60
    assert cohort.available["mri"].sum() == 40
    assert cohort.patients["event"].mean() > 0.5


def _write_a_cohort(folder: Path, n_patients: int) -> None:
    rng = np.random.default_rng(0)
    patient_id = [f"P{i:03d}" for i in range(n_patients)]
    pd.DataFrame(
        {
            "patient_id": patient_id,
            "age": rng.integers(30, 80, n_patients),
            "grade": rng.choice(["G2", "G3", "G4"], n_patients),
            "best_response": rng.choice(["response", "progression"], n_patients),
            "follow_up_days": rng.integers(100, 2000, n_patients),
            "censorship": (np.arange(n_patients) % 5 == 0).astype(int),
        }
    ).to_csv(folder / "patients.csv", index=False)
    genes = pd.DataFrame(
        rng.normal(size=(n_patients, 5)), columns=[f"GENE{i}_rna" for i in range(5)]
    )
    genes.insert(0, "patient_id", patient_id)
    genes.to_csv(folder / "rna.csv", index=False)
    for kind in ("mri", "masks"):
        (folder / kind).mkdir()
    for name in patient_id[:40]:
        pixels = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "mri" / f"{name}.png")
        Image.fromarray(255 * (pixels[..., 0] > 200).astype(np.uint8)).save(
            folder / "masks" / f"{name}.png"
        )
