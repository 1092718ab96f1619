"""Integrators of the game's flow: Heun's method and the classical method of Runge and Kutta."""

import dataclasses
from typing import ClassVar

import tensorflow as tf

from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.dynamics.rule import NOTHING, Rule, Update, Wrapper
from jare_tf.dynamics.vector_field import vector_field
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import NonNegative, checked
from jare_tf.types import Batch, Players, Point


class RungeKutta(Wrapper):
    """An explicit Runge–Kutta method whose every stage starts from the one before it.

    k_1 = ξ(w) + (d(w) − ξ(w))/b_1, k_{i+1} = ξ(w − a_i s k_i), direction = Σ_i b_i k_i, with the direction d of `rule`.
    A subclass is a dataclass with the fields `step`, which is s, and `rule`.

    Attributes:
      nodes: a_1, ..., a_{m−1}.
      weights: b_1, ..., b_m, whose sum is 1; b_1 is not 0.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> import dataclasses
      >>> @dataclasses.dataclass(frozen=True)
      ... class Ralston(jare_tf.rules.RungeKutta):
      ...     step: float
      ...     rule: jare_tf.Rule = jare_tf.sim_gd()
      ...     nodes, weights = (2 / 3,), (1 / 4, 3 / 4)
      >>> bilinear.rate(Ralston(step=1.0), step=1.0)  # |1 − z + z²/2|² = 1 + s⁴/4, as every method of second order
      1.1180...
    """

    step: float
    nodes: ClassVar[tuple[float, ...]]
    weights: ClassVar[tuple[float, ...]]

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        update = self.rule.update(game, point, batch, memory)
        first = self.weights[0]
        stage = tf.nest.map_structure(lambda xi, d: xi + (d - xi) / first, update.evaluation.gradient, update.direction)
        total = _times(first, stage)
        for node, weight in zip(self.nodes, self.weights[1:], strict=True):
            stage = vector_field(game, point.descended(stage, node * self.step), batch).gradient
            total = tf.nest.map_structure(tf.add, total, _times(weight, stage))
        return update._replace(direction=total)


def _times(factor: float, stage: Players) -> Players:
    return tf.nest.map_structure(lambda part: factor * part, stage)


@checked
@dataclasses.dataclass(frozen=True)
class heun(RungeKutta):
    """Heun's method, of second order, as ODE-GAN uses it (Qin et al. 2020).

    k_1 = ξ(w) + 2 (d(w) − ξ(w)), k_2 = ξ(w − s k_1), direction = ½ (k_1 + k_2), with the direction d of `rule`, so that
    what the rule adds to ξ is in the first stage only. All stages see the same batch.

    With the learning rate s, plain gradient descent and a rule that adds nothing it follows ẇ = −ξ(w) with an error
    O(s³) a step: along an eigenvector of J with eigenvalue λ it multiplies by 1 − z + z²/2, z = sλ. On the bilinear
    game that is |μ|² = 1 + s⁴/4: it spirals out, if slowly. A step costs that of `rule` and one evaluation of ξ.

    Args:
      step: s, finite and not negative; the published method takes the learning rate. The stages are plain gradient
        descent, whatever optimizer applies the direction.
      rule: what regularises, ODE-GAN's being `discriminator_only(gamma=2 * r)` for its weight r; by default nothing.

    Raises:
      InputError: step is negative, infinite or NaN, or rule is no rule.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.rate(jare_tf.heun(step=1.0), step=1.0)  # √(1 + s⁴/4)
      1.1180...
    """

    nodes: ClassVar = (1.0,)
    weights: ClassVar = (1 / 2, 1 / 2)

    step: NonNegative
    rule: Rule = sim_gd()


@checked
@dataclasses.dataclass(frozen=True)
class runge_kutta4(RungeKutta):
    """The classical Runge–Kutta method, of fourth order, as ODE-GAN uses it (Qin et al. 2020).

    k_1 = ξ(w) + 6 (d(w) − ξ(w)), k_2 = ξ(w − ½ s k_1), k_3 = ξ(w − ½ s k_2), k_4 = ξ(w − s k_3), direction =
    (k_1 + 2 k_2 + 2 k_3 + k_4)/6, with the direction d of `rule`: what the rule adds to ξ is in the first stage only.
    All stages see the same batch.

    Along an eigenvector of J with eigenvalue λ it multiplies by Σ_{k ≤ 4} (−sλ)^k/k!, on the bilinear game
    |μ|² = 1 − s⁶/72 + s⁸/576, so that it spirals in for s < 2√2. A step costs that of `rule` and three evaluations of
    ξ.

    Args:
      step: s, finite and not negative; the published method takes the learning rate, with plain gradient descent.
      rule: what regularises, as for `heun`.

    Raises:
      InputError: step is negative, infinite or NaN, or rule is no rule.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.rate(jare_tf.runge_kutta4(step=1.0), step=1.0) ** 2  # 1 − 1/72 + 1/576
      0.9878...
    """

    nodes: ClassVar = (1 / 2, 1 / 2, 1.0)
    weights: ClassVar = (1 / 6, 1 / 3, 1 / 3, 1 / 6)

    step: NonNegative
    rule: Rule = sim_gd()
