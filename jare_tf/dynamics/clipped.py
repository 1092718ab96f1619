"""Rules with a bounded direction."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.rule import Rule, Update, Wrapper
from jare_tf.dynamics.vector_field import squared_norm
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import Positive, checked
from jare_tf.types import Batch, Players, Point


@checked
@dataclasses.dataclass(frozen=True)
class clipped(Wrapper):
    """A rule whose direction d has at most Euclidean norm c: d · min(1, c / ‖d‖).

    The norm is that of both players' parts together, so that d keeps its direction in the game, which clipping each
    player by itself (`global_clipnorm` of a Keras optimizer) does not. A direction that is not finite stays so.

    Args:
      rule: any rule.
      norm: c, positive and finite.

    Raises:
      InputError: norm is not positive and finite, or rule is no rule.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.direction(jare_tf.clipped(jare_tf.sim_gd(), norm=2.5), theta=3.0, phi=4.0)  # ‖ξ‖ = 5
      Players(discriminator=-2.0, generator=1.5)
    """

    rule: Rule
    norm: Positive

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory: Players) -> Update:
        update = self.rule.update(game, point, batch, memory)
        # In units of the largest entry, or of c where that is larger, nothing overflows. At the equilibrium ‖d‖ = 0 has
        # no derivative; the larger of ‖d‖² and c² has.
        largest = [tf.reduce_max(tf.abs(d)) for d in tf.nest.flatten(update.direction)]
        unit = tf.stop_gradient(tf.reduce_max([*largest, tf.cast(self.norm, largest[0].dtype)]))
        scaled = tf.nest.map_structure(lambda d: d / unit, update.direction)
        length = self.norm * tf.math.rsqrt(tf.maximum(squared_norm(scaled), tf.square(self.norm / unit)))
        return update._replace(direction=tf.nest.map_structure(lambda d: length * d, scaled))
