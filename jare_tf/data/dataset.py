"""What training asks of a data set."""

import abc

import numpy as np
import tensorflow as tf


class Dataset(abc.ABC):
    """Real samples, drawn by number: batch `counter` is a pure function of (seed, counter).

    Attributes:
      name: how messages call it.
      element_shape: shape of one sample, without the batch axis.
      drawn_by_xla: whether `batch` may stand inside a function compiled by XLA.
    """

    name: str
    element_shape: tuple[int, ...]
    drawn_by_xla: bool

    @abc.abstractmethod
    def batch(self, counter, batch_size: int, seed) -> tf.Tensor:
        """Batch number `counter`: [batch_size, *element_shape], float32 as the networks take it or uint8 pixels."""

    def expectation(self, count: int, seed: int) -> np.ndarray:
        """About `count` samples that stand for the distribution where an expectation is wanted: a batch by default.

        Each half of them stands for it as well, so that rules which compare halves (`debiased`) see it.
        """
        return np.asarray(self.batch(0, count, seed))


def as_floats(real: tf.Tensor) -> tf.Tensor:
    """Real samples as the networks take them: integers are pixels 0 ... 255, scaled to [−1, 1]; floats stay."""
    return tf.cast(real, tf.float32) / 127.5 - 1.0 if real.dtype.is_integer else real
