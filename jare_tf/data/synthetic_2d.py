"""Isotropic Gaussians and rings of them, drawn inside the step."""

import dataclasses

import numpy as np
import tensorflow as tf

from jare_tf.data import random
from jare_tf.data.dataset import Dataset
from jare_tf.errors import InputError


@dataclasses.dataclass(frozen=True, kw_only=True)
class GaussianMixture(Dataset):
    """x ~ (1/k) Σᵢ N(centreᵢ, std² I), a mixture with equal weights.

    Args:
      name: how messages call it.
      centres: k points of the same dimension, shape [k, d].
      std: standard deviation of every mode, positive.
    """

    name: str
    centres: tuple[tuple[float, ...], ...]
    std: float
    drawn_by_xla = True

    def __post_init__(self):
        if not self.std > 0:
            raise InputError(f"synthetic_2d.{self.name}: std must be positive, not {self.std}")

    @property
    def element_shape(self) -> tuple[int, ...]:
        return (len(self.centres[0]),)

    def batch(self, counter, batch_size: int, seed) -> tf.Tensor:
        noise = random.normal((batch_size, *self.element_shape), random.key(seed, random.REAL, counter))
        modes = random.integers((batch_size,), random.key(seed, random.MODE, counter), len(self.centres))
        return tf.gather(tf.constant(self.centres, tf.float32), modes) + self.std * noise

    def expectation(self, count: int, seed: int) -> np.ndarray:
        """float64 [2 ⌈count/2k⌉ k, d]: two halves with as many of every mode, at its exact mean and covariance."""
        centres = np.array(self.centres, np.float64)
        shape = -(-count // (2 * len(centres))), centres.shape[1]
        noise = [random.standardised_normal(shape, random.key(seed, random.EXPECTATION, half)) for half in (0, 1)]
        return (centres[None, :, None] + self.std * np.stack(noise)[:, None]).reshape(-1, centres.shape[1])


def gaussian(*, mean, std: float) -> GaussianMixture:
    """x ~ N(mean, std² I): the isotropic Gaussian of JARE section 4, v = mean and σ = std.

    Args:
      mean: v, a sequence of coordinates.
      std: σ (a standard deviation, not σ²), positive.
    """
    return GaussianMixture(name="gaussian", centres=(tuple(map(float, mean)),), std=std)


def ring(*, modes: int = 8, radius: float, std: float) -> GaussianMixture:
    """`modes` Gaussians evenly spaced on a circle around the origin, the first one at (radius, 0).

    Args:
      modes: number of Gaussians, at least 1.
      radius: radius r of the circle, positive.
      std: standard deviation of each Gaussian, positive.
    """
    if modes < 1 or not radius > 0:
        raise InputError(f"synthetic_2d.ring: modes must be at least 1 and radius positive, not {modes} and {radius}")
    angles = 2 * np.pi * np.arange(modes) / modes
    centres = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return GaussianMixture(name="ring", centres=tuple(map(tuple, centres.tolist())), std=std)
