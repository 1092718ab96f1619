"""Random draws that depend on nothing but (seed, stream, counter), so that a resumed run draws as if never stopped.

Integers of `tf.random.stateless_uniform` are the same bits in graph mode and under XLA, its floating-point numbers and
normals are not; so normals are made from integers here, and a seed means the same noise however a step is compiled.
"""

import numpy as np
import tensorflow as tf

from jare_tf.errors import InputError

REAL, MODE, LATENT, PICTURE, EXPECTATION = range(5)
_STREAMS = 256
_ALGORITHM = "philox"  # named, because the default differs from device to device


def key(seed, stream: int, counter) -> tf.Tensor:
    """The key of one draw: an int64 tensor of shape [2].

    Args:
      seed: the run's seed, an integer or an integer tensor.
      stream: one of REAL, MODE, LATENT, PICTURE, EXPECTATION; draws of different streams are independent.
      counter: which draw of that stream, an integer or an integer tensor.
    """
    return tf.stack([tf.cast(seed, tf.int64) * _STREAMS + stream, tf.cast(counter, tf.int64)])


def integers(shape, key: tf.Tensor, maxval: int) -> tf.Tensor:
    """int32 of `shape`, uniform in [0, maxval)."""
    return tf.random.stateless_uniform(shape, key, maxval=maxval, dtype=tf.int32, alg=_ALGORITHM)


def normal(shape, key: tf.Tensor) -> tf.Tensor:
    """float32 of `shape`, standard normal: z = √2 erf⁻¹(2u − 1) for u uniform on the 2²³ midpoints of (0, 1).

    23 bits are what float32 holds exactly between −1 and 1; |z| stays below 5.3.
    """
    bits = integers(shape, key, 2**23)
    return 2**0.5 * tf.math.erfinv((2 * tf.cast(bits, tf.float32) + 1) / 2**23 - 1)


def standardised_normal(shape: tuple[int, int], key: tf.Tensor) -> np.ndarray:
    """float64 [count, dimension] whose sample mean is 0 and covariance I exactly: expectations of quadratics are exact.

    Raises:
      InputError: there are no such samples, count ≤ dimension.
    """
    if shape[0] <= shape[1]:
        raise InputError(f"{2 * shape[0]} samples are too few in {shape[1]} dimensions: take over {2 * shape[1]}")
    samples = normal(shape, key).numpy().astype(np.float64)
    samples -= samples.mean(axis=0)
    whitening = np.linalg.inv(np.linalg.cholesky(samples.T @ samples / shape[0]))
    return samples @ whitening.T
