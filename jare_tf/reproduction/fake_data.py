"""Made-up images and a made-up classifier, with which figures of images are tried without any data."""

import keras
import numpy as np

from jare_tf.data.in_memory import InMemory


def images(*, side: int = 32, channels: int = 3, count: int = 16) -> InMemory:
    """Pictures of waves, uint8 [count, side, side, channels], a direction and a length for each."""
    return InMemory("made-up images", _waves(side, channels, count))


def digits(*, count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Gray waves, uint8 [count, 28, 28, 1], with labels 0 ... 9."""
    return _waves(28, 1, count), np.arange(count) % 10


def write_classifier(path: str) -> None:
    """Writes an untrained classifier of images of 32 px, through which scores mean nothing."""
    layers = [keras.Input((32, 32, 3)), keras.layers.AveragePooling2D(8), keras.layers.Flatten()]
    keras.utils.set_random_seed(0)
    keras.Sequential([*layers, keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(10)]).save(path)


def _waves(side: int, channels: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    frequencies = rng.uniform(-1, 1, [count, 1, 1, channels, 2])
    rows, columns = np.mgrid[:side, :side][:, None, ..., None]
    phase = frequencies[..., 0] * rows + frequencies[..., 1] * columns
    return np.round(127.5 + 127.5 * np.sin(phase)).astype(np.uint8)
