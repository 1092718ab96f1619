"""Momentum of either sign."""

import dataclasses
from typing import Annotated

import tensorflow as tf

from jare_tf.dynamics.rule import Rule, Update, Wrapper, settled_after
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import Range, checked
from jare_tf.types import Batch, Players, Point, each_player


@checked
@dataclasses.dataclass(frozen=True)
class momentum(Wrapper):
    """Heavy-ball momentum, which may be negative (Gidel et al. 2019, "Negative momentum for improved game dynamics").

    direction = v_{t+1} = β v_t + d(w_t), v_0 = 0, with the direction d of `rule`: under plain gradient descent
    w_{t+1} = w_t − η d + β (w_t − w_{t−1}). A player's velocity changes in its own moves only.

    An eigenvalue λ of J gives μ² − (1 + β − ηλ) μ + β = 0 where both players move at once; on the bilinear game that is
    unstable for every β. There alternating moves (`schedule=Alternating(1, 1)`) are what negative momentum is for:
    (μ − 1)² (μ − β)² + η² b² μ³ = 0 with λ = ±ib, all |μ| < 1 for β = −½ and 0 < ηb < 1. A step costs that of `rule`.

    Args:
      rule: whose directions are summed.
      beta: β, above −1 and below 1. `keras.optimizers.SGD(momentum=...)` has none below 0.

    Raises:
      InputError: beta is not above −1 and below 1, or rule is no rule.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> rule = jare_tf.momentum(jare_tf.sim_gd(), beta=-0.5)
      >>> bilinear.direction(rule, theta=1.0, phi=2.0, updates=2)  # ξ + βξ
      Players(discriminator=-1.0, generator=0.5)
      >>> bilinear.rate(rule, step=0.5), bilinear.rate(rule, step=0.5, schedule=jare_tf.Alternating())
      (1.0200..., 0.9625...)
    """

    rule: Rule
    beta: Annotated[float, Range(above=-1, below=1)]

    @property
    def settles(self) -> int:  # type: ignore[override]  # frozen: nobody writes it
        return max(self.rule.settles, settled_after(self.beta))

    def memory(self, point: Point) -> Players:
        """For each player its velocity, and the rule's own memory."""
        velocity = tf.nest.map_structure(tf.zeros_like, point.parameters)
        return each_player(lambda v, inner: (v, inner), velocity, self.rule.memory(point))

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory: Players) -> Update:
        before, inner = (each_player(lambda part, i=i: part[i], memory) for i in range(2))
        update = self.rule.update(game, point, batch, inner)
        velocity = tf.nest.map_structure(lambda v, d: self.beta * v + d, before, update.direction)
        memory = each_player(lambda v, part: (v, part), velocity, update.memory)
        return update._replace(direction=velocity, memory=memory)
