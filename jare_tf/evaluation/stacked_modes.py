"""How many of the 1000 modes of stacked MNIST a generator reaches, by a classifier of its three digits."""

import functools
from collections.abc import Callable, Mapping
from typing import ClassVar

import keras
import numpy as np

from jare_tf.errors import InputError
from jare_tf.evaluation.mode_coverage import reverse_kl
from jare_tf.output import say
from jare_tf.settings import Count, checked
from jare_tf.training.gan import GAN

_BATCH = 256


def mode_counts(probabilities: np.ndarray) -> dict[str, float]:
    """`modes_covered`, `reverse_kl` and `confident_fraction` of samples, from the classifier's view of their channels.

    A mode is covered when the likeliest digits of a single sample are its three (Metz et al. 2017, section 3.3.1).
    reverse_kl (see `mode_coverage.reverse_kl`) is at most log 1000 = 6.9; of n samples of the data themselves it is
    about 999/(2n), 0.02 for 25,600. Noise has modes too: confident_fraction is that of the samples all three digits of
    which have a probability of at least a half, 0.99 of real ones.

    Args:
      probabilities: [n, 3, 10], of each digit in each channel.
    """
    counts = np.bincount(probabilities.argmax(axis=-1) @ [100, 10, 1], minlength=1000)
    return {
        "modes_covered": float(np.count_nonzero(counts)),
        "reverse_kl": reverse_kl(counts),
        "confident_fraction": float(np.mean(probabilities.max(axis=-1).min(axis=-1) >= 0.5)),
    }


@checked
class StackedModes:
    """A probe: `mode_counts` of samples from latent vectors that stay the same throughout a run.

    The classifier is a small convolutional network, trained on the digits when the first count is due, always from the
    same seed; it says how well it does on a tenth of them that it was not trained on.

    Args:
      digits: opens gray images, uint8 [n, height, width, 1], and labels 0 ... 9, for instance `tfds_images.labelled`.
      samples: how many; Metz et al. 2017 have 25,600.

    Raises:
      InputError: samples is not positive; later, the digits are no such images.
    """

    better: ClassVar[Mapping[str, str]] = {"modes_covered": "higher", "reverse_kl": "lower", "confident": "higher"}

    def __init__(self, *, digits: Callable[[], tuple[np.ndarray, np.ndarray]], samples: Count = 25_600):
        self._digits, self._samples = digits, samples

    def labels(self, gan: GAN) -> dict[str, str]:
        """What the scores depend on besides the generator."""
        return {"samples": str(self._samples)}

    def __call__(self, gan: GAN) -> dict[str, float]:
        counts = [min(_BATCH, self._samples - done) for done in range(0, self._samples, _BATCH)]
        views = [self.classify(np.asarray(gan.pictured(count, part))) for part, count in enumerate(counts)]
        return mode_counts(np.concatenate(views))

    def classify(self, images: np.ndarray) -> np.ndarray:
        """The probabilities [n, 3, 10] of the digits in images [n, height, width, 3] in [−1, 1].

        Of images larger than the digits it sees the middle (see `StackedMnist`).
        """
        height, width = self._classifier.input_shape[1:3]
        top, left = (images.shape[1] - height) // 2, (images.shape[2] - width) // 2
        if min(top, left) < 0:
            raise InputError(f"StackedModes: images of {images.shape[1:3]} are smaller than digits of {height, width}")
        middle = images[:, top : top + height, left : left + width]
        channels = np.moveaxis(middle, -1, 1).reshape(-1, height, width, 1)
        return keras.ops.softmax(self._classifier(channels)).numpy().reshape(-1, 3, 10)

    @functools.cached_property
    def _classifier(self) -> keras.Model:
        digits, labels = self._digits()
        if digits.ndim != 4 or digits.shape[-1] != 1 or set(np.unique(labels)) - set(range(10)):
            raise InputError(f"StackedModes: digits are not gray images of ten digits: {digits.shape}")
        keras.utils.set_random_seed(0)
        layers = keras.layers
        classifier = keras.Sequential(
            [
                keras.Input(digits.shape[1:]),
                layers.Conv2D(32, 5, 2, "same", activation="relu"),
                layers.Conv2D(64, 5, 2, "same", activation="relu"),
                layers.Flatten(),
                layers.Dropout(0.5),
                layers.Dense(10),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        classifier.compile("adam", loss, metrics=["accuracy"])
        pixels, held_out = digits / np.float32(127.5) - 1, max(1, len(digits) // 10)
        classifier.fit(pixels[held_out:], labels[held_out:], batch_size=64, epochs=8, verbose=0)
        _, accuracy = classifier.evaluate(pixels[:held_out], labels[:held_out], verbose=0)
        say(f"the classifier of digits is right on {accuracy:.1%} of {held_out} others")
        return classifier
