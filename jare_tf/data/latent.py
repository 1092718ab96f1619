"""Priors of the latent vector z."""

import dataclasses

import numpy as np
import tensorflow as tf

from jare_tf.data import random
from jare_tf.errors import InputError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Normal:
    """z ~ N(0, std² I).

    Args:
      std: standard deviation σ of every coordinate, positive. The Gaussian games of the JARE paper use σ of the data
        (section 7).
    """

    std: float = 1.0

    def __post_init__(self):
        if not self.std > 0:
            raise InputError(f"latent.Normal: std must be positive, not {self.std}")

    def draw(self, shape, key) -> tf.Tensor:
        """A float32 tensor of `shape`, the same for the same `key` (see `data.random.key`)."""
        return self.std * random.normal(shape, key)

    def expectation(self, count: int, dimension: int, seed: int) -> np.ndarray:
        """float64 [2 ⌈count/2⌉, dimension]: two halves with mean 0 and covariance std² I exactly."""
        shape = -(-count // 2), dimension
        noise = [random.standardised_normal(shape, random.key(seed, random.EXPECTATION, half)) for half in (2, 3)]
        return self.std * np.concatenate(noise)


def normal_of_variance(*, variance: float) -> Normal:
    """z ~ N(0, variance · I), as the ring mixture of the JARE paper has it with variance r (section 7).

    Args:
      variance: of every coordinate, positive.
    """
    if not variance > 0:
        raise InputError(f"latent.normal_of_variance: variance must be positive, not {variance}")
    return Normal(std=variance**0.5)
