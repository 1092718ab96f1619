"""What an update rule is."""

import abc
import math
from typing import Any, NamedTuple

from jare_tf.dynamics.vector_field import Evaluation
from jare_tf.game.game import TwoPlayerGame
from jare_tf.serializable import Serializable
from jare_tf.types import Batch, Players, Point

NOTHING = Players(discriminator=(), generator=())
_SETTLED = 0.01  # what is left of a start when a memory counts as settled


class Update(NamedTuple):
    """What a rule proposes at a point.

    direction: Players of tuples of tensors; an optimizer subtracts it as it would a gradient.
    evaluation: the game at the point, for losses, gradient norms and the networks' next state.
    regularizer: Players of scalars, what the rule adds to each player's loss, zero where it adds nothing.
    memory: what the rule remembers for its next update, in the structure of `Rule.memory`.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> update = jare_tf.jare(gamma=0.5).update(bilinear, bilinear.point(theta=1.0, phi=2.0), batch=None)
      >>> float(update.regularizer.generator), float(update.evaluation.losses.generator)  # ½γ‖∇θ ℓ_D‖² = ½γφ², ℓ_G = θφ
      (1.0, 2.0)
    """

    direction: Players
    evaluation: Evaluation
    regularizer: Players = Players(discriminator=0.0, generator=0.0)
    memory: Players = NOTHING


class Rule(Serializable, abc.ABC):
    """An update rule: from a game, a point and a batch to the direction that each player's optimizer descends.

    A rule is a pure function and knows nothing of optimizers or of who moves when (see `schedule`), so that it composes
    with every one of them. What it remembers from move to move goes in and out as `memory`, a part for each player, and
    a player's part changes only when that player moves.

    Attributes:
      period: after how many moves a rule that alternates between several formulae begins anew; 1 for most.
      settles: after how many periods at one point its memory is what it stays there, or nearly; 1 for most.
      differentiates_twice: whether its direction has second derivatives of the losses in it, as most rules' has.
      in_float16: whether its direction is right in float16, under a loss scale; `GAN` refuses one that is not.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> from jare_tf.dynamics.vector_field import vector_field
      >>> class Signs(jare_tf.Rule):
      ...     def update(self, game, point, batch, memory):
      ...         here = vector_field(game, point, batch)
      ...         return jare_tf.Update(tf.nest.map_structure(tf.sign, here.gradient), here)
      >>> bilinear.direction(Signs(), theta=1.0, phi=2.0)
      Players(discriminator=-1.0, generator=1.0)
    """

    period: int = 1
    settles: int = 1
    differentiates_twice: bool = True
    in_float16: bool = True
    in_words = "an update rule such as jare(gamma=100.0)"

    def memory(self, point: Point) -> Players:
        """What the rule remembers before its first update, Players of nests of tensors; nothing by default."""
        return NOTHING

    @abc.abstractmethod
    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory: Any) -> Update:
        """The direction at `point`, estimated on `batch`."""


class Wrapper(Rule):
    """A rule that changes what another one, its field `rule`, gives: the attributes and the memory are that one's.

    A subclass is a dataclass with the field.
    """

    rule: Rule

    @property
    def period(self) -> int:  # type: ignore[override]  # frozen: nobody writes it
        return self.rule.period

    @property
    def settles(self) -> int:  # type: ignore[override]
        return self.rule.settles

    @property
    def differentiates_twice(self) -> bool:  # type: ignore[override]
        return self.rule.differentiates_twice

    @property
    def in_float16(self) -> bool:  # type: ignore[override]
        return self.rule.in_float16

    def memory(self, point: Point) -> Players:
        return self.rule.memory(point)


def within(rule: Rule, kind: type) -> bool:
    """Whether a rule is of a kind, or wraps one that is."""
    return isinstance(rule, kind) or (hasattr(rule, "rule") and within(rule.rule, kind))


def settled_after(decay: float) -> int:
    """How many updates settle a memory that keeps `decay` of what it was, −1 < decay < 1, at each of them."""
    return math.ceil(math.log(_SETTLED) / math.log(abs(decay))) if decay else 1
