"""Whether generated samples lie where real ones do, and real ones where generated ones do, by nearest neighbours."""

import dataclasses

import numpy as np
import tensorflow as tf

from jare_tf.errors import InputError
from jare_tf.evaluation.metric import Metric, Samples, random_rows
from jare_tf.settings import Count, checked

_BLOCK = 1024  # rows of a matrix of distances that are in memory at a time
_SAME = 1e-12  # of ‖x‖² + ‖y‖²: features of float32 whose squared distance is less are equal


@dataclasses.dataclass(frozen=True, kw_only=True)
class _ByNeighbours(Metric):
    """What both metrics of this file take, and the features that they look at."""

    compares = True
    neighbours: Count
    samples: Count = 10_000

    def __post_init__(self):
        if self.samples <= self.neighbours:
            raise InputError(f"{type(self).__name__}: samples must be more than neighbours, not {self.samples}")

    def _features(self, real: Samples, generated: Samples) -> tuple[tf.Tensor, tf.Tensor]:
        """As many features of each, float64 [n, d], with the mean of the real ones taken off."""
        count = min(self.samples, len(real.features), len(generated.features))
        if count <= self.neighbours:
            raise InputError(
                f"precision_recall: {len(real.features)} real and {len(generated.features)} generated samples "
                f"are too few for {self.neighbours} neighbours"
            )
        real, generated = (tf.constant(random_rows(part.features, count), tf.float64) for part in (real, generated))
        centre = tf.reduce_mean(real, axis=0)
        return real - centre, generated - centre


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class PrecisionRecall(_ByNeighbours):
    """`precision` and `recall` (Kynkäänniemi et al. 2019, eqs. 1 and 2).

    Around every feature vector of a set lies the ball that reaches to its k-th nearest neighbour in the set. Precision
    is the fraction of generated samples in some ball around a real one, recall that of real samples in some ball around
    a generated one. Both are 1 for equal sets; of two draws of one distribution neither is.

    Args:
      neighbours: k.
      samples: how many of each at most, chosen at random, always the same ones and as many real as generated ones.

    Raises:
      InputError: a number is no positive integer, or there are no more than k samples of each.
    """

    better = {"precision": "higher", "recall": "higher"}
    neighbours: Count = 3

    def __call__(self, real: Samples, generated: Samples) -> dict[str, float]:
        real, generated = self._features(real, generated)
        of_generated, _ = _in_balls(generated, real, _squared_radii(real, self.neighbours))
        of_real, _ = _in_balls(real, generated, _squared_radii(generated, self.neighbours))
        return {"precision": float(np.mean(of_generated > 0)), "recall": float(np.mean(of_real > 0))}


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class DensityCoverage(_ByNeighbours):
    """`density` and `coverage` (Naeem et al. 2020, section 3), by the balls around real samples alone.

    Density is the mean number of balls that a generated sample lies in, divided by k; it may exceed 1. Coverage is the
    fraction of balls that hold a generated sample. Of two draws of one distribution density is 1 on average, and
    coverage of many samples 1 − 2^−k, 0.97 for k = 5.

    Args:
      neighbours: k.
      samples: how many of each at most, chosen at random, always the same ones and as many real as generated ones.

    Raises:
      InputError: a number is no positive integer, or there are no more than k samples of each.
    """

    better = {"density": "higher", "coverage": "higher"}
    neighbours: Count = 5

    def __call__(self, real: Samples, generated: Samples) -> dict[str, float]:
        real, generated = self._features(real, generated)
        balls, covered = _in_balls(generated, real, _squared_radii(real, self.neighbours))
        return {"density": float(np.mean(balls) / self.neighbours), "coverage": float(np.mean(covered))}


def _squared_distances(points: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """[n, m], exactly 0 between equal points."""
    scale = tf.reduce_sum(points**2, axis=1)[:, None] + tf.reduce_sum(others**2, axis=1)
    squared = scale - 2 * tf.matmul(points, others, transpose_b=True)
    return tf.where(squared < _SAME * scale, tf.zeros_like(squared), squared)


def _squared_radii(points: tf.Tensor, neighbours: int) -> tf.Tensor:
    """Of each point the squared distance to its k-th nearest neighbour, [n]; itself, at 0, does not count."""
    radii = []
    for first in range(0, len(points), _BLOCK):
        squared = _squared_distances(points[first : first + _BLOCK], points)
        radii.append(-tf.math.top_k(-squared, neighbours + 1).values[:, neighbours])
    return tf.concat(radii, axis=0)


def _in_balls(points: tf.Tensor, centres: tf.Tensor, squared_radii: tf.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Of each point in how many balls it lies, [n], and of each ball whether a point lies in it, [m]."""
    counts, filled = [], np.zeros(len(centres), bool)
    for first in range(0, len(points), _BLOCK):
        inside = _squared_distances(points[first : first + _BLOCK], centres) <= squared_radii
        counts.append(tf.math.count_nonzero(inside, axis=1))
        filled |= tf.reduce_any(inside, axis=0).numpy()
    return np.concatenate(counts), filled
