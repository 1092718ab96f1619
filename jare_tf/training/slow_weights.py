"""The slow copies of the weights that a schedule pulls back to."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from jare_tf.dynamics.schedule import PullBack


class SlowWeights:
    """After step t = 1, 2, ... each of `pull_backs` whose period divides t: s ← s + factor · (w − s), w ← s.

    A later one takes the copies of those before it along, whose periods divide its own.

    Args:
      new_weight: makes a variable of a name and a first value.
      weights: w, the variables that are trained.
      pull_backs: what the schedule says.

    Attributes:
      variables: s of each, in its order.
    """

    def __init__(
        self,
        new_weight: Callable[[str, tf.Tensor], keras.Variable],
        weights: Sequence[keras.Variable],
        pull_backs: Sequence[PullBack],
    ):
        self._weights, self._pull_backs = weights, pull_backs
        self.variables = [[new_weight("slow", weight.value) for weight in weights] for _ in pull_backs]

    def advance(self, step) -> None:
        """Pulls the weights back where step number `step`, counted from 0, was the last of a period."""
        if not self._pull_backs:
            return
        pulls = [((step + 1) % period == 0, factor) for period, factor in self._pull_backs]
        for weight, *copies in zip(self._weights, *self.variables, strict=True):
            now = tf.convert_to_tensor(weight.value)
            for (due, factor), slow in zip(pulls, copies, strict=True):
                now = tf.where(due, slow.value + tf.cast(factor, now.dtype) * (now - slow.value), now)
            for (due, _), slow in zip(pulls, copies, strict=True):
                slow.assign(tf.where(due, now, slow.value))
            weight.assign(now)
