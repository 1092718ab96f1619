"""Rules that regularise only now and then."""

import dataclasses

import tensorflow as tf

from jare_tf import replicas
from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.dynamics.rule import Rule, Update, Wrapper
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import Count, checked
from jare_tf.types import Batch, Players, Point, each_player


@checked
@dataclasses.dataclass(frozen=True)
class lazy(Wrapper):
    """A rule whose difference from ξ is added k-fold in every k-th move, and not at all in the others.

    direction = ξ + k (d − ξ) for the direction d of `rule` in a player's moves 0, k, 2k, ..., else ξ. For a preset that
    is the preset with γ·k in every k-th move: the same regularisation on average, for little more than the cost of
    simultaneous gradient descent (as StyleGAN2 does with R1; Karras et al. 2020, section 3.1). Near an equilibrium k
    moves multiply the error by (I + η A_0)^(k−1) (I + η A_k), with A_0 = −J and A_k the Jacobian at γ·k: the move with
    γ·k must be stable by itself or nearly so, which bounds η·γ·k.

    Its metrics `regularizer/` are those of the player's last regularised move, not k-fold.

    On several replicas every move computes d, and nothing is saved: TensorFlow cannot average over them in a branch.

    Args:
      rule: any rule whose difference from ξ means something by itself; the presets' does.
      every: k, at least 1.

    Raises:
      InputError: every is less than 1, or rule is no rule.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> rule = jare_tf.lazy(jare_tf.jare(gamma=0.5), every=2)
      >>> [bilinear.direction(rule, theta=1.0, phi=2.0, updates=n) for n in (1, 2)]  # (−φ + 2γθ, θ + 2γφ), then ξ
      [Players(discriminator=-1.0, generator=3.0), Players(discriminator=-2.0, generator=1.0)]
    """

    rule: Rule
    every: Count

    @property
    def period(self) -> int:  # type: ignore[override]  # frozen: nobody writes it
        return self.every * self.rule.period

    def memory(self, point: Point) -> Players:
        """For each player its number of moves, its last regularizer, and the rule's own memory."""
        nothing = tf.zeros((), tf.nest.flatten(point.parameters)[0].dtype)
        return each_player(lambda inner: (tf.zeros((), tf.int64), nothing, inner), self.rule.memory(point))

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory: Players) -> Update:
        moves, regularizer, inner = (each_player(lambda part, i=i: part[i], memory) for i in range(3))
        due = each_player(lambda count: count % self.every == 0, moves)

        def regularised():
            update = self.rule.update(game, point, batch, inner)
            more = each_player(self._more, update.evaluation.gradient, update.direction)
            return Update(
                direction=each_player(_if, due, more, update.evaluation.gradient),
                evaluation=update.evaluation,
                regularizer=each_player(_if, due, update.regularizer, regularizer),
                memory=each_player(_if, due, update.memory, inner),
            )

        def plain():
            return sim_gd().update(game, point, batch)._replace(regularizer=regularizer, memory=inner)

        either = due.discriminator | due.generator
        update = tf.cond(either, regularised, plain) if replicas.count() == 1 else regularised()
        memory = each_player(
            lambda count, value, part: (count + 1, value, part), moves, update.regularizer, update.memory
        )
        return update._replace(memory=memory)

    def _more(self, gradient, direction):
        return tf.nest.map_structure(lambda xi, d: xi + self.every * (d - xi), gradient, direction)


def _if(condition, then, otherwise):
    """`then` or `otherwise`, nests of tensors."""
    return tf.nest.map_structure(lambda a, b: tf.where(condition, tf.cast(a, b.dtype), b), then, otherwise)
