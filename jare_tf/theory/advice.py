"""Which γ and which learning rate: the eigenvalues of a family of rules over γ, and what follows from them."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from jare_tf.dynamics.jacobian_coupling import JacobianCoupling, sim_gd
from jare_tf.game.game import TwoPlayerGame
from jare_tf.theory import eigenvalues as of
from jare_tf.theory import spectrum
from jare_tf.theory.step_size import bisect
from jare_tf.types import Batch, Point

Eigenvalues = Callable[[float], np.ndarray]
REDUCTION = 1e-3  # of the error, after which steps are counted
_LAZY = (2, 4, 8, 16, 32, 64)
_KEPT = 0.9  # of the convergence, as the logarithm of the rate, that a lazy rule is to keep
_REAL = 1e-6  # a phase factor below it is rounding


class Best(NamedTuple):
    """The largest stable step of gradient descent, the step of least rate, and that rate; 0, 0 and 1 where none is."""

    largest_step: float
    step: float
    rate: float


def best(values: np.ndarray, momentum: float = 0.0) -> Best:
    """For eigenvalues λ and heavy-ball momentum β; ρ(η) is convex for β = 0, and quasi-convex for all."""
    largest = of.largest_stable_step(values, momentum)
    if not 0 < largest < math.inf:
        return Best(0.0, 0.0, 1.0)
    found = optimize.minimize_scalar(
        lambda share: of.rate(values, share * largest, momentum),
        bounds=(0, 1),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return Best(largest, float(found.x) * largest, float(found.fun))


@dataclasses.dataclass(frozen=True)
class Advice:
    """What the eigenvalues of a family of rules say, for gradient descent, plain or with momentum.

    gammas, phase_factors, conditionings, largest_steps, best_steps, best_rates: by γ; ζ, τ, the largest stable η, the η
      of least rate, and that rate ρ, as `Best` has them.
    gamma, step_size, rate: the γ and η of least ρ, and that ρ; None where no step is stable for any γ.
    rotation_ends: the γ from which on all eigenvalues are real, None where there is none.
    """

    gammas: list[float]
    phase_factors: list[float]
    conditionings: list[float]
    largest_steps: list[float]
    best_steps: list[float]
    best_rates: list[float]
    gamma: float | None
    step_size: float | None
    rate: float | None
    rotation_ends: float | None

    def to_json(self) -> dict[str, Any]:
        """As a JSON object, null for infinite numbers."""
        finite = lambda value: None if isinstance(value, float) and math.isinf(value) else value
        given = dataclasses.asdict(self)
        return {k: list(map(finite, v)) if isinstance(v, list) else finite(v) for k, v in given.items()}


def advise(eigenvalues: Eigenvalues, gammas: Sequence[float], refine: bool = True, momentum: float = 0.0) -> Advice:
    """Eigenvalues over γ, and the best γ and η.

    Args:
      eigenvalues: λ by γ.
      gammas: positive, increasing.
      refine: whether to look for the best γ, and for that at which rotation ends, between those; else they are of
        `gammas`.
      momentum: β of heavy-ball momentum, 0 ≤ β < 1.
    """
    rows = [eigenvalues(gamma) for gamma in gammas]
    bests, phases = [best(row, momentum) for row in rows], [of.phase_factor(row) for row in rows]
    index = min(range(len(rows)), key=lambda i: bests[i].rate)
    gamma, least = gammas[index], bests[index]
    if refine and least.step:
        near = [math.log(gammas[max(index - 1, 0)]), math.log(gammas[min(index + 1, len(gammas) - 1)])]
        found = optimize.minimize_scalar(
            lambda log: best(eigenvalues(math.exp(log)), momentum).rate,
            bounds=near,
            method="bounded",
            options={"xatol": 1e-6},
        )
        if found.fun < least.rate:
            gamma = math.exp(float(found.x))
            least = best(eigenvalues(gamma), momentum)
    return Advice(
        gammas=list(gammas),
        phase_factors=phases,
        conditionings=[of.conditioning(row) for row in rows],
        largest_steps=[one.largest_step for one in bests],
        best_steps=[one.step for one in bests],
        best_rates=[one.rate for one in bests],
        gamma=gamma if least.step else None,
        step_size=least.step or None,
        rate=least.rate if least.step else None,
        rotation_ends=_rotation_ends(eigenvalues, gammas, phases, refine),
    )


def _rotation_ends(
    eigenvalues: Eigenvalues, gammas: Sequence[float], phases: Sequence[float], refine: bool
) -> float | None:
    rotates = [phase > _REAL for phase in phases]
    if rotates[-1]:
        return None
    last = max((i for i, one in enumerate(rotates) if one), default=-1)
    if last < 0 or not refine:
        return gammas[last + 1]
    turns = lambda gamma: of.phase_factor(eigenvalues(gamma)) > _REAL
    return bisect(turns, gammas[last], gammas[last + 1], tolerance=1e-8)[1]


class Family(NamedTuple):
    """The Jacobian J + γ K of direction_γ = ξ + γ c, of a coupled rule at a point of a game.

    jacobian: J = ∂ξ/∂w, [n, n].
    coupling: K = ∂c/∂w; at an equilibrium (C ∘ J)ᵀJ.
    slowest: eigenvalues smaller than this share of the largest are left out.
    """

    jacobian: np.ndarray
    coupling: np.ndarray
    slowest: float = 0.0

    def eigenvalues(self, gamma: float) -> np.ndarray:
        """λ, with which gradient descent multiplies by 1 + ηλ."""
        return of.nonzero(-np.linalg.eigvals(self.jacobian + gamma * self.coupling), max(self.slowest, 1e-12))

    def lazy_rate(self, gamma: float, step: float, every: int) -> float:
        """ρ of a step under `lazy(rule, every)`: a period multiplies by (1 − ηJ)^{k−1} (1 − η(J + kγK)), k = every."""
        still = np.eye(len(self.jacobian))
        strong = still - step * (self.jacobian + every * gamma * self.coupling)
        matrix = np.linalg.matrix_power(still - step * self.jacobian, every - 1) @ strong
        sizes = np.abs(spectrum.moving(np.linalg.eigvals(matrix)))
        return float(sizes.max(initial=0.0) ** (1 / every))

    def lazy(self, gamma: float, step: float) -> int | None:
        """The largest period of `lazy` that keeps 90 % of the convergence −log ρ at that γ and step; None where none
        converges."""
        wanted = -math.log(self.lazy_rate(gamma, step, 1))
        kept = 1
        for every in _LAZY:
            if -math.log(self.lazy_rate(gamma, step, every)) < _KEPT * wanted:
                break
            kept = every
        return kept if wanted > 0 else None


def family(
    game: TwoPlayerGame,
    rule: JacobianCoupling,
    point: Point,
    batch: Batch,
    slowest: float = 0.0,
    preconditioner: np.ndarray | float = 1.0,
) -> Family:
    """P J and P K of a coupled rule, whatever its γ, by two dense Jacobians (`spectrum.linearize`).

    Args:
      game: the game.
      rule: the rule.
      point: where.
      batch: the samples that stand for the expectations.
      slowest: as `Family` has it.
      preconditioner: P's diagonal, [n] or one number (`theory.preconditioner`).
    """
    plain = spectrum.linearize(game, sim_gd(), point, batch).moves[0]
    whole = spectrum.linearize(game, dataclasses.replace(rule, gamma=1.0), point, batch).moves[0]
    rows = np.reshape(preconditioner, [-1, 1])
    return Family(rows * plain, rows * (whole - plain), slowest)
