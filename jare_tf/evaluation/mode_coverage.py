"""How many modes of a 2-D mixture a generator reaches, how evenly, and how many of its samples lie on one."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from jare_tf.data.synthetic import GaussianMixture
from jare_tf.settings import Count, checked
from jare_tf.training.gan import GAN

_LEAST_SHARE = 0.1


def mode_coverage(samples: np.ndarray, centres: np.ndarray, std: float) -> dict[str, float]:
    """`modes_covered`, `high_quality_fraction` and `reverse_kl` of samples of a mixture of equal Gaussians.

    A sample is of high quality when it lies within 3 std of the nearest centre; of the target's own samples in two
    dimensions a fraction 1 − e^−4.5 = 0.989 is. A mode is covered when the samples of high quality nearest to it are at
    least a tenth of its fair share, n/k. (Srivastava et al. 2017, "VEEGAN", ask for a single sample, which the strays
    of a generator that has collapsed onto one mode already give.) reverse_kl is that of these counts over the modes.

    Args:
      samples: [n, d].
      centres: [k, d].
      std: standard deviation of every mode.
    """
    distances = np.linalg.norm(samples[:, None] - centres[None], axis=-1)
    high_quality = distances.min(axis=1) <= 3 * std
    counts = np.bincount(distances.argmin(axis=1)[high_quality], minlength=len(centres))
    return {
        "modes_covered": float(np.sum(counts >= _LEAST_SHARE * len(samples) / len(centres))),
        "high_quality_fraction": float(high_quality.mean()),
        "reverse_kl": reverse_kl(counts),
    }


def reverse_kl(counts: np.ndarray) -> float:
    """KL(q ‖ uniform) = Σ q log(k q) of the shares q of k modes, which all have one share of the data.

    0 at best and log k for samples on a single mode; also log k, the worst there is, where no mode has a sample.

    Args:
      counts: samples of each mode, [k].
    """
    if not counts.any():
        return float(np.log(len(counts)))
    share = counts[counts > 0] / counts.sum()
    return float(np.sum(share * np.log(len(counts) * share)))


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class ModeCoverage:
    """A probe: `mode_coverage` of `samples` samples from latent vectors that stay the same throughout a run."""

    better: ClassVar[Mapping[str, str]] = {
        "modes_covered": "higher",
        "high_quality_fraction": "higher",
        "reverse_kl": "lower",
    }
    mixture: GaussianMixture
    samples: Count = 2500

    def labels(self, gan: GAN) -> dict[str, str]:
        """What the scores depend on besides the generator."""
        return {"samples": str(self.samples)}

    def __call__(self, gan: GAN) -> dict[str, float]:
        samples = np.asarray(gan.pictured(self.samples))
        return mode_coverage(samples, np.array(self.mixture.centres), self.mixture.std)
