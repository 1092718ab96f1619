"""Who moves when. A schedule composes with every rule: it only chooses whose part of the direction is applied."""

import abc

from jare_tf.errors import InputError
from jare_tf.types import Players


class Schedule(abc.ABC):
    """One training step as a sequence of moves: in each, the rule is evaluated anew and the named players move.

    Attributes:
      moves: Players of booleans, one for each move. The training program gives every move a batch of its own; `fit`
        has one batch of real samples for all moves of a step, and latent vectors for each.
    """

    moves: tuple[Players, ...]


class Simultaneous(Schedule):
    """Both players move at once, from the same point and batch (JARE eq. 2; ConOpt Alg. 1)."""

    moves = (Players(discriminator=True, generator=True),)


class Alternating(Schedule):
    """The discriminator moves `n_discriminator` times, then the generator `n_generator` times (ConOpt Alg. 3).

    Every move starts where the previous one led.

    Raises:
      InputError: a number is less than 1.
    """

    def __init__(self, n_discriminator: int = 1, n_generator: int = 1):
        if min(n_discriminator, n_generator) < 1:
            raise InputError(f"Alternating: both numbers must be at least 1, not {n_discriminator} and {n_generator}")
        discriminator, generator = Players(True, False), Players(False, True)
        self.moves = (discriminator,) * n_discriminator + (generator,) * n_generator
