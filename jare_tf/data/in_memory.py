"""Samples that fit in memory."""

import io
import os
import zlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.data import draws
from jare_tf.data.dataset import Dataset, places
from jare_tf.errors import InputError, one_line
from jare_tf.settings import checked


class InMemory(Dataset):
    """An array of samples, in an order shuffled anew for every epoch, every sample exactly once an epoch.

    Args:
      name: how messages call it.
      samples: [n, ...], uint8 pixels or float32 as the networks take them.
      fingerprint: see `Dataset`; by default a checksum of the samples.

    Attributes:
      samples: the same, as a tensor.
    """

    xla_compatible = False  # tf.raw_ops.RandomIndexShuffle has no XLA kernel

    def __init__(self, name: str, samples, fingerprint: int | None = None):
        self.name = name
        with tf.device("CPU"):  # where the order is computed; an accelerator's memory is for the networks
            self.samples = tf.constant(samples)
        self.element_shape = tuple(self.samples.shape[1:])
        self.fingerprint = zlib.crc32(np.ascontiguousarray(samples).data) if fingerprint is None else fingerprint

    def __len__(self) -> int:
        return self.samples.shape[0]

    def batch(self, counter, batch_size: int, seed) -> tf.Tensor:
        return tf.gather(self.samples, draws.shuffled_batch(counter, batch_size, len(self), seed))

    def batches(self, first: int, batch_size: int, seed: int, rows=None) -> Callable[[tf.Tensor], tf.Tensor]:
        if rows is None:
            return super().batches(first, batch_size, seed)
        indices = lambda counter: draws.shuffled_batch(counter, batch_size, len(self), seed)
        return lambda counter: tf.gather(self.samples, tf.gather(indices(counter), rows))


@places("path")
@checked
def array_file(*, path: str) -> InMemory:
    """The samples of a .npy file: points [n, d] of any number type, or images [n, height, width, channels].

    Images are uint8 pixels, or floats in [−1, 1].

    Raises:
      InputError: the file cannot be read, or holds no such array or one with a number that is not finite.
    """
    try:
        samples = _loaded(os.path.expanduser(path))
    except Exception as error:  # NumPy raises whatever it comes upon in a broken header
        short = "mmap length" in str(error)
        reason = "it is shorter than its header says" if short else one_line(error)
        raise InputError(f"in_memory.array_file: cannot read {path}: {reason}") from error
    array = isinstance(samples, np.ndarray) and samples.ndim in (2, 4) and len(samples)
    if not array or samples.dtype.kind not in "fiu":
        held = f"{samples.dtype} {samples.shape}" if isinstance(samples, np.ndarray) else "several arrays"
        raise InputError(
            f"in_memory.array_file: {path} has to hold numbers [n, d] or [n, height, width, channels], not {held}"
        )
    if samples.ndim == 4 and samples.dtype == np.uint8:
        return InMemory(path, samples)
    with np.errstate(over="ignore"):
        samples = samples.astype(np.float32)
    if not np.isfinite(samples).all():
        raise InputError(f"in_memory.array_file: {path} has numbers that are not finite in float32")
    if samples.ndim == 4 and samples.min() >= 0:
        raise InputError(
            f"in_memory.array_file: {path} has images between {samples.min():g} and {samples.max():g}: give uint8 "
            "pixels 0 ... 255 or floats in [−1, 1]"
        )
    return InMemory(path, samples)


def _loaded(path: str) -> np.ndarray:
    """What NumPy reads from a file; one of this machine is mapped, so that nothing is taken on its header's word."""
    with files.opened(path) as file:
        if not files.local(path):
            return np.load(io.BytesIO(file.read()), allow_pickle=False)
    with np.errstate(over="ignore"):
        return np.load(path, mmap_mode="r", allow_pickle=False)
