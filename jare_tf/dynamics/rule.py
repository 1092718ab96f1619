"""What an update rule is."""

import abc
from typing import NamedTuple

from jare_tf.dynamics.field import Field
from jare_tf.game.game import TwoPlayerGame
from jare_tf.types import Batch, Players, Point


class Update(NamedTuple):
    """What a rule proposes at a point.

    direction: Players of tuples of tensors; an optimizer subtracts it as it would a gradient.
    field: the game at the point, for losses, gradient norms and the networks' next state.
    regularizer: Players of scalars, what the rule adds to each player's loss, zero where it adds nothing.
    """

    direction: Players
    field: Field
    regularizer: Players


class Rule(abc.ABC):
    """An update rule: from a game, a point and a batch to the direction that each player's optimizer descends.

    A rule has no state and knows nothing of optimizers or of who moves when (see `schedule`), so that it composes with
    every one of them.
    """

    @abc.abstractmethod
    def update(self, game: TwoPlayerGame, point: Point, batch: Batch) -> Update:
        """The direction at `point`, estimated on `batch`."""
