"""How far a generator is from the mean and the covariance of the data, for games with no single equilibrium."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import tensorflow as tf

from jare_tf.data.dataset import Dataset
from jare_tf.training.gan import GAN


@dataclasses.dataclass(frozen=True, kw_only=True)
class Moments:
    """A probe: `mean_distance` = ‖E G(z) − E x‖ and `covariance_distance` = ‖cov G(z) − cov x‖ (Frobenius).

    Expectations are those of `Dataset.expectation` and of the latent prior's: exact where the data and z are Gaussian
    and the generator is linear, as in `networks.linear_quadratic`, all of whose equilibria A Aᵀ = cov x are at 0.

    Args:
      dataset: points [n, d].
      samples: how many stand for each distribution.
    """

    better: ClassVar[Mapping[str, str]] = {"mean_distance": "lower", "covariance_distance": "lower"}
    dataset: Dataset
    samples: int = 1024

    def __call__(self, gan: GAN) -> dict[str, float]:
        latent = gan.latent_prior.expectation(self.samples, gan.latent_dim, 0)
        generated = np.asarray(gan(tf.constant(latent, tf.float32)), np.float64)
        real = np.asarray(self.dataset.expectation(self.samples, 0), np.float64)
        covariance = lambda points: np.atleast_2d(np.cov(points.T, bias=True))
        return {
            "mean_distance": float(np.linalg.norm(generated.mean(axis=0) - real.mean(axis=0))),
            "covariance_distance": float(np.linalg.norm(covariance(generated) - covariance(real))),
        }
