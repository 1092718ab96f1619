"""The density of the eigenvalues of a symmetric matrix, by stochastic Lanczos quadrature.

For a vector v with random entries ±1, m steps of Lanczos' method give a tridiagonal T = Y diag(τ) Yᵀ and weights
ω_k = Y_{1k}², which sum to 1: Σ_k ω_k τ_k^p = vᵀ S^p v/n for p < 2m. The mean of the right side over v is that of λ^p
over the eigenvalues. Ubaru, Chen & Saad 2017; for neural networks Ghorbani, Krishnan & Xiao 2019, arXiv 1901.10159.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal

from jare_tf.theory.matrix_free import Matrix

_BREAKDOWN = 1e-10  # of ‖T‖: what is left of a new vector then is rounding, and the Krylov space is complete


class Quadrature(NamedTuple):
    """Nodes τ and weights ω, which sum to 1: both [k]."""

    nodes: np.ndarray
    weights: np.ndarray


class Density(NamedTuple):
    """A density at points.

    points: t, [p].
    values: at t, the mean over the draws, [p].
    standard_errors: that of the mean, [p]; 0 where all eigenvalues are known.
    width: σ of the Gaussian kernel.
    draws: how many random vectors; 0 where all eigenvalues are known.
    """

    points: np.ndarray
    values: np.ndarray
    standard_errors: np.ndarray
    width: float
    draws: int


def quadrature(matrix: Matrix, start: np.ndarray, steps: int) -> Quadrature:
    """Nodes and weights from one vector, by m steps with full reorthogonalisation, or as many as the space has.

    Args:
      matrix: S, [n, n], an array or an operator; products may be in float32, all else is in float64.
      start: v, [n], not 0.
      steps: m, at least 1; m vectors of n float64 numbers are kept.
    """
    steps = min(steps, len(start))
    basis = np.zeros([steps, len(start)])
    diagonal, beside = np.zeros(steps), np.zeros(steps)
    vector = start / np.linalg.norm(start)
    for step in range(steps):
        basis[step] = vector
        vector = matrix @ vector
        diagonal[step] = basis[step] @ vector
        for _ in range(2):  # once leaves an error of the order of the cancellation
            vector = vector - basis[: step + 1].T @ (basis[: step + 1] @ vector)
        beside[step] = np.linalg.norm(vector)
        if beside[step] <= _BREAKDOWN * max(np.abs(diagonal).max(), beside.max()):
            break
        vector = vector / beside[step]
    nodes, vectors = eigh_tridiagonal(diagonal[: step + 1], beside[:step])
    return Quadrature(nodes, vectors[0] ** 2)


def quadratures(matrix: Matrix, steps: int, draws: int, seed: int = 0) -> list[Quadrature]:
    """Nodes and weights from `draws` vectors with random entries ±1."""
    rng = np.random.default_rng(seed)
    return [quadrature(matrix, rng.choice([-1.0, 1.0], matrix.shape[0]), steps) for _ in range(draws)]


def density(drawn: Sequence[Quadrature], steps: int) -> Density:
    """The density from at least two quadratures, Σ_k ω_k N(t; τ_k, σ²) with σ = (max τ − min τ)/m for m steps."""
    width, points = _grid(np.concatenate([one.nodes for one in drawn]), steps)
    of_draws = [_smoothed(one, points, width) for one in drawn]
    errors = np.std(of_draws, axis=0, ddof=1) / np.sqrt(len(drawn))
    return Density(points, np.mean(of_draws, axis=0), errors, width, len(drawn))


def of_eigenvalues(values: np.ndarray, parts: int = 256) -> Density:
    """The density of all n eigenvalues, Σ_k N(t; λ_k, σ²)/n with σ = (max λ − min λ)/parts."""
    width, points = _grid(values, parts)
    smoothed = _smoothed(Quadrature(values, np.full(len(values), 1 / len(values))), points, width)
    return Density(points, smoothed, np.zeros_like(smoothed), width, 0)


def _grid(nodes: np.ndarray, parts: int) -> tuple[float, np.ndarray]:
    """σ, and points up to four σ beyond the nodes, six to a σ."""
    low, high = float(nodes.min()), float(nodes.max())
    width = (high - low or max(abs(high), 1.0)) / parts
    return width, np.linspace(low - 4 * width, high + 4 * width, 6 * (parts + 8) + 1)


def _smoothed(found: Quadrature, points: np.ndarray, width: float) -> np.ndarray:
    kernel = np.exp(-0.5 * ((points[:, None] - found.nodes) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    return kernel @ found.weights
