"""What training asks of a data set."""

import abc

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
