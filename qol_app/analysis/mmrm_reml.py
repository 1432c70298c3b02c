"""Restricted likelihood of a linear model with correlated visits, and its maximum.

Participants are stacked as (n, m, p) arrays over the m planned visits, zero where not seen;
the inverse covariance is formed once for every pattern of visits seen. First and second
derivatives are exact, so the maximum is reached by Newton steps and judged by its gradient.

Source
------
Patterson & Thompson, Biometrika 1971;58:545; Lindstrom & Bates, JASA 1988;83:1014.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from qol_app.analysis.mmrm_structures import Floats, Structure, well_conditioned

GRADIENT_TOLERANCE = 1e-6  # where outcome and design are scaled to unit size
# Near singularity the gradient is a difference of huge sums and rounding alone exceeds the
# tolerance; the remaining distance to the maximum, in squared standard errors, is then judged.
DISTANCE_TOLERANCE = 1e-14
ALMOST_SINGULAR = 1e-8  # lowest eigenvalue of the correlations of a usable fit
ALMOST_FLAT = 1e-10  # the same of the observed information
MAX_STEPS = 100


class NotFitted(Exception):
    """A structure cannot be fitted to these data; its text says why, for the notes."""


@dataclass(frozen=True)
class Blocks:
    """Values by participant and visit; `x` (n, m, p) and `y` (n, m) are zero where not seen.

    `patterns` (g, m) are the distinct sets of visits seen, `pattern` (n,) whose is whose.
    """

    x: Floats
    y: Floats
    patterns: np.ndarray
    pattern: np.ndarray

    @property
    def n_rows(self) -> int:
        return int(self.patterns.sum(1)[self.pattern].sum())


@dataclass(frozen=True)
class Point:
    """The likelihood at one covariance matrix.

    `value` is minus twice the restricted log-likelihood; `root` (p, p) satisfies
    root root' = (X'V^-1 X)^-1; `weights` (n, m, m) are the inverse covariances, zero where
    not seen; `wx` (n, m, p) = V^-1 X root; `wr` (n, m) = V^-1 r.
    """

    value: float
    beta: Floats
    root: Floats
    weights: Floats
    wx: Floats
    wr: Floats


@dataclass(frozen=True)
class Derivatives:
    """First and second derivatives of `Point.value` in the structure's parameters.

    `moments` (q, p, p) holds root' X'V^-1 (dV/dtheta) V^-1 X root for each parameter.
    """

    gradient: Floats
    observed: Floats
    expected: Floats
    moments: Floats


@dataclass(frozen=True)
class Fit:
    """A maximum of the restricted likelihood; its gradient has been checked."""

    structure: Structure
    theta: Floats
    sigma: Floats
    point: Point
    derivatives: Derivatives
    steps: int

    @property
    def theta_covariance(self) -> Floats:
        """Inverse of the observed information, shape (q, q)."""
        return np.asarray(2 * np.linalg.inv(self.derivatives.observed), dtype=float)


def likelihood(blocks: Blocks, sigma: Floats) -> Point | None:
    """Return the likelihood at `sigma`, or None where `sigma` is not positive definite."""
    inverses, logdet = _inverses(blocks.patterns, sigma)
    if inverses is None:
        return None
    weights = inverses[blocks.pattern]
    n, m, p = blocks.x.shape
    x, y = blocks.x.reshape(n * m, p), blocks.y.reshape(n * m)
    wx = weights @ blocks.x
    try:
        factor = np.linalg.cholesky(x.T @ wx.reshape(n * m, p))
    except np.linalg.LinAlgError:
        return None
    root = solve_triangular(factor, np.eye(p), lower=True).T
    beta = root @ (root.T @ (wx.reshape(n * m, p).T @ y))
    residual = np.where(blocks.patterns[blocks.pattern], blocks.y - blocks.x @ beta, 0.0)
    wr = (weights @ residual[:, :, None])[:, :, 0]
    value = (
        (blocks.n_rows - p) * np.log(2 * np.pi)
        + logdet[blocks.pattern].sum()
        + 2 * np.log(np.diag(factor)).sum()
        + (residual * wr).sum()
    )
    return Point(float(value), beta, root, weights, wx @ root, wr)


def _inverses(patterns: np.ndarray, sigma: Floats) -> tuple[Floats | None, Floats]:
    """Return inverse (g, m, m) and log determinant (g,) of the seen part of `sigma`."""
    both = patterns[:, :, None] & patterns[:, None, :]
    padded = np.where(both, sigma, 0.0) + np.eye(len(sigma)) * ~patterns[:, None, :]
    try:
        np.linalg.cholesky(sigma)
        factors = np.linalg.cholesky(padded)
        inverses = np.where(both, np.linalg.inv(padded), 0.0)
    except np.linalg.LinAlgError:
        return None, np.empty(0)
    return inverses, 2 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(1)


def derivatives(point: Point, structure: Structure, theta: Floats) -> Derivatives:
    """Return exact derivatives of minus twice the restricted log-likelihood at `theta`."""
    m, p = point.wx.shape[1:]
    jacobian = structure.jacobian(theta, m)
    flat = jacobian.reshape(len(theta), m * m)
    leverage = point.wx @ point.wx.transpose(0, 2, 1)
    squares = point.wr[:, :, None] * point.wr[:, None, :]
    slope = (point.weights - leverage - squares).sum(0)
    moments = _moments(point.wx, flat)
    cross = flat @ np.einsum("iar,ib->abr", point.wx, point.wr, optimize=True).reshape(m * m, p)
    pairs = moments.reshape(len(theta), p * p)
    expected = _traces(point.weights - 2 * leverage, point.weights, flat) + pairs @ pairs.T
    quadratic = _traces(squares, point.weights, flat) - cross @ cross.T
    observed = 2 * quadratic - expected + structure.curvature(theta, slope)
    return Derivatives(flat @ slope.ravel(), observed, expected, moments)


def _moments(wx: Floats, flat: Floats) -> Floats:
    """Return sum over participants of wx' E wx for each derivative matrix E."""
    n, m, p = wx.shape
    wide = wx.reshape(n, m * p)
    crossed = (wide.T @ wide).reshape(m, p, m, p).transpose(0, 2, 1, 3).reshape(m * m, p * p)
    return np.asarray((flat @ crossed).reshape(len(flat), p, p))


def _traces(left: Floats, right: Floats, flat: Floats) -> Floats:
    """Return sum over participants of tr(left E_h right E_k) for each pair of derivatives."""
    n, m, _ = left.shape
    table = (left.reshape(n, m * m).T @ right.reshape(n, m * m)).reshape(m, m, m, m)
    # tr(L E_ab R E_cd) = L_da R_bc, and the table holds [d, a, b, c].
    cells = table.transpose(1, 2, 3, 0).reshape(m * m, m * m)
    return np.asarray(flat @ cells @ flat.T)


def fit(blocks: Blocks, structure: Structure) -> Fit:
    """Return the maximum of the restricted likelihood within `structure`.

    Raises
    ------
    NotFitted
        If no start leads to a point with zero gradient, positive curvature and a covariance
        matrix clear of singularity.
    """
    _demand_seen_together(blocks, structure)
    reason = ""
    for start in _starts(blocks, structure):
        try:
            return _checked(_climb(blocks, structure, start))
        except NotFitted as problem:
            reason = reason or str(problem)
    raise NotFitted(reason)


def _demand_seen_together(blocks: Blocks, structure: Structure) -> None:
    seen = blocks.patterns[blocks.pattern].astype(np.int64)
    if structure.undetermined(seen.T @ seen):
        raise NotFitted("some pairs of visits share no participant")


def _starts(blocks: Blocks, structure: Structure) -> Iterator[Floats]:
    """Yield starting parameters: moments of least-squares residuals, then no correlation."""
    n, m, p = blocks.x.shape
    x, seen = blocks.x.reshape(n * m, p), blocks.patterns[blocks.pattern]
    beta = np.linalg.lstsq(x, blocks.y.ravel(), rcond=None)[0]
    residual = np.where(seen, blocks.y - blocks.x @ beta, 0.0)
    together = seen.T.astype(float) @ seen
    sigma = residual.T @ residual / np.maximum(together, 1)
    pooled = (residual**2).sum() / max(blocks.n_rows - p, 1)
    np.fill_diagonal(sigma, np.maximum(np.diag(sigma), 0.1 * pooled))
    good = well_conditioned(sigma)
    spread = np.diag(np.diag(good))
    for share in (1.0, 0.5, 0.0):
        yield structure.nearest(well_conditioned(share * good + (1 - share) * spread))


def _climb(blocks: Blocks, structure: Structure, theta: Floats) -> Fit:
    """Take Newton steps (scoring steps where the curvature is not positive) to the maximum."""
    m = blocks.x.shape[1]
    point = likelihood(blocks, structure.matrix(theta, m))
    if point is None:
        raise NotFitted("no positive definite covariance matrix to start from")
    for step in range(MAX_STEPS):
        sigma = structure.matrix(theta, m)
        _demand_clear_of_singular(sigma)
        slopes = derivatives(point, structure, theta)
        moved = _step(blocks, structure, theta, point, slopes)
        if moved is None:
            return Fit(structure, theta, sigma, point, slopes, step)
        theta, point = moved
    raise NotFitted(f"the likelihood was still rising after {MAX_STEPS} steps")


def _step(
    blocks: Blocks, structure: Structure, theta: Floats, point: Point, slopes: Derivatives
) -> tuple[Floats, Point] | None:
    """Return the next parameters and their likelihood; None when no step improves."""
    direction = _direction(slopes)
    fall = float(slopes.gradient @ direction)
    # Below this the change in the likelihood is lost in rounding: the gradient decides alone.
    rounding = 1e-12 * (abs(point.value) + blocks.n_rows)
    if -fall < 1e-20 * blocks.n_rows:
        return None
    for halving in range(40):
        size = 0.5**halving
        trial = theta + size * direction
        reached = likelihood(blocks, structure.matrix(trial, blocks.x.shape[1]))
        if reached and reached.value <= point.value + 1e-4 * size * fall:
            return trial, reached
        if reached and -size * fall < rounding:
            flatter = derivatives(reached, structure, trial).gradient
            better = np.abs(flatter).max() < 0.9 * np.abs(slopes.gradient).max()
            return (trial, reached) if better else None
    return None


def _direction(slopes: Derivatives) -> Floats:
    for curvature in (slopes.observed, slopes.expected):
        try:
            return np.asarray(-cho_solve(cho_factor(curvature), slopes.gradient))
        except np.linalg.LinAlgError:
            continue
    return np.asarray(-np.linalg.pinv(slopes.expected, hermitian=True) @ slopes.gradient)


def _checked(found: Fit) -> Fit:
    """Return the fit if it is a maximum: no gradient left, and curved downwards all round."""
    gradient, observed = found.derivatives.gradient, found.derivatives.observed
    steepest = np.abs(gradient).max()
    size = np.sqrt(np.maximum(np.diag(observed), 0))
    if not size.all() or np.linalg.eigvalsh(observed / np.outer(size, size))[0] < ALMOST_FLAT:
        raise NotFitted("the likelihood has no clear maximum")
    distance = gradient @ cho_solve(cho_factor(observed), gradient)
    if steepest > GRADIENT_TOLERANCE and distance > DISTANCE_TOLERANCE:
        raise NotFitted(f"the search stopped short of a maximum, with gradient {steepest:.1e}")
    return found


def _demand_clear_of_singular(sigma: Floats) -> None:
    scale = np.sqrt(np.diag(sigma))
    if scale.min() < ALMOST_SINGULAR**0.5:
        raise NotFitted("the variance at some visit tends to zero")
    if np.linalg.eigvalsh(sigma / np.outer(scale, scale))[0] < ALMOST_SINGULAR:
        raise NotFitted("the estimated covariance matrix tends to a singular one")
