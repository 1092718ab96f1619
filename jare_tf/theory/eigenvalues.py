"""What a spectrum says about training: the two factors of the JARE paper, stable steps and rates.

λ stands for the eigenvalues of A = −∂direction/∂(θ, φ): a step of gradient descent with step size η multiplies the
error along an eigenvector by 1 + ηλ. An eigenvalue that is zero but for rounding belongs to a direction along which
nothing moves, a subspace of equilibria (GradReg Assumption III): `nonzero` leaves it out, as do all functions here.
"""

import math

import numpy as np


def nonzero(eigenvalues, tolerance: float = 1e-12) -> np.ndarray:
    """The eigenvalues with |λ| > tolerance · max|λ|, a complex vector."""
    eigenvalues = np.asarray(eigenvalues, complex)
    size = np.abs(eigenvalues)
    return eigenvalues[size > tolerance * size.max(initial=0.0)]


def phase_factor(eigenvalues) -> float:
    """ζ = max |Im λ / Re λ|, infinite where a real part vanishes (JARE section 4, Corollary 1)."""
    eigenvalues = nonzero(eigenvalues)
    with np.errstate(divide="ignore"):
        return float(np.max(np.abs(eigenvalues.imag) / np.abs(eigenvalues.real), initial=0.0))


def conditioning(eigenvalues) -> float:
    """τ = max|λ| / min|λ|, a lower bound of the Jacobian's condition number (JARE section 4, Corollary 2)."""
    size = np.abs(nonzero(eigenvalues))
    return float(size.max() / size.min()) if size.size else 1.0


def largest_stable_step(eigenvalues, momentum: float = 0.0) -> float:
    """sup of the η at which all |1 + ηλ| < 1: min 2|Re λ|/|λ|², and 0 where some Re λ ≥ 0.

    ConOpt Lemma 4 (eq. 10): η < (1/|Re λ|) · 2/(1 + (Im λ / Re λ)²) for all λ. With heavy-ball momentum β the bound is
    2|x|/(x² + y²) for x = Re λ/(1 + β) and y = Im λ/(1 − β): −ηλ is to lie in the ellipse 1 + β − (μ + β/μ), |μ| = 1.
    """
    eigenvalues = nonzero(eigenvalues)
    if np.any(eigenvalues.real >= 0):
        return 0.0
    real, imaginary = eigenvalues.real / (1 + momentum), eigenvalues.imag / (1 - momentum)
    return float(np.min(-2 * real / (real**2 + imaginary**2), initial=math.inf))


def rate(eigenvalues, step: float, momentum: float = 0.0) -> float:
    """ρ = max|1 + ηλ|: gradient descent with step size η shrinks the error by ρ an iteration (ConOpt Prop. 3).

    With heavy-ball momentum β, v' = β v − η d, w' = w + v', it is max|μ| of μ² − (1 + β + ηλ) μ + β = 0.
    """
    total = 1 + momentum + step * nonzero(eigenvalues)
    root = np.sqrt(total**2 - 4 * momentum)
    return float(np.max(np.abs([total + root, total - root]) / 2, initial=0.0))


def iterations(rate: float, reduction: float) -> float:
    """Iterations after which an error that shrinks by `rate` each time is `reduction` of what it was.

    Args:
      rate: ρ, 0 < ρ; at ρ ≥ 1 the answer is infinite.
      reduction: ε relative to the first error, 0 < ε < 1.
    """
    return math.log(reduction) / math.log(rate) if rate < 1 else math.inf
