"""What a person waits for at the end of a run: the report as a page, on paper, for Word, in parts.

Run: python tests/benchmarks/report.py [RUN ...]

RUN is the folder of a finished run, such as that of `workbench run tcga_glioma`; its report is
written again, in a folder of its own. Without one, 10,000 patients are made up (age, sex, stage, a
score and twenty genes that know something of the outcome) and run through a clinical Cox model, a
combined model and `selected`; "from records" is then all that stands between the evaluation and the
page: counts, tables, what may be released, figures, and the look for identifiers.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

import workbench as wb
from workbench import study
from workbench.report import write_document
from workbench.report.formats import FORMATS, write_formats
from workbench.report.read import read_document
from workbench.run_formats import predicted_patients

PATIENTS = 10_000
CARD = """---
schema: 1
name: many
title: "Many patients"
version: "1"
licence: "made up"
citation: "none"
source: "made up"
index_date: "diagnosis"
files:
  patients: {path: patients.csv, key: {column: patient_id}}
  expression: {path: rna.csv, key: {column: patient_id}}
population: [patients]
columns:
  age: {file: patients, meaning: "Age", type: numeric, unit: years, role: feature,
        observed_at: {days: 0, basis: "diagnosis"}}
  sex: {file: patients, meaning: "Sex", type: categorical, levels: [f, m], role: feature,
        observed_at: {days: 0, basis: "diagnosis"}}
  stage: {file: patients, meaning: "Stage", type: categorical, levels: [I, II, III], role: feature,
          observed_at: {days: 0, basis: "diagnosis"}}
  score: {file: patients, meaning: "Score", type: numeric, unit: points, role: feature,
          observed_at: {days: 0, basis: "diagnosis"}}
outcomes:
  os:
    {title: "Overall survival", file: patients, time: days, unit: days,
     event: {column: died, event: 1}, time_zero: "diagnosis"}
modalities:
  clinical: {kind: ehr, title: "Clinical variables", columns: [age, sex, stage, score]}
  rna: {kind: genomics, title: "Gene expression", file: expression, columns: "(.+)_rna",
        unit: "log2", observed_at: {days: 0, basis: "diagnosis"}}
limits: ["Made up."]
study:
  outcome: os
  modalities: [clinical, rna]
  split: {kind: kfold, k: 5}
  models: ["null", clinical, each, stack, selected]
  horizons: [365, 1095]
  groups: [stage]
---
"""


def write_many(folder: Path, n: int) -> Path:
    """Files of ``n`` patients and their card."""
    random = np.random.default_rng(0)
    genes = random.standard_normal((n, 20))
    age, stage = random.normal(60, 10, n), random.integers(0, 3, n)
    log_hazard = 0.03 * (age - 60) + 0.6 * stage + genes[:, :5] @ np.full(5, 0.3)
    death = random.exponential(2000 / np.exp(log_hazard))
    censored = random.uniform(200, 3000, n)
    ids = [f"P{i:05d}" for i in range(n)]
    pd.DataFrame(
        {
            "patient_id": ids,
            "age": age.round(1),
            "sex": random.choice(["f", "m"], n),
            "stage": np.array(["I", "II", "III"])[stage],
            "score": random.normal(0, 1, n).round(3),
            "days": np.ceil(np.minimum(death, censored)),
            "died": (death <= censored).astype(int),
        }
    ).to_csv(folder / "patients.csv", index=False)
    table = pd.DataFrame(genes.round(4), columns=[f"G{i}_rna" for i in range(20)])
    table.insert(0, "patient_id", ids)
    table.to_csv(folder / "rna.csv", index=False)
    card = folder / "many.md"
    card.write_text(CARD, encoding="utf-8")
    return card


@contextmanager
def timed(what: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"  {what:<14} {wall:6.1f} s by the wall, {cpu:6.1f} s of processor", flush=True)


def write_again(run: Path) -> None:
    """Time each format of a finished run."""
    document, patients = read_document(run), predicted_patients(run)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        with timed("page"):
            page = write_document(document, out, patients=patients)
        for each in FORMATS:
            with timed(each):
                write_formats(document, out, [each], patients=patients)
        print(f"  page {page.stat().st_size / 1e6:.2f} MB", end="")
        print(
            "".join(f", {f} {(out / f'report.{f}').stat().st_size / 1e6:.2f} MB" for f in FORMATS)
        )


def many() -> None:
    """The report of many patients, from the records of their study."""
    with tempfile.TemporaryDirectory() as folder:
        card = write_many(Path(folder), PATIENTS)
        write = study.write_report

        def write_timed(content: object, out: Path) -> Path:
            with timed("from records"):
                return write(content, out)

        study.write_report = write_timed
        out = Path(folder) / "run"
        started = time.perf_counter()
        wb.run(wb.Study.of_card(wb.open_card(card)), out=out)
        print(f"  (the whole study: {time.perf_counter() - started:.0f} s)")
        write_again(out)


if __name__ == "__main__":
    for given in sys.argv[1:]:
        print(given)
        write_again(Path(given))
    if len(sys.argv) == 1:
        print(f"{PATIENTS:,} patients")
        many()
