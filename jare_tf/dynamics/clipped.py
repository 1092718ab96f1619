"""Rules with a bounded direction."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.field import squared_norm
from jare_tf.dynamics.rule import Rule, Update
from jare_tf.errors import InputError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.types import Batch, Players, Point


@dataclasses.dataclass(frozen=True)
class clipped(Rule):
    """A rule whose direction d has at most Euclidean norm c: d · min(1, c / ‖d‖).

    The norm is that of both players' parts together, so that d keeps its direction in the game, which clipping each
    player by itself (`global_clipnorm` of a Keras optimizer) does not. A direction that is not finite stays so.

    Args:
      rule: any rule.
      norm: c, positive.

    Raises:
      InputError: norm is not positive, or rule is no rule.
    """

    rule: Rule
    norm: float

    def __post_init__(self):
        if not isinstance(self.rule, Rule):
            raise InputError(f"clipped: rule must be a rule such as jare(gamma=10.0), not {self.rule!r}")
        if not self.norm > 0:
            raise InputError(f"clipped: norm must be positive, not {self.norm}")

    @property
    def period(self) -> int:
        return self.rule.period

    def memory(self, point: Point) -> Players:
        return self.rule.memory(point)

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory: Players) -> Update:
        update = self.rule.update(game, point, batch, memory)
        # At the equilibrium ‖d‖ = 0 has no derivative; the larger of ‖d‖² and c² has.
        square = tf.maximum(squared_norm(update.direction), self.norm**2)
        scale = self.norm * tf.math.rsqrt(square)
        return update._replace(direction=tf.nest.map_structure(lambda d: scale * d, update.direction))
