"""Closed forms of the JARE, ConOpt and GradReg papers, with their misprints corrected, in plain NumPy.

A = −∂direction/∂(θ, φ) at an equilibrium throughout, the discriminator θ first (JARE writes φ first).
`jare_tf.theory.eigenvalues` says what a vector of eigenvalues of A means for training.
"""

import dataclasses
import math
from typing import Literal

import numpy as np

from jare_tf.errors import InputError
from jare_tf.settings import NonNegative, checked
from jare_tf.theory import eigenvalues


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class SimpleGame:
    """JARE section 4: x ~ N(v, σ²I), z ~ N(0, σ²I), D(x) = θᵀx, G(z) = φ + z, at its equilibrium (θ, φ) = (0, v).

    By Lemma 2, SimGD's A = [[−cS, −bI], [bI, 0]] with S = σ²I + vvᵀ, b = g1'(0) = −g2'(0), c = −(g1''(0) + g2''(0)),
    and every method's A splits into 2 × 2 blocks, one for each eigenvalue s of S: σ² (n − 1 times) and β² = σ² + ‖v‖²
    (once). The methods named after update rules return all eigenvalues of A, [2n] complex: the larger of each block in
    the order of s, then the smaller ones. γ ≥ 0. The formulae quoted from the paper are the vanilla GAN's, b = c = ½.

    Args:
      sigma: σ ≥ 0.
      mean: v, n ≥ 1 numbers; zeros allowed.
      slope: b ≠ 0.
      curvature: −c < 0. WGAN's 0 is not allowed: `general_jacobian` takes it, as Q = 0.

    Raises:
      InputError: an argument is out of range (slope, curvature: JARE Assumption 2).
    """

    sigma: NonNegative
    mean: tuple[float, ...]
    slope: float = 0.5
    curvature: float = -0.5

    def __post_init__(self):
        if np.ndim(self.mean) != 1 or not np.size(self.mean) or not np.all(np.isfinite(self.mean)):
            raise InputError(f"mean must be one or more finite numbers, not {self.mean}")
        if not (math.isfinite(self.slope) and self.slope != 0):
            raise InputError(f"slope must be a finite number other than 0, not {self.slope}")
        if not (math.isfinite(self.curvature) and self.curvature < 0):
            raise InputError(f"curvature must be a finite number below 0, not {self.curvature}")

    def sim_gd(self) -> np.ndarray:
        """JARE Theorem 1: λ = (−s ± √(s² − 4))/4. In general trace −cs, determinant b²."""
        return self.jare(0.0)

    def jare(self, gamma: float) -> np.ndarray:
        """JARE Theorem 3: λ = (−(s + γ) ± √((s + γ)² − (γ² + 4)))/4.

        In general trace −cs − 2γb², determinant b²(1 + γ²b²). The A displayed in D.2 has −γ/2 where eq. 31's −γ/4 is
        right.
        """
        b2 = self.slope**2
        return _pairs(self._decay + 2 * gamma * b2, b2 * (1 + gamma**2 * b2))

    def generator_only(self, gamma: float) -> np.ndarray:
        """JARE eq. 25: SimGD's λ with s + γ/2 for s. In general trace −cs − γb², determinant b².

        Two slips of D.1: M's upper right block is +½I, not −½I, in A's second line; λ = −γ/4 is possible (at s = 2/γ).
        """
        return _pairs(self._decay + gamma * self.slope**2, self.slope**2)

    def discriminator_only(self, gamma: float) -> np.ndarray:
        """JARE eq. 27: the same eigenvalues as `generator_only`."""
        return self.generator_only(gamma)

    def con_opt(self, gamma: float) -> np.ndarray:
        """Of M − γMᵀM (JARE eq. 29), M SimGD's A: trace −cs − γ(c²s² + 2b²), determinant b²(1 + γcs + γ²b²).

        The paper has no formula for them, only `con_opt_conditioning_bound`.
        """
        decay, b2 = self._decay, self.slope**2
        return _pairs(decay + gamma * (decay**2 + 2 * b2), b2 * (1 + gamma * decay + gamma**2 * b2))

    def smoothing(self, gamma: float) -> np.ndarray:
        """ConOpt's Fig. 7, in no paper: trace −cs − γ(c²s² + b²), determinant b²(1 + γcs)."""
        decay, b2 = self._decay, self.slope**2
        return _pairs(decay + gamma * (decay**2 + b2), b2 * (1 + gamma * decay))

    def jare_phase_factor(self, gamma: float = 0.0) -> float:
        """ζ = √(h₁ − 1) where h₁ = (γ² + 4)/(σ² + γ)² > 1, else 0 (JARE eq. 34); SimGD's √((2/σ²)² − 1) at γ = 0.

        ζ falls as γ grows, to 0 at γ = 2/σ² − σ²/2, and at σ = 0 only in the limit (Corollary 3). A.4 prints σ²/2 for
        2/σ². In one dimension (n = 1) σ² is β².
        """
        damping = float(self._damping(gamma)[0])
        if damping >= 1:
            return 0.0
        return math.sqrt(1 - damping**2) / damping if damping else math.inf

    def jare_conditioning(self, gamma: float = 0.0) -> float:
        """τ = (√h₂ + √(h₂ − 1))², h₂ = (β² + γ)²/(γ² + 4) (JARE eq. 35, which prints h₂² for h₂); 1 where h₂ ≤ 1.

        At γ = 0 SimGD's ¼(β² + √(β⁴ − 4))². At β² > 2, τ rises until γ = 4/β² and then falls to 1 (Corollary 3). D.3's
        derivative of h₂ is over (γ² + 4)², not (γ + 4)⁴.
        """
        damping = float(self._damping(gamma)[-1])
        return (damping + math.sqrt(damping**2 - 1)) ** 2 if damping > 1 else 1.0

    def jare_largest_step(self, gamma: float = 0.0) -> float:
        """JARE section 5.2: η_max = 8 min{(γ + σ²)/(γ² + 4), 1/((β² + γ) + √(2β²γ + β⁴ − 4))}.

        In general (2/|b|)/√(1 + γ²b²) · min{1/√(1 + ζ²), 1/√τ}: at b = ½, γ = 0 the bounds 4/√(1 + ζ²) of Corollary 1
        and 4/√τ of Corollary 2. It is exact for every σ and v. The paper has it fall as γ grows, but where the first
        term is the smaller it may rise: σ² = 0.04, ‖v‖ = 4 have η_max = 0.08 at γ = 0 and 0.236 at γ = 1.
        """
        determinant = self.slope**2 * (1 + gamma**2 * self.slope**2)
        damping = float(self._damping(gamma)[0])
        return 2 / math.sqrt(determinant) * min(damping, 1 / math.sqrt(self.jare_conditioning(gamma)))

    def con_opt_conditioning_bound(self, gamma: float) -> float:
        """τ(M)·Δ(γ) ≤ τ(A), Δ = (1 + γ|λ₃(M)|)/(1 + γ|λ₄(M)|), A ConOpt's and M SimGD's Jacobian (JARE eq. 30).

        The paper's proof bounds eigenvalues by Rayleigh quotients, which a non-normal A does not allow, but the
        statement holds: with p, q = |λ₃,₄(M)| real, P = p(1 + γp) and Q = q(1 + γq), A's block has determinant PQ and
        trace at most −(P + Q), so its eigenvalues' ratio is at least P/Q = τ(M)Δ. The singular values' ratio is larger
        still. D.1's Δ'(γ) has the wrong sign: it is (|λ₃| − |λ₄|)/(1 + γ|λ₄|)².
        """
        root = math.sqrt(self.jare_conditioning())
        return root**2 * (1 + gamma * abs(self.slope) * root) / (1 + gamma * abs(self.slope) / root)

    @property
    def _decay(self) -> np.ndarray:
        """c·s for the n eigenvalues s of S, ascending."""
        s = np.full(len(self.mean), float(self.sigma) ** 2)
        s[-1] += np.dot(self.mean, self.mean)
        return -self.curvature * s

    def _damping(self, gamma: float) -> np.ndarray:
        """−trace/(2√determinant) of JARE's n blocks: below 1 a complex pair, above 1 a real one (1/√h₁ and √h₂)."""
        b2 = self.slope**2
        return (self._decay + 2 * gamma * b2) / (2 * np.sqrt(b2 * (1 + gamma**2 * b2)))


def _pairs(decay: np.ndarray, determinant) -> np.ndarray:
    """The roots of λ² + decay·λ + determinant, decay ≥ 0 and determinant > 0: [2n], the larger ones first."""
    larger = -(decay + np.sqrt(decay**2 - 4 * determinant + 0j)) / 2
    return np.concatenate([larger, determinant / larger])


def phase_iterations(zeta: float, reduction: float) -> float:
    """Least iterations at phase factor ζ, whatever the step: N ≥ 2 log(C₀/ε)/log(1 + 1/ζ²) (JARE Corollary 1).

    Args:
      zeta: ζ ≥ 0.
      reduction: ε/C₀, between 0 and 1.
    """
    return _iterations(math.sin(math.atan(zeta)), reduction)


def conditioning_iterations(tau: float, reduction: float) -> float:
    """Least iterations at eigenvalue ratio τ, at any stable step: N ≥ log(C₁/ε)/(−log(1 − 2/τ)) (JARE Corollary 2).

    The paper leaves out the minus. Its proof's exponent k/2 would give twice as many, which is wrong: a step multiplies
    the slowest component by 1 − 2/τ in the limit η → 4/√τ.

    Args:
      tau: τ ≥ 1; up to τ = 2 the bound is 0.
      reduction: ε/C₁, between 0 and 1.
    """
    return _iterations(1 - 2 / tau, reduction)


def _iterations(rate: float, reduction: float) -> float:
    return eigenvalues.iterations(rate, reduction) if rate > 0 else 0.0


def exponential_discriminator(v: float) -> np.ndarray:
    """λ = (−e²ᵛ ± √(e⁴ᵛ − 4e²ᵛ))/4 of D(x) = θeˣ, n = 1, σ = 0, vanilla GAN, SimGD (JARE eq. 20): [2] complex.

    D(x) = θx in the same setting (eq. 19) is `SimpleGame(sigma=0, mean=(v,)).sim_gd()`. At v = 5 the paper puts eq. 19
    over 2 for 4 (τ ≈ 623 stands) and has eq. 20's τ = Ω(10⁵): it is e¹⁰ − 2 ≈ 2.2·10⁴.
    """
    # θeˣ = θy with y = eˣ at mean eᵛ, and ∂y/∂φ = eᵛ.
    return SimpleGame(sigma=0.0, mean=(math.exp(v),), slope=math.exp(v) / 2).sim_gd()


def general_jacobian(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """SimGD's A = [[Q, Pᵀ], [−P, 0]] in a general GAN (JARE Lemma 3, eq. 8, in our order): [n + m, n + m].

    E.1 prints g2'' for P's g2' and ∇²_φφ for its ∇²_φθ; eq. 9 has Q as m × m.

    Args:
      p: P = ∇²_φθ f = g2'(0) E[∇φ G · ∇²_xθ D], [m, n], m generator and n discriminator parameters.
      q: Q = ∇²_θθ f = (g1''(0) + g2''(0)) E[∇θ D ∇θ Dᵀ], [n, n], Q ⪯ 0; 0 for WGAN.
    """
    return general_jare(p, q, 0.0)


def general_jare(p: np.ndarray, q: np.ndarray, gamma: float) -> np.ndarray:
    """JARE's A = ΓM = [[Q − γPᵀP, Pᵀ], [−P − γPQ, −γPPᵀ]] in a general GAN (JARE E.3): [n + m, n + m].

    At γ > 0 every λ ≠ 0 has Re λ < 0, whatever P and Q ⪯ 0 (see `quadratic_coefficients`). Arguments as of
    `general_jacobian`.
    """
    return np.block([[q - gamma * p.T @ p, p.T], [-p - gamma * p @ q, -gamma * p @ p.T]])


def quadratic_coefficients(p: np.ndarray, q: np.ndarray, theta: np.ndarray, gamma: float = 0.0) -> tuple[float, float]:
    """(a₁, a₂) of JARE Theorem 4, eq. 10: an eigenvector (θ, φ), λ ≠ 0, has λ = (a₁ ± √(a₁² − 4a₂))/2.

    a₁ = θᴴ(Q − 2γPᵀP)θ/‖θ‖², a₂ = (‖Pθ‖² + γ²‖PᵀPθ‖²)/‖θ‖². The paper has γ = 0, SimGD: a₁ and a₂ are convex
    combinations of the eigenvalues of Q and of PᵀP. JARE's γ is our addition (eliminate φ): a₁ ≤ 0 ≤ a₂, and at
    γ > 0 a₁ = 0 only where a₂ = 0.

    The theorem overlooks λ = 0, θ = 0, Pᵀφ = 0, which occurs at every m > n, even where PᵀP ≻ 0 and so a₂ > 0: E.2's
    case 1 needs full row rank, not full column rank.

    Args:
      p: P, [m, n].
      q: Q, [n, n].
      theta: an eigenvector's first n entries, complex, not all 0.
      gamma: γ ≥ 0.
    """
    theta = theta / np.linalg.norm(theta)
    p_theta = p @ theta
    norm, square = np.linalg.norm(p_theta) ** 2, np.linalg.norm(p.T @ p_theta) ** 2
    return float((theta.conj() @ q @ theta).real - 2 * gamma * norm), float(norm + gamma**2 * square)


def general_jare_limit(p: np.ndarray) -> np.ndarray:
    """The limit of λ/γ as γ → ∞, −λ(PᵀP) and −λ(PPᵀ): [n + m], ascending (JARE Theorem 5, eq. 12).

    P is [m, n]; |m − n| limits or more are 0. The rest is of the order 1/√γ where PQ ≠ 0: the other limits are double
    and defective.
    """
    return np.sort(-np.concatenate([np.linalg.eigvalsh(p.T @ p), np.linalg.eigvalsh(p @ p.T)]))


def gradreg_jacobian(
    k_dd: np.ndarray, k_dg: np.ndarray, slope: float, curvature: float, gamma: float = 0.0
) -> np.ndarray:
    """A = [[J_DD, J_DG], [−J_DGᵀ(I + γJ_DD), −γJ_DGᵀJ_DG]], J_DD = 2f''(0)K_DD, J_DG = −f'(0)K_DG: [n + m, n + m].

    GradReg section 3.3 and, with eq. 4's η = γ/2, section 3.4. The paper has J_DG = +f'(0)K_DG, the wrong sign for eq.
    2's f(−D(G(z))), with the same eigenvalues; its eq. 3 lacks the generator's minus.

    Theorem 3.2 asks for η < 1/(2λ_max(−J_DD)), which is more than it takes: at every γ > 0 every λ ≠ 0 has Re λ < 0,
    since λ² + (q + γp)λ + p = 0 with q, p ≥ 0 the Rayleigh quotients of −J_DD and J_DG J_DGᵀ (eliminate φ).

    Args:
      k_dd: K_DD = E[∇D ∇Dᵀ], [n, n], ⪰ 0.
      k_dg: K_DG = ∫∇D ∇p_φᵀ dx, [n, m], with K_DGᵀu = 0 wherever K_DD u = 0 (Assumption III).
      slope: f'(0) ≠ 0, ½ for the vanilla GAN, 1 for WGAN.
      curvature: f''(0) ≤ 0, −¼ for the vanilla GAN, 0 for WGAN (half of `SimpleGame`'s).
      gamma: γ ≥ 0.
    """
    j_dd, j_dg = 2 * curvature * k_dd, -slope * k_dg
    return np.block([[j_dd, j_dg], [-j_dg.T - gamma * j_dg.T @ j_dd, -gamma * j_dg.T @ j_dg]])


def gradreg_bounds(k_dd: np.ndarray, k_dg: np.ndarray, slope: float, curvature: float) -> tuple[float, float]:
    """Upper bounds of Re λ for real and for complex λ ≠ 0 of `gradreg_jacobian` at γ = 0 (GradReg Theorem 3.1).

    2f''f'²κ_min μ_min/(4f''²κ_min κ_max + f'²μ_min) and f''κ_min, with κ and μ the nonzero eigenvalues of K_DD and
    K_DGᵀK_DG, f''(0) < 0. Without Assumption III they fail: K_DD = diag(1, 0), K_DG = I has λ = ±if'.
    """
    kappa, mu = _positive(k_dd), _positive(k_dg.T @ k_dg)
    drop = slope**2 * mu[0]
    real = 2 * curvature * kappa[0] * drop / (4 * curvature**2 * kappa[0] * kappa[-1] + drop)
    return float(real), float(curvature * kappa[0])


def gradreg_wgan_bounds(k_dg: np.ndarray, slope: float, gamma: float) -> tuple[float, float]:
    """Upper bounds of Re λ for real and for complex λ ≠ 0 of `gradreg_jacobian` at f''(0) = 0 (GradReg Theorem 3.2).

    −2f'²ημ_min/(4f'²η²μ_max + 1) and −ηf'²μ_min, η = γ/2 > 0, μ the nonzero eigenvalues of K_DGᵀK_DG.
    """
    eta, mu = gamma / 2, slope**2 * _positive(k_dg.T @ k_dg)
    return float(-2 * eta * mu[0] / (4 * eta**2 * mu[-1] + 1)), float(-eta * mu[0])


def _positive(matrix: np.ndarray) -> np.ndarray:
    """The eigenvalues of a positive semi-definite matrix that are not zero, ascending."""
    return np.sort(eigenvalues.nonzero(np.linalg.eigvalsh(matrix)).real)


def con_opt_matrix(a: np.ndarray, gamma: float) -> np.ndarray:
    """A − γAᵀA, [n, n]: consensus optimization's Jacobian, A SimGD's (ConOpt eq. 16; Lemma 7; JARE eq. 29).

    It is negative definite if A is invertible, A + Aᵀ ⪯ 0 and γ > 0 (Lemma 7).
    """
    return a - gamma * a.T @ a


def con_opt_phase_bound(a: np.ndarray, gamma: float) -> float:
    """Upper bound of `con_opt_matrix`'s phase factor: 1/(c + 2ρ²γ/‖A − Aᵀ‖) (ConOpt Lemma 9).

    c = min |vᴴ(A + Aᵀ)v|/|vᴴ(A − Aᵀ)v| (eq. 17), ρ the least singular value of A. Eq. 18 leaves out the spectral norm
    ‖A − Aᵀ‖ and fails: A = [[0, −10], [10, 0]], γ = 1 has the phase factor 0.1, eq. 18 has 0.005. The proof has ρ for
    ρ².

    Args:
      a: A, [n, n], invertible, A + Aᵀ ⪯ 0.
      gamma: γ ≥ 0.
    """
    symmetric, skew = -(a + a.T), a - a.T
    norm = np.linalg.norm(skew, 2)
    if norm == 0:
        return 0.0
    least = np.linalg.svd(a, compute_uv=False)[-1]
    spectrum = np.linalg.eigvalsh(symmetric)
    # A null vector of A + Aᵀ is none of A − Aᵀ, A being invertible: close to it the quotient is as small as one likes.
    singular = spectrum[0] <= 1e-12 * spectrum[-1]
    c = 0.0 if singular else 1 / np.abs(np.linalg.eigvals(np.linalg.solve(symmetric, skew))).max()
    with np.errstate(divide="ignore"):
        return float(1 / np.float64(c + 2 * least**2 * gamma / norm))


def momentum_eigenvalues(mu: np.ndarray, gamma: float) -> np.ndarray:
    """λ = (−γ ± √(γ² + 4μ))/2, both roots of λ(λ + γ) = μ: [2n] complex (ConOpt Lemma 11).

    These are the eigenvalues of [[0, I], [A, −γI]] (eq. 36), μ [n] those of A. Negative real μ give Re λ < 0 (Corollary
    12); complex μ with Re μ < 0 do so only if γ²|Re μ| > (Im μ)².
    """
    root = np.sqrt(gamma**2 + 4 * np.asarray(mu, complex))
    return np.concatenate([-gamma + root, -gamma - root]) / 2


def rescaled_jacobian(a: np.ndarray, step: float, epsilon: float, alpha: float) -> np.ndarray:
    """[[I + (h/√ε)A, 0], [0, 1 − α]], [n + 1, n + 1]: a step of SimGD rescaled as by RMSProp (ConOpt Prop. 13, eq. 42).

    Of x ← x + h·v(x)/√(β + ε), β ← (1 − α)β + α‖v(x)‖² (eq. 40) at v(x) = 0, β = 0, with A = v'(x) [n, n]. Eq. 41's
    lower left block, elsewhere 2α v(x)ᵀv'(x), lacks the 2.
    """
    n = len(a)
    return np.block([[np.eye(n) + step / math.sqrt(epsilon) * a, np.zeros((n, 1))], [np.zeros((1, n)), 1 - alpha]])


def alternating_jacobian(
    a: np.ndarray, discriminator_size: int, step: float, first: Literal["discriminator", "generator"] = "discriminator"
) -> np.ndarray:
    """(I + hA_φ)(I + hA_θ), [n, n]: a step in which the discriminator moves first (ConOpt Prop. 14, eq. 45).

    Where the generator does, as in ConOpt's Alg. 3, it is (I + hA_θ)(I + hA_φ), which has the same eigenvalues.

    Args:
      a: SimGD's A, [n, n]; A_θ and A_φ are its first `discriminator_size` rows and the others, zeros elsewhere.
      discriminator_size: the number of θ's entries.
      step: h.
      first: who moves first.
    """
    own = np.arange(len(a))[:, None] < discriminator_size
    theta, phi = (np.eye(len(a)) + step * np.where(rows, a, 0.0) for rows in (own, ~own))
    return phi @ theta if first == "discriminator" else theta @ phi
