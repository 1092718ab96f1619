"""Linear systems with blocks of the game's Jacobian, which is known by its products."""

from collections.abc import Callable

import tensorflow as tf

from jare_tf.dynamics.vector_field import inner_product, plus, squared_norm
from jare_tf.types import Players

_Product = Callable[[Players], Players]


def least_squares(
    forward: _Product, transposed: _Product, right: Players, iterations: int, damping: float = 0.0
) -> Players:
    """x of least ‖Kx − b‖² + δ‖x‖², by so many iterations of conjugate gradients on the normal equations Mx = Kᵀb.

    M = KᵀK + δ; exact after as many iterations as M has distinct eigenvalues. An iteration costs a product with K and
    one with Kᵀ.

    Its derivative is that of the solution, dx = M⁻¹ d(Kᵀ(b − Kx) − δx) with this x held constant, M⁻¹ by as many
    iterations again: the iteration itself is no smooth function of b, least of all at b = 0, where the game rests.
    Only what is differentiated pays for it.

    Args:
      forward: u ↦ Ku.
      transposed: u ↦ Kᵀu.
      right: b, Players of tuples of tensors.
      iterations: how many, at least 1.
      damping: δ.
    """

    def normal(u: Players) -> Players:
        return plus(transposed(forward(u)), damping, u)

    @tf.custom_gradient
    def error(*slope):
        """Nothing, and where it is differentiated M⁻¹ slope."""
        solve = lambda *upstream: tf.nest.flatten(_solution(normal, packed(upstream), iterations))
        return tuple(map(tf.zeros_like, slope)), solve

    packed = lambda leaves: tf.nest.pack_sequence_as(right, leaves)
    projected = transposed(right)
    x = tf.nest.map_structure(tf.stop_gradient, _solution(normal, projected, iterations))
    return plus(x, 1.0, packed(error(*tf.nest.flatten(plus(projected, -1.0, normal(x))))))


def _solution(matrix: _Product, right: Players, iterations: int) -> Players:
    """x of Mx = b for a symmetric, positive matrix, by conjugate gradients from 0."""
    x = tf.nest.map_structure(tf.zeros_like, right)
    residual = along = right
    size = squared_norm(residual)
    for _ in range(iterations):
        image = matrix(along)
        length = tf.math.divide_no_nan(size, inner_product(along, image))
        x = plus(x, length, along)
        residual = plus(residual, -length, image)
        size, before = squared_norm(residual), size
        along = plus(residual, tf.math.divide_no_nan(size, before), along)
    return x
