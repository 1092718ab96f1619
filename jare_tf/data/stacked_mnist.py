"""Stacked MNIST: three random digits as the channels of an image, a distribution with 1000 modes."""

import tensorflow as tf

from jare_tf.data import draws
from jare_tf.data.dataset import Dataset
from jare_tf.data.in_memory import InMemory
from jare_tf.errors import InputError
from jare_tf.settings import Size, checked


@checked
class StackedMnist(Dataset):
    """Images [side, side, 3] of three gray ones drawn independently (Metz et al. 2017; GradReg section 4, Figs. 2, 4).

    Nothing is stored: of n digits there are n³ images, and batch `counter` draws its own.

    Args:
      digits: gray images, for instance `tfds_images.load(name="mnist")`.
      side: of the images, the digits in the middle of black; by default that of the digits.

    Raises:
      InputError: `digits` are not held in memory or not gray, or `side` is less than theirs.
    """

    name = "stacked MNIST"
    xla_compatible = False

    def __init__(self, *, digits: Dataset, side: Size | None = None):
        if not isinstance(digits, InMemory) or len(digits.element_shape) != 3 or digits.element_shape[-1] != 1:
            raise InputError(
                f"stacked_mnist.StackedMnist: digits must be gray images in memory, [n, height, width, 1]; those of "
                f"{digits.name!r} have shape {tuple(digits.element_shape)}"
            )
        height, width = digits.element_shape[:2]
        if side is not None and side < max(height, width):
            raise InputError(f"stacked_mnist.StackedMnist: side must be at least that of the digits, not {side}")
        self._digits = digits
        self.element_shape = (side or height, side or width, 3)
        self.fingerprint = digits.fingerprint

    def batch(self, counter, batch_size: int, seed) -> tf.Tensor:
        chosen = draws.integers((batch_size, 3), draws.key(seed, draws.MODE, counter), len(self._digits))
        channels = tf.gather(self._digits.samples[..., 0], chosen)  # [n, 3, height, width]
        return tf.image.resize_with_crop_or_pad(tf.transpose(channels, [0, 2, 3, 1]), *self.element_shape[:2])
