"""Extrapolation from the past."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.rule import Rule, Update
from jare_tf.dynamics.vector_field import vector_field
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import NonNegative, checked
from jare_tf.types import Batch, Players, Point


@checked
@dataclasses.dataclass(frozen=True)
class extrapolation_from_the_past(Rule):
    """The extragradient method with the last gradient in place of the first one (Popov 1980; Gidel et al. 2019, §3.3).

    direction = g_t = ξ(w_t − s g_{t−1}), g_{−1} = 0. Losses and metrics are those of the extrapolated point.

    Under plain gradient descent with the learning rate s its extrapolated points are the iterates of `optimistic()`:
    an eigenvalue λ of J gives the two multipliers μ² − (1 − 2sλ) μ − sλ = 0, on the bilinear game stable for s < 1/√3.
    A step costs one evaluation of ξ; it remembers one gradient.

    Args:
      step: s, finite and not negative; the published method takes the learning rate. The extrapolation is plain
        gradient descent, whatever optimizer applies the direction: with Adam that is not Gidel et al.'s Adam from the
        past.

    Raises:
      InputError: step is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> rule = jare_tf.extrapolation_from_the_past(step=0.5)
      >>> bilinear.direction(rule, theta=1.0, phi=2.0, updates=2)  # g_1 at the point where g_0 = ξ: (−φ + sθ, θ + sφ)
      Players(discriminator=-1.5, generator=2.0)
      >>> [bilinear.rate(jare_tf.extrapolation_from_the_past(s), step=s) < 1 for s in (0.57, 0.58)]  # 1/√3 = 0.577...
      [True, False]
    """

    step: NonNegative
    differentiates_twice = False

    def memory(self, point: Point) -> Players:
        return tf.nest.map_structure(tf.zeros_like, point.parameters)

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory: Players) -> Update:
        ahead = vector_field(game, point.descended(memory, self.step), batch)
        return Update(direction=ahead.gradient, evaluation=ahead, memory=ahead.gradient)
