"""Covariance structures over the planned visits, with their derivatives.

A structure maps a short vector of parameters to the m x m covariance matrix of one
participant's values at m visits. The likelihood differentiates with respect to the matrix
once and for all; a structure only says how the matrix moves with its own parameters.

Source
------
Mallinckrodt & Lipkovich, Analyzing Longitudinal Clinical Trial Data, 2017, ch. 5;
Pinheiro & Bates, Mixed-Effects Models in S and S-PLUS, 2000, sect. 5.3.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# A starting correlation matrix is pulled towards the identity until it is this far from singular.
START_EIGENVALUE = 0.05


@dataclass(frozen=True)
class Structure(ABC):
    """A family of covariance matrices; `key` is what the caller writes, `words` what is printed.

    `ordered` says whether the order of visits matters to it.
    """

    key: str
    words: str
    ordered: bool

    @abstractmethod
    def matrix(self, theta: Floats, m: int) -> Floats:
        """Return the covariance matrix, shape (m, m)."""

    @abstractmethod
    def jacobian(self, theta: Floats, m: int) -> Floats:
        """Return the matrix's first derivatives, shape (n_parameters, m, m)."""

    @abstractmethod
    def curvature(self, theta: Floats, slope: Floats) -> Floats:
        """Return the sum over cells of `slope` times the second derivatives, square."""

    @abstractmethod
    def nearest(self, sigma: Floats) -> Floats:
        """Return the parameters whose matrix resembles `sigma`, for a start."""

    @abstractmethod
    def undetermined(self, together: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
        """Return pairs of visits whose covariance nobody's data tell.

        `together` counts, for each pair of visits, the participants seen at both.
        """

    def count(self, m: int) -> int:
        """Return the number of parameters at m visits."""
        return len(self.nearest(np.eye(m)))


class Linear(Structure):
    """A structure whose covariance elements are themselves the parameters."""

    @abstractmethod
    def label(self, row: int, column: int, m: int) -> int:
        """Return which parameter fills this cell of the upper triangle."""

    def basis(self, m: int) -> Floats:
        """Return one 0-1 matrix per parameter, shape (n_parameters, m, m)."""
        labels = np.array(
            [[self.label(min(a, b), max(a, b), m) for b in range(m)] for a in range(m)]
        )
        return (labels[None] == np.arange(labels.max() + 1)[:, None, None]).astype(float)

    def matrix(self, theta: Floats, m: int) -> Floats:
        return np.asarray(np.tensordot(theta, self.basis(m), axes=1))

    def jacobian(self, theta: Floats, m: int) -> Floats:
        return self.basis(m)

    def curvature(self, theta: Floats, slope: Floats) -> Floats:
        return np.zeros((len(theta), len(theta)))

    def nearest(self, sigma: Floats) -> Floats:
        basis = self.basis(len(sigma))
        return np.asarray((basis * sigma).sum((1, 2)) / basis.sum((1, 2)))

    def undetermined(self, together: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
        basis = self.basis(len(together))
        unseen = basis[(basis * together).sum((1, 2)) == 0].sum(0)
        return [(int(a), int(b)) for a, b in np.argwhere(np.triu(unseen))]


class Unstructured(Linear):
    """Every variance and covariance is its own parameter."""

    def label(self, row: int, column: int, m: int) -> int:
        return row * m - row * (row - 1) // 2 + column - row


class Toeplitz(Linear):
    """One variance, one covariance for each distance in visits."""

    def label(self, row: int, column: int, m: int) -> int:
        return column - row


class CompoundSymmetry(Linear):
    """One variance, one covariance."""

    def label(self, row: int, column: int, m: int) -> int:
        return int(column != row)


class Autoregressive(Structure):
    """Variance s and correlation r to the power of the distance in visits; theta = (s, r)."""

    def matrix(self, theta: Floats, m: int) -> Floats:
        return theta[0] * _powers(theta, m, 0)

    def jacobian(self, theta: Floats, m: int) -> Floats:
        return np.stack([_powers(theta, m, 0), theta[0] * _powers(theta, m, 1)])[: len(theta)]

    def curvature(self, theta: Floats, slope: Floats) -> Floats:
        m, out = len(slope), np.zeros((len(theta), len(theta)))
        if len(theta) == 2:
            out[0, 1] = out[1, 0] = (slope * _powers(theta, m, 1)).sum()
            out[1, 1] = theta[0] * (slope * _powers(theta, m, 2)).sum()
        return out

    def nearest(self, sigma: Floats) -> Floats:
        variance = np.diag(sigma).mean()
        if len(sigma) == 1:
            return np.array([variance])
        return np.array([variance, np.clip(np.diag(sigma, 1).mean() / variance, -0.9, 0.9)])

    def undetermined(self, together: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
        if len(together) == 1 or np.triu(together, 1).any():
            return []
        return [(0, 1)]


def _powers(theta: Floats, m: int, order: int) -> Floats:
    """Return the `order`-th derivative in r of r ** distance; at one visit there is no r."""
    distance = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    r = theta[1] if len(theta) > 1 else 0.0
    falling = np.ones((m, m))
    for k in range(order):
        falling = falling * (distance - k)
    return np.asarray(falling * np.power(r, np.maximum(distance - order, 0)))


STRUCTURES: dict[str, Structure] = {
    "unstructured": Unstructured("unstructured", "unstructured", ordered=False),
    "toeplitz": Toeplitz("toeplitz", "Toeplitz", ordered=True),
    "ar1": Autoregressive("ar1", "first-order autoregressive, AR(1)", ordered=True),
    "cs": CompoundSymmetry("cs", "compound symmetry", ordered=False),
}


def well_conditioned(sigma: Floats) -> Floats:
    """Return `sigma` with its correlations shrunk until no eigenvalue is near zero."""
    scale = np.sqrt(np.diag(sigma))
    correlation = sigma / np.outer(scale, scale)
    lowest = np.linalg.eigvalsh(correlation)[0]
    keep = 1.0 if lowest >= START_EIGENVALUE else (1 - START_EIGENVALUE) / (1 - lowest)
    return np.asarray(
        np.outer(scale, scale) * (keep * correlation + (1 - keep) * np.eye(len(sigma)))
    )
