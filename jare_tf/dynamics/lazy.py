"""Rules that regularise only now and then."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.dynamics.rule import Rule, Update
from jare_tf.errors import InputError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.types import Batch, Players, Point, each_player


@dataclasses.dataclass(frozen=True)
class lazy(Rule):
    """A rule whose difference from ξ is added k-fold in every k-th move, and not at all in the others.

    direction = ξ + k (d − ξ) for the direction d of `rule` in a player's moves 0, k, 2k, ..., else ξ. For a preset that
    is the preset with γ·k in every k-th move: the same regularisation on average, for little more than the cost of
    simultaneous gradient descent (as StyleGAN2 does with R1; Karras et al. 2020, section 3.1). Near an equilibrium k
    moves multiply the error by (I + η A_0)^(k−1) (I + η A_k), with A_0 = −J and A_k the Jacobian at γ·k: the move with
    γ·k must be stable by itself or nearly so, which bounds η·γ·k.

    A metric `regularizer/` is k-fold in the moves that have it and 0 in the others.

    Args:
      rule: any rule whose difference from ξ means something by itself; the presets' does.
      every: k, at least 1.

    Raises:
      InputError: every is less than 1, or rule is no rule.
    """

    rule: Rule
    every: int

    def __post_init__(self):
        if not isinstance(self.rule, Rule):
            raise InputError(f"lazy: rule must be a rule such as jare(gamma=10.0), not {self.rule!r}")
        if not (isinstance(self.every, int) and self.every >= 1):
            raise InputError(f"lazy: every must be an integer, at least 1, not {self.every}")

    @property
    def period(self) -> int:
        return self.every * self.rule.period

    def memory(self, point: Point) -> Players:
        return each_player(lambda inner: (tf.zeros((), tf.int64), inner), self.rule.memory(point))

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory: Players) -> Update:
        moves = each_player(lambda part: part[0], memory)
        inner = each_player(lambda part: part[1], memory)
        due = each_player(lambda count: count % self.every == 0, moves)

        def regularised():
            update = self.rule.update(game, point, batch, inner)
            regularizer = each_player(
                lambda value, loss: self.every * tf.cast(value, loss.dtype), update.regularizer, update.field.losses
            )
            return Update(
                direction=each_player(
                    _if, due, each_player(self._more, update.field.gradient, update.direction), update.field.gradient
                ),
                field=update.field,
                regularizer=each_player(_if, due, regularizer, each_player(tf.zeros_like, regularizer)),
                memory=update.memory,
            )

        def plain():
            return sim_gd().update(game, point, batch)._replace(memory=inner)

        update = tf.cond(due.discriminator | due.generator, regularised, plain)
        return update._replace(memory=each_player(lambda count, part: (count + 1, part), moves, update.memory))

    def _more(self, gradient, direction):
        return tf.nest.map_structure(lambda xi, d: xi + self.every * (d - xi), gradient, direction)


def _if(condition, then, otherwise):
    """`then` or `otherwise`, nests of tensors."""
    return tf.nest.map_structure(lambda a, b: tf.where(condition, a, b), then, otherwise)
