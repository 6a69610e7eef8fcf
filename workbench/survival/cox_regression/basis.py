"""Columns in which every regression is well conditioned, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from workbench.errors import SurvivalError

DEPENDENT = 1e-11
"""Smallest eigenvalue, of a matrix of unit diagonal, at which columns can be told apart."""


@dataclass(frozen=True)
class Basis:
    """Columns x as combinations of uncorrelated columns z of unit variance: x = center + M' z.

    Units do not matter then, and a spline, whose columns nearly determine each other, loses no
    digits: the information of z is inverted, never that of x.

    Parameters
    ----------
    center
        Mean of each column, (column,).
    matrix
        M, upper triangular, (column, column).
    span
        Largest less smallest value of each column, (column,).
    """

    center: np.ndarray
    matrix: np.ndarray
    span: np.ndarray

    def coefficients(self, of_z: np.ndarray) -> np.ndarray:
        """Coefficients of x of those of z, (column, ...)."""
        return solve_triangular(self.matrix, of_z)

    def covariance(self, of_z: np.ndarray) -> np.ndarray:
        """Covariance of the coefficients of x."""
        half = solve_triangular(self.matrix, of_z)
        both = solve_triangular(self.matrix, half.T)
        return (both + both.T) / 2

    def values(self, of_z: np.ndarray) -> np.ndarray:
        """What is linear in x (residuals, scores, gaps) of the same in z, (column, ...)."""
        return self.matrix.T @ of_z

    def standard_information(self, of_z: np.ndarray) -> np.ndarray:
        """Information of the columns x, each divided by its standard deviation."""
        unit = self.matrix / np.abs(self.matrix).max(0)  # squares of tiny units would underflow
        unit = unit / np.sqrt((unit**2).sum(0))
        return unit.T @ of_z @ unit


def uncorrelated(columns: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, Basis]:
    """Columns z, (column, row), of ``columns``, (row, column).

    Raises
    ------
    SurvivalError
        Columns that are constant or that determine each other, by name.
    """
    z = np.array(columns.T, order="C")
    low, high = z.min(1), z.max(1)
    # A spread of less than this is what arithmetic leaves of a constant.
    still = high - low <= 1e-13 * np.maximum(np.abs(low), np.abs(high))
    if still.any():
        raise SurvivalError(
            f"features must vary, {listed(names, np.flatnonzero(still))} does not in any row: "
            "leave it out"
        )
    center = z.mean(1)
    z -= center[:, None]
    # By the largest value first: squares of tiny units would underflow.
    largest = np.maximum(high - center, center - low)
    z /= largest[:, None]
    spread = np.sqrt(np.einsum("ij,ij->i", z, z) / z.shape[1])
    z /= spread[:, None]
    correlation = z @ z.T / z.shape[1]
    check_distinct(correlation, names)
    upper = np.linalg.cholesky(correlation).T
    z = solve_triangular(upper, np.eye(len(z))).T @ z
    return z, Basis(center, upper * (largest * spread), high - low)


def check_distinct(matrix: np.ndarray, names: Sequence[str]) -> None:
    """Refuse columns that determine each other, by a correlation or information of them."""
    scale = np.sqrt(np.diagonal(matrix))
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    if values[0] > DEPENDENT:
        return
    shares = np.abs(vectors[:, 0])
    tied = np.flatnonzero(shares > 0.01 * shares.max())
    raise SurvivalError(
        f"features must not determine each other, {listed(names, tied)} do: leave one of them out"
    )


def listed(names: Sequence[str], positions: np.ndarray) -> str:
    """Names at ``positions``, quoted; the first six of them."""
    quoted = [f"'{names[position]}'" for position in positions[:6].tolist()]
    if len(positions) > 6:
        quoted.append(f"{len(positions) - 6} more")
    return ", ".join(quoted)
