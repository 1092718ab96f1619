"""Priors of the latent vector z."""

import abc
import dataclasses

import numpy as np
import tensorflow as tf

from jare_tf.data import random
from jare_tf.errors import check_number


class Prior(abc.ABC):
    """A distribution of z with independent coordinates."""

    @abc.abstractmethod
    def draw(self, shape, key) -> tf.Tensor:
        """A float32 tensor of `shape`, the same for the same `key` (see `data.random.key`)."""

    @abc.abstractmethod
    def expectation(self, count: int, dimension: int, seed: int) -> np.ndarray:
        """float64 [2 ⌈count/2⌉, dimension]: two halves, each of which stands for the distribution (`Dataset`)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Normal(Prior):
    """z ~ N(0, std² I).

    Args:
      std: standard deviation σ of every coordinate, positive. The Gaussian games of the JARE paper use σ of the data
        (section 7).
    """

    std: float = 1.0

    def __post_init__(self):
        check_number("latent.Normal: std", self.std, above_zero=True)

    def draw(self, shape, key) -> tf.Tensor:
        return self.std * random.normal(shape, key)

    def expectation(self, count: int, dimension: int, seed: int) -> np.ndarray:
        """Both halves have mean 0 and covariance std² I exactly."""
        return self.std * random.halves(random.standardised_normal, count, dimension, seed, 2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Uniform(Prior):
    """z uniform on [−limit, limit] in every coordinate, as in GradReg Fig. 3 and in DCGANs.

    Args:
      limit: positive.
    """

    limit: float = 1.0

    def __post_init__(self):
        check_number("latent.Uniform: limit", self.limit, above_zero=True)

    def draw(self, shape, key) -> tf.Tensor:
        return self.limit * random.symmetric(shape, key)

    def expectation(self, count: int, dimension: int, seed: int) -> np.ndarray:
        return self.limit * random.halves(random.stratified, count, dimension, seed, 2)


def normal_of_variance(*, variance: float) -> Normal:
    """z ~ N(0, variance · I), as the ring mixture of the JARE paper has it with variance r (section 7).

    Args:
      variance: of every coordinate, positive.
    """
    check_number("latent.normal_of_variance: variance", variance, above_zero=True)
    return Normal(std=variance**0.5)
