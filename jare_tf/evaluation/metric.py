"""What a score of generated samples is asked with, and what it gives."""

import abc
from typing import NamedTuple

import numpy as np

IMAGES = 10_000  # the most of `Samples.images`


class Samples(NamedTuple):
    """Samples and what an embedding sees in them.

    images: uint8 [n, height, width, channels], of more than 10,000 samples the first 10,000.
    features: float32 [n, d].
    logits: float32 [n, k].
    """

    images: np.ndarray
    features: np.ndarray
    logits: np.ndarray


class Metric(abc.ABC):
    """Scores of generated samples.

    Attributes:
      compares: whether with real samples; if so, the scores depend on their split.
    """

    compares: bool

    @abc.abstractmethod
    def __call__(self, real: Samples | None, made: Samples) -> dict[str, float]:
        """The scores by tag; `real` may be None where the metric does not compare."""


def random_rows(samples: np.ndarray, count: int | None = None) -> np.ndarray:
    """`count` rows in random order, by default all; always the same ones of as many."""
    return samples[np.random.default_rng(0).permutation(len(samples))[:count]]


_BEST_IS_LOW = ("fid", "kid", "sliced_wasserstein", "reverse_kl", "mean_distance", "covariance_distance", "parameter_")


def lower_is_better(tag: str) -> bool:
    """Whether the best of several scores of that tag is the lowest."""
    return tag.startswith(_BEST_IS_LOW)
