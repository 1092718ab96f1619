"""Random draws that depend on nothing but (seed, stream, counter), so that a resumed run draws as if never stopped.

Integers of `tf.random.stateless_uniform` are the same bits in graph mode and under XLA, its floating-point numbers and
normals are not; so all numbers are made from integers here, and a seed means the same noise however a step is compiled.
"""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from jare_tf.errors import InputError

REAL, MODE, LATENT, PICTURE, EXPECTATION, SAMPLE, SCORE, TEST = range(8)
_STREAMS = 256
_ALGORITHM = "philox"  # named, because the default differs from device to device
_ROUNDS = 16  # of the cipher behind the permutation; with TensorFlow's own 4 permutations of different keys correlate


def key(seed, stream: int, counter) -> tf.Tensor:
    """The key of one draw: an int64 tensor of shape [2].

    Args:
      seed: the run's seed, an integer or an integer tensor.
      stream: one of REAL, MODE, LATENT, PICTURE, EXPECTATION, SAMPLE, SCORE and TEST; those of different streams are
        independent.
      counter: which draw of that stream, an integer or an integer tensor.
    """
    return tf.stack([tf.cast(seed, tf.int64) * _STREAMS + stream, tf.cast(counter, tf.int64)])


def integers(shape, key: tf.Tensor, maxval: int) -> tf.Tensor:
    """int32 of `shape`, uniform in [0, maxval)."""
    return tf.random.stateless_uniform(shape, key, maxval=maxval, dtype=tf.int32, alg=_ALGORITHM)


def symmetric(shape, key: tf.Tensor) -> tf.Tensor:
    """float32 of `shape`, uniform on the 2²³ midpoints of (−1, 1): as many as float32 holds exactly there."""
    bits = integers(shape, key, 2**23)
    return (2 * tf.cast(bits, tf.float32) + 1) / 2**23 - 1


def normal(shape, key: tf.Tensor, truncation: float | None = None) -> tf.Tensor:
    """float32 of `shape`, standard normal: z = √2 erf⁻¹(u) for a `symmetric` u; |z| stays below 5.3.

    With a `truncation` ψ it is the normal distribution on |z| < ψ: z = √2 erf⁻¹(u erf(ψ/√2)).
    """
    within = 1.0 if truncation is None else math.erf(truncation / 2**0.5)
    return 2**0.5 * tf.math.erfinv(within * symmetric(shape, key))


def shuffled(positions: tf.Tensor, size: int, seed) -> tf.Tensor:
    """Which of `size` samples stands at each position of an endless sequence of epochs: int64 indices in [0, size).

    Positions k · size, ..., (k + 1) · size − 1 are epoch k, a permutation of all samples; epochs and seeds differ in
    order. The permutation is evaluated index by index: no buffer, no state.

    Args:
      positions: consecutive int64 numbers, [n].
      size: how many samples there are.
      seed: the run's seed, an integer or an integer tensor.
    """
    epoch = positions // size
    first, most = epoch[0], 2 + (positions.shape[0] - 1) // size  # the positions may straddle epochs
    # Random words: with consecutive numbers as keys the permutations of consecutive epochs correlate.
    words = [integers([3], key(seed, REAL, first + later), 2**31 - 1) for later in range(most)]
    return tf.raw_ops.RandomIndexShuffle(
        index=positions % size,
        seed=tf.gather(tf.cast(tf.stack(words), tf.int64), epoch - first),
        max_index=tf.constant(size - 1, tf.int64),
        rounds=_ROUNDS,
    )


def shuffled_batch(counter, batch_size: int, size: int, seed) -> tf.Tensor:
    """Which of `size` samples are in batch number `counter` of that sequence: int64 [batch_size]."""
    positions = tf.cast(counter, tf.int64) * batch_size + tf.range(batch_size, dtype=tf.int64)
    return shuffled(positions, size, seed)


def halves(draw: Callable, count: int, dimension: int, seed: int, first: int) -> np.ndarray:
    """[2 ⌈count/2⌉, dimension]: two draws of `standardised_normal` or `stratified`, numbers `first` and `first` + 1.

    Each half stands for the distribution by itself (`Dataset.expectation`); real samples are 0 and 1, latent vectors 2
    and 3 of the stream EXPECTATION.
    """
    shape = -(-count // 2), dimension
    return np.concatenate([draw(shape, key(seed, EXPECTATION, number)) for number in (first, first + 1)])


def standardised_normal(shape: tuple[int, int], key: tf.Tensor) -> np.ndarray:
    """float64 [count, dimension] whose sample mean is 0 and covariance I exactly: expectations of quadratics are exact.

    Raises:
      InputError: there are no such samples, count ≤ dimension.
    """
    if shape[0] <= shape[1]:
        raise InputError(f"{2 * shape[0]} samples are too few in {shape[1]} dimensions: use more than {2 * shape[1]}")
    samples = normal(shape, key).numpy().astype(np.float64)
    samples -= samples.mean(axis=0)
    whitening = np.linalg.inv(np.linalg.cholesky(samples.T @ samples / shape[0]))
    return samples @ whitening.T


def stratified(shape: tuple[int, int], key: tf.Tensor) -> np.ndarray:
    """float64 [count, dimension] on (−1, 1): every coordinate has the midpoints of `count` equal cells, in any order.

    In one dimension expectations over the uniform distribution have an error of order count⁻².
    """
    order = np.argsort(symmetric(shape, key), axis=0)
    return (2 * order + 1) / shape[0] - 1
