"""What training asks of a data set.

A function that opens one may say which of its arguments are places, where the data lie and not what they are, in an
attribute `places`: a run resumes although they changed, since the content is compared (`Dataset.fingerprint`).
"""

import abc
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import tensorflow as tf

from jare_tf.errors import InputError, one_line

_Function = TypeVar("_Function", bound=Callable)


def places(*arguments: str) -> Callable[[_Function], _Function]:
    """Decorates a function that opens a data set with the names of those of its arguments that are places."""

    def marked(function):
        function.places = arguments
        return function

    return marked


class Dataset(abc.ABC):
    """Real samples, drawn by number: batch `counter` is a pure function of (seed, counter).

    Attributes:
      name: how messages call it.
      element_shape: shape of one sample, without the batch axis.
      xla_compatible: whether `batches` may be drawn inside a function compiled by XLA.
      fingerprint: a checksum of the content of all stored samples; 0 where none are stored. A run resumes on the same.
    """

    name: str
    element_shape: tuple[int, ...]
    xla_compatible: bool
    fingerprint: int = 0
    in_words = "a data set such as data.synthetic.ring(...)"

    @abc.abstractmethod
    def batch(self, counter, batch_size: int, seed) -> tf.Tensor:
        """Batch number `counter`: [batch_size, *element_shape], float32 as the networks take it or uint8 pixels."""

    def batches(
        self, first: int, batch_size: int, seed: int, rows: np.ndarray | None = None
    ) -> Callable[[tf.Tensor], tf.Tensor]:
        """What a run reads: a function from the number of a batch to the batch, asked once for each from `first` on.

        It may be called while a graph is traced. With `rows`, numbers below batch_size, it gives those rows of the
        batch alone, in their order: the part of one of several workers, who read all of the batch between them.
        """
        if rows is None:
            return lambda counter: self.batch(counter, batch_size, seed)
        return lambda counter: tf.gather(self.batch(counter, batch_size, seed), rows)

    def expectation(self, count: int, seed: int) -> np.ndarray:
        """About `count` samples that stand for the distribution where an expectation is wanted: a batch by default.

        Each half of them stands for it as well, so that rules which compare halves (`debiased`) see it.
        """
        return np.asarray(self.batch(0, count, seed))


def as_floats(real: tf.Tensor) -> tf.Tensor:
    """Real samples as the networks take them: of images integers are pixels 0 ... 255, scaled to [−1, 1].

    The coordinates of points, and floats, stay.
    """
    if not real.dtype.is_integer:
        return real
    floats = tf.cast(real, tf.float32)
    return floats if real.shape.rank == 2 else floats / 127.5 - 1.0


def as_pixels(images: tf.Tensor) -> tf.Tensor:
    """Images in [−1, 1] as pixels 0 ... 255, rounded to uint8; what lies outside is clipped."""
    return tf.cast(tf.clip_by_value(tf.round((images + 1) * 127.5), 0, 255), tf.uint8)


def check(
    dataset: Dataset, sample_shape: tuple[int, ...], batch_size: int, seed: int, black: float | None = None
) -> None:
    """Draws a batch and looks at it; images as `check_images` does, which is given `black`.

    Raises:
      InputError: it is not what the data set says or what the networks take, or has a number that is not finite.
    """
    if tuple(sample_shape) != tuple(dataset.element_shape):
        raise InputError(
            f"the data set {dataset.name!r} has samples of shape {tuple(dataset.element_shape)}, the networks "
            f"{tuple(sample_shape)}: change one or the other"
        )
    try:
        batch = tf.convert_to_tensor(dataset.batch(0, batch_size, seed))
    except tf.errors.OpError as error:
        raise InputError(f"the data set {dataset.name!r} cannot be read: {one_line(error)}") from error
    if tuple(batch.shape) != (batch_size, *sample_shape):
        expected = batch_size, *sample_shape
        raise InputError(f"the data set {dataset.name!r} gives batches of shape {tuple(batch.shape)}, not {expected}")
    if batch.dtype not in (tf.uint8, tf.float32):
        raise InputError(f"the data set {dataset.name!r} gives {batch.dtype.name}: neither uint8 pixels nor float32")
    if len(sample_shape) == 3:
        check_images(f"the data set {dataset.name!r}", batch.numpy(), black)
    elif not np.isfinite(batch.numpy()).all():
        raise InputError(f"the data set {dataset.name!r} has numbers that are not finite")


def check_images(what: str, images: np.ndarray, black: float | None = None) -> None:
    """Raises InputError unless images are integers 0 ... 255, or floats in the range that the generator makes.

    Args:
      what: how the message begins.
      images: some of them; not all the same.
      black: what the generator makes for black, −1 where it ends in a tanh, 0 in a sigmoid; None where nobody knows.
    """
    dtype = tf.as_dtype(images.dtype)
    if not images.size:
        return
    low, high = float(images.min()), float(images.max())
    if not np.isfinite([low, high]).all():
        raise InputError(f"{what} has images with numbers that are not finite")
    seen = f"{what} has images with values from {low:g} to {high:g}"
    if dtype.is_integer:
        if low < 0 or high > 255:
            raise InputError(f"{seen}: pixels are 0 ... 255")
        if black == 0:
            raise InputError(
                f"{what} has integers, which become [−1, 1], and the generator makes [0, 1]: give images / 255"
            )
    elif not dtype.is_floating:
        raise InputError(f"{what} has images of {dtype.name}: give uint8 pixels 0 ... 255 or floats")
    elif high > 1 or low < (0 if black == 0 else -1):
        instead = "images / 255" if black == 0 else "float32 in [−1, 1], images / 127.5 - 1"
        raise InputError(f"{seen}: give uint8 pixels 0 ... 255, or {instead}")
    elif black == -1 and 0 <= low < high:
        raise InputError(f"{seen}, and the generator makes [−1, 1]: give 2 * images - 1")
