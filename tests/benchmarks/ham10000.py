"""HAM10000: what images add to age, sex and body site, with nothing pretrained.

Folds by lesion, the dictionary of patches learned inside each. AUCs and their paired intervals are
computed here from the predictions alone, by other code than the workbench's.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

sys.path.insert(0, str(Path(__file__).parents[2]))

import workbench as wb
from fusion.predictions import Predictions

N_BOOTSTRAPS = 1_000
JUDGED = ("concatenation", "stack", "selected")


def auc(event: np.ndarray, score: np.ndarray) -> float:
    """Share of pairs of a lesion with the event and one without that the score orders right."""
    n_events = int(event.sum())
    ranks = rankdata(score)[event].sum() - n_events * (n_events + 1) / 2
    return float(ranks / (n_events * (len(event) - n_events)))


def within_folds(event: np.ndarray, score: np.ndarray, fold: np.ndarray) -> float:
    """AUC over the pairs of one fold, all folds together."""
    won = pairs = 0.0
    for each in np.unique(fold):
        here = fold == each
        n = int(event[here].sum()) * int((~event[here]).sum())
        if n:
            won, pairs = won + n * auc(event[here], score[here]), pairs + n
    return won / pairs


def drawn(fold: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """Rows of each bootstrap, drawn within folds; the same for every model."""
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(fold == each) for each in np.unique(fold)]
    return [
        np.concatenate([generator.choice(rows, len(rows)) for rows in members])
        for _ in range(N_BOOTSTRAPS)
    ]


def calibration(event: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of a logistic regression of the event on the predicted log odds."""
    held = np.clip(probability, 1e-6, 1 - 1e-6)
    columns = np.column_stack([np.ones(len(held)), np.log(held / (1 - held))])
    weights = np.array([0.0, 1.0])
    for _ in range(20):
        chance = 1 / (1 + np.exp(-columns @ weights))
        curvature = (columns * (chance * (1 - chance))[:, None]).T @ columns
        weights += np.linalg.solve(curvature, columns.T @ (event - chance))
    return float(weights[0]), float(weights[1])


def main() -> None:
    """Run the card's study, or open it where it is finished, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcome", default="malignant")
    parser.add_argument("--out", default="runs/ham10000")
    asked = parser.parse_args()
    study = wb.Study.of_card(wb.open_card("ham10000"), asked.outcome)
    start, processor = time.time(), time.process_time()
    result = wb.run(study, out=asked.out)
    print(f"{time.time() - start:.0f} s, {time.process_time() - processor:.0f} s of processor")
    cohort = result.cohort
    event = cohort.patients["event"].to_numpy(bool)
    report(result.predictions, event, cohort.folds[0], cohort.group_masks(study.groups))


def report(
    predictions: Mapping[str, Predictions],
    event: np.ndarray,
    fold: np.ndarray,
    groups: Mapping[str, np.ndarray],
) -> None:
    """AUC by model and fold, pooled with intervals, gains, groups and calibration."""
    scores = {name: each.risk_score for name, each in predictions.items() if "null" not in name}
    draws = drawn(fold)
    found = {
        name: np.array([within_folds(event[r], score[r], fold[r]) for r in draws])
        for name, score in scores.items()
    }
    print(f"{len(event)} lesions, {event.sum()} with the outcome")
    for name, score in scores.items():
        by_fold = [auc(event[fold == f], score[fold == f]) for f in np.unique(fold)]
        low, high = np.quantile(found[name], [0.025, 0.975])
        intercept, slope = calibration(event, 1 - predictions[name].survival[:, -1])
        print(
            f"{name:22} AUC {within_folds(event, score, fold):.3f} ({low:.3f} to {high:.3f}); "
            f"folds {' '.join(f'{each:.3f}' for each in by_fold)}; "
            f"calibration intercept {intercept:+.2f}, slope {slope:.2f}"
        )
    for better, than in [(b, t) for b in JUDGED for t in ("clinical", "dermoscopy")]:
        first, second = (within_folds(event, scores[name], fold) for name in (better, than))
        low, high = np.quantile(found[better] - found[than], [0.025, 0.975])
        print(f"{better} over {than}: {first - second:+.3f} ({low:+.3f} to {high:+.3f})")
    for title, mask in groups.items():
        inside = {n: within_folds(event[mask], s[mask], fold[mask]) for n, s in scores.items()}
        words = ", ".join(f"{name} {each:.3f}" for name, each in inside.items())
        print(f"{title} ({mask.sum()}, {event[mask].sum()}): {words}")


if __name__ == "__main__":
    main()
