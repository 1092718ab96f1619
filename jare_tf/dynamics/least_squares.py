"""Linear systems with blocks of the game's Jacobian, which is known by its products."""

from collections.abc import Callable

import tensorflow as tf

from jare_tf.dynamics.vector_field import squared_norm
from jare_tf.types import Players

_TINY = 1e-16


def least_squares(
    forward: Callable[[Players], Players],
    transposed: Callable[[Players], Players],
    right: Players,
    iterations: int,
    damping: float = 0.0,
) -> Players:
    """x of least ‖Kx − b‖² + δ‖x‖², by so many iterations of conjugate gradients on the normal equations (CGLS).

    Exact after as many iterations as KᵀK has distinct eigenvalues. An iteration costs a product with K and one with Kᵀ.

    When it is differentiated, the coefficients of the iteration are held constant, so that dx is the same polynomial of
    K as x, applied to db: the derivative of the solution as far as it has converged. That holds at b = 0 too, where the
    game rests: a fixed vector of size 1e-16 is added to b, without which the coefficients were 0/0.

    Args:
      forward: u ↦ Ku.
      transposed: u ↦ Kᵀu.
      right: b, Players of tuples of tensors.
      iterations: how many, at least 1.
      damping: δ.
    """
    residual = tf.nest.map_structure(lambda b: b + _TINY * _some(b), right)
    x = tf.nest.map_structure(tf.zeros_like, right)
    slope = transposed(residual)
    along, size = slope, squared_norm(slope)
    for _ in range(iterations):
        image = forward(along)
        length = tf.stop_gradient(tf.math.divide_no_nan(size, squared_norm(image) + damping * squared_norm(along)))
        x = _plus(x, length, along)
        residual = _plus(residual, -length, image)
        slope = _plus(transposed(residual), -damping, x)
        size, before = squared_norm(slope), size
        along = _plus(slope, tf.stop_gradient(tf.math.divide_no_nan(size, before)), along)
    return x


def _plus(vector: Players, factor, other: Players) -> Players:
    return tf.nest.map_structure(lambda a, b: a + tf.cast(factor, b.dtype) * b, vector, other)


def _some(tensor: tf.Tensor) -> tf.Tensor:
    """Numbers between −1 and 1 in no pattern that a matrix is likely to have."""
    numbers = tf.range(tf.size(tensor), dtype=tf.int32)
    return tf.reshape(tf.cos(tf.cast(numbers, tensor.dtype) ** 2), tensor.shape)
