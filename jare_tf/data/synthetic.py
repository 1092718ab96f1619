"""Low-dimensional distributions, drawn inside the step: Gaussians, mixtures of them, and the uniform distribution."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from jare_tf.data import draws
from jare_tf.data.dataset import Dataset
from jare_tf.errors import InputError, shown
from jare_tf.settings import Count, Positive, checked


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class GaussianMixture(Dataset):
    """x ~ (1/k) Σᵢ N(centreᵢ, std² I), a mixture with equal weights.

    Args:
      name: how messages call it.
      centres: k points of the same dimension, shape [k, d].
      std: standard deviation of every mode, positive.
      stratified: whether a batch has as many samples of every mode, but for one where their number is no divisor, as in
        the scripts of JARE's and ConOpt's mixtures; else the mode of each sample is drawn.

    Raises:
      InputError: there is no centre, or they differ in dimension.
    """

    name: str
    centres: tuple[tuple[float, ...], ...]
    std: Positive
    stratified: bool = False
    xla_compatible = True

    def __post_init__(self):
        if len({len(centre) for centre in self.centres}) != 1 or not self.centres[0]:
            raise InputError(f"GaussianMixture: centres must be points of one dimension, not {shown(self.centres)}")

    @property
    def element_shape(self) -> tuple[int, ...]:  # type: ignore[override]  # frozen: nobody writes it
        return (len(self.centres[0]),)

    def batch(self, counter, batch_size: int, seed) -> tf.Tensor:
        noise = draws.normal((batch_size, *self.element_shape), draws.key(seed, draws.REAL, counter))
        count = len(self.centres)
        if self.stratified:  # in turn, so that each device's part of the batch is stratified too
            modes = tf.range(batch_size) % count
        else:
            modes = draws.integers((batch_size,), draws.key(seed, draws.MODE, counter), count)
        return tf.gather(tf.constant(self.centres, tf.float32), modes) + self.std * noise

    def expectation(self, count: int, seed: int) -> np.ndarray:
        """float64 [2 ⌈count/2k⌉ k, d]: two halves with as many of every mode, at its exact mean and covariance."""
        centres = np.array(self.centres, np.float64)
        shape = -(-count // (2 * len(centres))), centres.shape[1]
        noise = [draws.standardised_normal(shape, draws.key(seed, draws.EXPECTATION, half)) for half in (0, 1)]
        return (centres[None, :, None] + self.std * np.stack(noise)[:, None]).reshape(-1, centres.shape[1])


@checked
def gaussian(*, mean: Sequence[float], std: Positive) -> GaussianMixture:
    """x ~ N(mean, std² I): the isotropic Gaussian of JARE section 4, v = mean and σ = std.

    Args:
      mean: v, a sequence of coordinates.
      std: σ (a standard deviation, not σ²), positive.
    """
    return GaussianMixture(name=f"gaussian of mean {shown(mean)}", centres=(tuple(map(float, mean)),), std=std)


@checked
def ring(*, modes: Count = 8, radius: Positive, std: Positive, stratified: bool = False) -> GaussianMixture:
    """`modes` Gaussians evenly spaced on a circle around the origin, the first one at (radius, 0).

    Args:
      modes: number of Gaussians, at least 1.
      radius: radius r of the circle, positive.
      std: standard deviation of each Gaussian, positive.
      stratified: whether a batch has as many samples of every Gaussian, see `GaussianMixture`.
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    centres = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return GaussianMixture(name="ring", centres=tuple(map(tuple, centres.tolist())), std=std, stratified=stratified)


@checked
def grid(*, side: Count = 5, spacing: Positive = 2.0, std: Positive = 0.05) -> GaussianMixture:
    """side × side Gaussians on a square lattice around the origin (the 5 × 5 "2D grid" of Srivastava et al. 2017).

    Args:
      side: Gaussians in a row, at least 1.
      spacing: distance of neighbours, positive.
      std: standard deviation of each Gaussian, positive.
    """
    line = spacing * (np.arange(side) - (side - 1) / 2)
    centres = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    return GaussianMixture(name="grid", centres=tuple(map(tuple, centres.tolist())), std=std)


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Uniform(Dataset):
    """x uniform on [−limit, limit] in each of `dimension` coordinates, as in GradReg Fig. 3.

    Args:
      dimension: at least 1.
      limit: positive.
    """

    dimension: Count = 1
    limit: Positive = 1.0
    name = "uniform"
    xla_compatible = True

    @property
    def element_shape(self) -> tuple[int, ...]:  # type: ignore[override]  # frozen: nobody writes it
        return (self.dimension,)

    def batch(self, counter, batch_size: int, seed) -> tf.Tensor:
        return self.limit * draws.symmetric((batch_size, self.dimension), draws.key(seed, draws.REAL, counter))

    def expectation(self, count: int, seed: int) -> np.ndarray:
        """float64 [2 ⌈count/2⌉, dimension]: two halves, each evenly spread over every coordinate."""
        return self.limit * draws.halves(draws.stratified, count, self.dimension, seed, 0)
