"""Optimistic gradient descent."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.rule import Rule, Update
from jare_tf.dynamics.vector_field import vector_field
from jare_tf.game.game import TwoPlayerGame
from jare_tf.types import Batch, Players, Point


@dataclasses.dataclass(frozen=True)
class optimistic(Rule):
    """Optimistic gradient descent: direction = 2ξ(w_t) − ξ(w_{t−1}) (Daskalakis et al. 2018, eq. 4).

    It remembers one gradient; before the first step that is zero, so that the first direction is 2ξ. With a momentum
    optimizer on top it is no longer the published method, which is for plain gradient descent; with Adam on top it is
    not their Optimistic Adam, which extrapolates Adam's own direction. A step costs one evaluation of ξ.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> [bilinear.direction(jare_tf.optimistic(), theta=1.0, phi=2.0, updates=n) for n in (1, 2)]  # 2ξ, then 2ξ − ξ
      [Players(discriminator=-4.0, generator=2.0), Players(discriminator=-2.0, generator=1.0)]
      >>> bilinear.rate(jare_tf.optimistic(), step=0.5)  # |μ| of μ² − (1 − i)μ − ½i = (μ − ½(1 − i))²
      0.7071...
    """

    differentiates_twice = False

    def memory(self, point: Point) -> Players:
        return tf.nest.map_structure(tf.zeros_like, point.parameters)

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory: Players) -> Update:
        here = vector_field(game, point, batch)
        direction = tf.nest.map_structure(lambda now, before: 2 * now - before, here.gradient, memory)
        return Update(direction=direction, evaluation=here, memory=here.gradient)
