"""What a score of generated samples is asked with, and what it gives."""

import abc
from collections.abc import Iterable, Mapping
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
      better: by the beginning of a tag whether "lower" or "higher" is better. Every probe that gives scores may have
        it: without it no checkpoint is the best by that score.
    """

    compares: bool
    better: Mapping[str, str]

    @abc.abstractmethod
    def __call__(self, real: Samples, generated: Samples) -> dict[str, float]:
        """The scores by tag; `real` may be None where the metric does not compare."""


def random_rows(samples: np.ndarray, count: int | None = None) -> np.ndarray:
    """`count` rows in random order, by default all; always the same ones of as many."""
    return samples[np.random.default_rng(0).permutation(len(samples))[:count]]


def directions(better: Mapping[str, str], tags: Iterable[str]) -> dict[str, str]:
    """ "lower" or "higher" for each of `tags` that begins with a key of `better`, by the longest such key."""
    keys = sorted(better, key=len)
    return {tag: better[key] for tag in tags for key in keys if tag.startswith(key)}
