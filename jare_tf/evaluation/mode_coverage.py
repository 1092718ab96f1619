"""How many modes of a 2-D mixture a generator reaches, and how many of its samples lie on one."""

import dataclasses

import numpy as np

from jare_tf.data.synthetic_2d import GaussianMixture
from jare_tf.training.gan import GAN


def mode_coverage(samples: np.ndarray, centres: np.ndarray, std: float) -> dict[str, float]:
    """`modes_covered` and `high_quality_fraction` of samples of a mixture of Gaussians.

    A sample is of high quality when it lies within 3 std of the nearest centre, and a mode is covered when at least
    one sample of high quality is nearest to it, as Srivastava et al. 2017 ("VEEGAN") count. Of the target's own
    samples in two dimensions a fraction 1 − e^−4.5 = 0.989 is of high quality.

    Args:
      samples: [n, d].
      centres: [k, d].
      std: standard deviation of every mode.
    """
    distances = np.linalg.norm(samples[:, None] - centres[None], axis=-1)
    nearest = distances.argmin(axis=1)
    high_quality = distances.min(axis=1) <= 3 * std
    return {
        "modes_covered": float(len(np.unique(nearest[high_quality]))),
        "high_quality_fraction": float(high_quality.mean()),
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModeCoverage:
    """A probe: `mode_coverage` of `samples` samples from latent vectors that stay the same throughout a run."""

    mixture: GaussianMixture
    samples: int = 2500

    def __call__(self, gan: GAN) -> dict[str, float]:
        samples = np.asarray(gan.pictured(self.samples))
        return mode_coverage(samples, np.array(self.mixture.centres), self.mixture.std)
