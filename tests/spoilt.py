"""A data set that spoils a run once, for configurations of tests: `experiment.Experiment.dataset = @spoilt.ring()`."""

import numpy as np
import tensorflow as tf

from jare_tf.data import synthetic
from jare_tf.data.dataset import Dataset


class _Spoilt(Dataset):
    """A ring whose batch 137 is NaN for the configured seed, and not for those that a rewind takes."""

    name, element_shape, xla_compatible = "spoilt ring", (2,), False

    def __init__(self):
        self._ring = synthetic.ring(radius=2.0, std=0.02)

    def batch(self, counter, batch_size, seed):
        spoilt = (tf.cast(counter, tf.int64) == 137) & (int(seed) < 2**31)
        return tf.where(spoilt, np.nan, self._ring.batch(counter, batch_size, seed))


def ring() -> Dataset:
    return _Spoilt()
