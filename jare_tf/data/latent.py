"""Priors of the latent vector z, and ways between latent vectors."""

import abc
import dataclasses

import numpy as np
import tensorflow as tf

from jare_tf.data import draws
from jare_tf.errors import InputError
from jare_tf.serializable import Serializable
from jare_tf.settings import Positive, checked


class Prior(Serializable, abc.ABC):
    """A distribution of z with independent coordinates."""

    in_words = "a prior such as Normal()"

    @abc.abstractmethod
    def draw(self, shape, key, truncation: float | None = None) -> tf.Tensor:
        """A float32 tensor of `shape`, the same for the same `key` (see `data.draws.key`).

        With a `truncation` ψ > 0 no coordinate is further from 0 than ψ standard deviations of a normal distribution
        (Brock et al. 2019, section 3.1), or the fraction ψ of a uniform one's limit.
        """

    @abc.abstractmethod
    def expectation(self, count: int, dimension: int, seed: int) -> np.ndarray:
        """float64 [2 ⌈count/2⌉, dimension]: two halves, each of which stands for the distribution (`Dataset`)."""


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Normal(Prior):
    """z ~ N(0, std² I).

    Args:
      std: standard deviation σ of every coordinate, positive. The Gaussian games of the JARE paper use σ of the data
        (section 7).
    """

    std: Positive = 1.0

    def draw(self, shape, key, truncation=None) -> tf.Tensor:
        return self.std * draws.normal(shape, key, truncation)

    def expectation(self, count: int, dimension: int, seed: int) -> np.ndarray:
        """Both halves have mean 0 and covariance std² I exactly."""
        return self.std * draws.halves(draws.standardised_normal, count, dimension, seed, 2)


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Uniform(Prior):
    """z uniform on [−limit, limit] in every coordinate, as in GradReg Fig. 3 and in DCGANs.

    Args:
      limit: positive.
    """

    limit: Positive = 1.0

    def draw(self, shape, key, truncation=None) -> tf.Tensor:
        if truncation is not None and truncation > 1:
            raise InputError(f"latent.Uniform: truncation is a fraction of the limit, not {truncation!r}")
        return self.limit * (1.0 if truncation is None else truncation) * draws.symmetric(shape, key)

    def expectation(self, count: int, dimension: int, seed: int) -> np.ndarray:
        return self.limit * draws.halves(draws.stratified, count, dimension, seed, 2)


@checked
def normal_of_variance(*, variance: Positive) -> Normal:
    """z ~ N(0, variance · I), as the ring mixture of the JARE paper has it with variance r (section 7).

    Args:
      variance: of every coordinate, positive.
    """
    return Normal(std=variance**0.5)


def of_seeds(prior: Prior, dimension: int, seeds, truncation: float | None = None) -> tf.Tensor:
    """Latent vectors [n, dimension], each of which depends on its own one of the `seeds` [n] alone."""
    draw = lambda seed: prior.draw([dimension], draws.key(seed, draws.SAMPLE, 0), truncation)
    one_by_one = lambda seeds: tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec([dimension]))
    return tf.function(one_by_one, autograph=False)(tf.convert_to_tensor(seeds))


def linear(first: tf.Tensor, last: tf.Tensor, points: int) -> tf.Tensor:
    """(1 − t) first + t last at `points` equal steps of t from 0 to 1: [n, points, d] for [n, d] and [n, d]."""
    t = tf.linspace(0.0, 1.0, points)[:, None]
    return (1 - t) * first[:, None] + t * last[:, None]


def spherical(first: tf.Tensor, last: tf.Tensor, points: int) -> tf.Tensor:
    """(sin((1 − t)Ω) first + sin(tΩ) last) / sin Ω, with Ω the angle between them (Shoemake 1985; White 2016).

    At `points` equal steps of t from 0 to 1: [n, points, d]. Unlike `linear` it passes through vectors of the length
    that a normal prior gives. Where sin Ω is 0, to four digits, it is `linear`.
    """
    t = tf.linspace(0.0, 1.0, points)[:, None]
    cosine = tf.reduce_sum(tf.math.l2_normalize(first, -1) * tf.math.l2_normalize(last, -1), -1)
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))[:, None, None]
    way = tf.math.divide_no_nan(
        tf.sin((1 - t) * angle) * first[:, None] + tf.sin(t * angle) * last[:, None], tf.sin(angle)
    )
    return tf.where(tf.sin(angle) < 1e-4, linear(first, last, points), way)
