"""Rules of a player that foresees the other player's step: LookAhead, LOLA and SOS."""

import abc
import dataclasses
from typing import Annotated

import tensorflow as tf

from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import (
    OFF_DIAGONAL,
    cross_gradient,
    evaluation_and_products,
    inner_product,
    squared_norm,
)
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import Fraction, NonNegative, Range, checked
from jare_tf.types import Batch, Point

_Part = Annotated[float, Range(above=0, below=1)]


class OpponentShaping(Rule):
    """direction = ξ − s J_o ξ − p s J_oᵀ c, with the off-diagonal blocks J_o of the Jacobian and c = (∇θ ℓ_G, ∇φ ℓ_D).

    The first two terms are to first order each player's gradient where the other is about to be, s times its gradient
    away; the last is what a player gains by moving the other's step. `shaping` says p.
    """

    step: float
    in_float16 = False

    @abc.abstractmethod
    def factor(self, xi, foreseeing, shaping) -> tf.Tensor:
        """p, from ξ, ξ − s J_o ξ and −s J_oᵀ c."""

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        crossed = cross_gradient(game, point, batch)
        here, transposed, product = evaluation_and_products(game, point, batch, OFF_DIAGONAL, crossed)
        xi = here.gradient
        foreseeing = tf.nest.map_structure(lambda g, term: g - self.step * term, xi, product)
        shaping = tf.nest.map_structure(lambda term: -self.step * term, transposed)
        factor = self.factor(xi, foreseeing, shaping)
        direction = tf.nest.map_structure(lambda a, b: a + tf.cast(factor, b.dtype) * b, foreseeing, shaping)
        return Update(direction=direction, evaluation=here)


@checked
@dataclasses.dataclass(frozen=True)
class lola(OpponentShaping):
    """Learning with opponent-learning awareness, to first order (Foerster et al. 2018; Letcher et al. 2019).

    direction = ξ − s J_o ξ − p s J_oᵀ (∇θ ℓ_G, ∇φ ℓ_D), J_o the off-diagonal blocks ∂φ∇θ ℓ_D, ∂θ∇φ ℓ_G of the Jacobian.

    With p = 1 that is LOLA, with p = 0 LookAhead (Letcher et al. 2019): each player's gradient where the other will be.
    In a zero-sum game both are JARE: J_oᵀ = −J_o and the last two terms are equal, so that `lola(s, shaping=0)` is
    `jare(gamma=s)` and `lola(s)` is `jare(gamma=2 * s)`. With the non-saturating loss they differ. LOLA's fixed points
    need not be the game's: on ℓ_D = (x + y)² − 2x, ℓ_G = (x + y)² − 2y, where ξ = 0 at x + y = 1, it rests at x + y =
    (1 − 2s)/(1 − 4s).

    With the learning rate s, plain gradient descent and simultaneous moves it is the published method. A step costs ξ,
    the other two gradients, J_o ξ and J_oᵀ c.

    Args:
      step: s, finite and not negative, how far the other player is expected to step.
      shaping: p, from 0 to 1.

    Raises:
      InputError: step is negative, infinite or NaN, or shaping is not from 0 to 1.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.direction(jare_tf.lola(step=0.5, shaping=0.0), theta=1.0, phi=2.0)  # (−φ + sθ, θ + sφ)
      Players(discriminator=-1.5, generator=2.0)
      >>> bilinear.direction(jare_tf.lola(step=0.5), theta=1.0, phi=2.0)  # (−φ + 2sθ, θ + 2sφ)
      Players(discriminator=-1.0, generator=3.0)
    """

    step: NonNegative
    shaping: Fraction = 1.0

    def factor(self, xi, foreseeing, shaping):
        return tf.constant(self.shaping, tf.nest.flatten(xi)[0].dtype)


@checked
@dataclasses.dataclass(frozen=True)
class stable_opponent_shaping(OpponentShaping):
    """Stable opponent shaping, SOS (Letcher et al. 2019, Algorithm 1).

    direction = ξ_0 + p χ with ξ_0 = ξ − s J_o ξ, χ = −s J_oᵀ (∇θ ℓ_G, ∇φ ℓ_D) and p = min(p_1, p_2): p_1 = 1 if
    ⟨χ, ξ_0⟩ ≥ 0, else min(1, −a ‖ξ_0‖²/⟨χ, ξ_0⟩), so that p χ never turns ξ_0 round; p_2 = ‖ξ‖² if ‖ξ‖ < b, else 1,
    so that its fixed points are those of the game. It is `lola` far from them, LookAhead close to them.

    A step costs what `lola` does.

    Args:
      step: s, finite and not negative; the published method takes the learning rate.
      a: how much of ξ_0 may be undone, above 0 and below 1; theirs is 0.5.
      b: the ‖ξ‖ below which p falls to 0, above 0 and below 1; theirs is 0.1.

    Raises:
      InputError: step is negative, infinite or NaN, a or b is out of its range.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> rule = jare_tf.stable_opponent_shaping(step=0.5, b=0.5)
      >>> bilinear.direction(rule, theta=0.0, phi=2.0)  # p = 1: (−φ + 2sθ, θ + 2sφ)
      Players(discriminator=-2.0, generator=2.0)
      >>> bilinear.direction(rule, theta=0.0, phi=0.25)  # p = φ²: (−φ, s(1 + φ²)φ)
      Players(discriminator=-0.25, generator=0.1328125)
    """

    step: NonNegative
    a: _Part = 0.5
    b: _Part = 0.1

    def factor(self, xi, foreseeing, shaping):
        along, size = inner_product(shaping, foreseeing), squared_norm(xi)
        one = tf.ones_like(size)
        # Inside where, so that neither branch divides by zero, whose derivative would be NaN.
        against = tf.where(along < 0, along, -one)
        first = tf.where(along < 0, tf.minimum(one, -self.a * squared_norm(foreseeing) / against), one)
        return tf.minimum(first, tf.where(size < self.b**2, size, one))
