"""Who moves when. A schedule composes with every rule: it only chooses whose part of the direction is applied."""

import abc
import dataclasses

from jare_tf.serializable import Serializable
from jare_tf.settings import Count, checked
from jare_tf.types import Players


class Schedule(Serializable, abc.ABC):
    """One training step as a sequence of moves: in each, the rule is evaluated anew and the named players move.

    Attributes:
      moves: Players of booleans, one for each move. The training program gives every move a batch of its own; `fit`
        has one batch of real samples for all moves of a step, and latent vectors for each.
    """

    moves: tuple[Players, ...]
    in_words = "a schedule such as Alternating()"


@dataclasses.dataclass(frozen=True)
class Simultaneous(Schedule):
    """Both players move at once, from the same point and batch (JARE eq. 2; ConOpt Alg. 1)."""

    moves = (Players(discriminator=True, generator=True),)


@checked
@dataclasses.dataclass(frozen=True)
class Alternating(Schedule):
    """The discriminator moves `n_discriminator` times, then the generator `n_generator` times (ConOpt Alg. 3).

    Every move starts where the previous one led.

    Raises:
      InputError: a number is no integer of at least 1.
    """

    n_discriminator: Count = 1
    n_generator: Count = 1

    @property
    def moves(self) -> tuple[Players, ...]:  # type: ignore[override]  # frozen: nobody writes it
        return (Players(True, False),) * self.n_discriminator + (Players(False, True),) * self.n_generator
