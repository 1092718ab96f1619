"""Who moves when. A schedule composes with every rule: it chooses whose part of the direction is
applied, and from where."""

import abc
import dataclasses
from typing import Literal, NamedTuple

from jare_tf.errors import InputError
from jare_tf.serializable import Serializable
from jare_tf.settings import Count, Fraction, checked
from jare_tf.types import Players

First = Literal["discriminator", "generator"]


class PullBack(NamedTuple):
    """After every `period`-th step a slow copy s of the weights w goes to s + factor · (w − s), and w to s."""

    period: int
    factor: float


class Schedule(Serializable, abc.ABC):
    """One training step as a sequence of moves: in each, the rule is evaluated anew and the named players move.

    Attributes:
      moves: Players of booleans, one for each move. The training program gives every move a batch of its own; `fit`
        has one batch of real samples for all moves of a step, and latent vectors for each.
      returns: whether every move starts from the weights before the step, so that only the last one counts and the
        others look ahead. What optimizers, networks and rules remember goes on from move to move.
      pull_backs: what happens to the weights after steps, each with a copy of its own, in this order.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> class GeneratorTwice(jare_tf.rules.Schedule):
      ...     moves = (jare_tf.Players(True, False), jare_tf.Players(False, True), jare_tf.Players(False, True))
      >>> bilinear.rate(jare_tf.jare(gamma=0.5), step=0.5, schedule=GeneratorTwice())  # √det, 1 − γη a move: 0.75^{3/2}
      0.6495...
    """

    moves: tuple[Players, ...]
    returns: bool = False
    pull_backs: tuple[PullBack, ...] = ()
    in_words = "a schedule such as Alternating()"


@dataclasses.dataclass(frozen=True)
class Simultaneous(Schedule):
    """Both players move at once, from the same point and batch (JARE eq. 2; ConOpt Alg. 1).

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.rate(jare_tf.sim_gd(), step=0.75, schedule=jare_tf.Simultaneous())  # √(1 + η²)
      1.25
    """

    moves = (Players(discriminator=True, generator=True),)


@checked
@dataclasses.dataclass(frozen=True)
class Alternating(Schedule):
    """The discriminator moves `n_discriminator` times, then the generator `n_generator` times, or the other way round.

    Every move starts where the previous one led. The generator moves first in ConOpt's Alg. 3 and in JARE's published
    code, the discriminator in ConOpt's and GradReg's. Both orders have the same spectrum: they are half a step apart.

    Args:
      n_discriminator: moves of the discriminator in a step, at least 1.
      n_generator: moves of the generator.
      first: who moves first, "discriminator" or "generator".

    Raises:
      InputError: a number is no integer of at least 1, or `first` is no player.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> rate = bilinear.rate(jare_tf.sim_gd(), step=0.75, schedule=jare_tf.Alternating())
      >>> round(rate, 9)  # μ² − (2 − η²)μ + 1 = 0, |μ| = 1 up to η = 2: it goes round
      1.0
    """

    n_discriminator: Count = 1
    n_generator: Count = 1
    first: First = "discriminator"

    @property
    def moves(self) -> tuple[Players, ...]:  # type: ignore[override]  # frozen: nobody writes it
        moves = (Players(True, False),) * self.n_discriminator, (Players(False, True),) * self.n_generator
        return sum(moves if self.first == "discriminator" else reversed(moves), ())


@dataclasses.dataclass(frozen=True)
class Extrapolating(Schedule):
    """Both players move twice from the same weights, and the second move counts (Gidel et al. 2019, Algorithm 4).

    w½ = w − step(d(w)), w' = w − step(d(w½)) with the optimizer's own steps and a batch for each: with Adam and
    `sim_gd()` that is ExtraAdam, with plain gradient descent the extragradient method; it takes every rule and every
    optimizer. Adam's moments advance in both moves. A training step costs two steps of the rule.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.rate(jare_tf.sim_gd(), step=0.5, schedule=jare_tf.Extrapolating())  # √((1 − η²)² + η²)
      0.9013...
    """

    moves = (Players(discriminator=True, generator=True),) * 2
    returns = True


@checked
@dataclasses.dataclass(frozen=True)
class Lookahead(Schedule):
    """Lookahead–minimax: every `period`-th step both players are pulled back to a slow copy of their weights.

    s ← s + α (w − s), w ← s (Chavdarova et al. 2021, Algorithm 1), with s = w before the first step; their code has it
    from the first pull on. Optimizers, batch norm and rules keep what they remember. Near an equilibrium that makes of
    the multipliers μ of a step 1 − α + α μᵏ every k steps: on the bilinear game with plain gradient descent it is
    stable for small steps exactly if α < 1 − 1/k. A schedule within makes it the nested form:
    `Lookahead(period=5000, schedule=Lookahead(period=5))` is the one with the paper's k = 5 and K = 5,000. The moving
    average of the generator takes in the weights after the pull. A step costs nothing more, each copy a copy's memory.

    Args:
      period: k, in training steps: a step of `Alternating(5, 1)` is five moves of D and one of G, as the
        paper counts.
      factor: α, from 0 to 1; 1 leaves the weights alone.
      schedule: the steps; simultaneous ones by default.

    Raises:
      InputError: an argument is not in its range, or period no multiple of that of a Lookahead within.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> for factor in (0.25, 0.75):  # |1 − α + α(1 + iη)²|^½ at η = 0.1: below 1 for α < 1 − 1/k = ½
      ...     bilinear.rate(jare_tf.sim_gd(), step=0.1, schedule=jare_tf.Lookahead(period=2, factor=factor))
      0.9993...
      1.0018...
    """

    period: Count = 5
    factor: Fraction = 0.5
    schedule: Schedule = Simultaneous()

    def __post_init__(self):
        for inner in self.schedule.pull_backs:
            if self.period % inner.period:
                raise InputError(
                    f"Lookahead: period {self.period} is not a multiple of the inner period {inner.period}"
                )

    @property
    def moves(self) -> tuple[Players, ...]:  # type: ignore[override]
        return self.schedule.moves

    @property
    def returns(self) -> bool:  # type: ignore[override]
        return self.schedule.returns

    @property
    def pull_backs(self) -> tuple[PullBack, ...]:  # type: ignore[override]
        return (*self.schedule.pull_backs, PullBack(self.period, self.factor))
