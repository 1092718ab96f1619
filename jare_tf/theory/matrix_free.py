"""Matrices that are known by their products, and the parameters of a point as one vector."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from scipy.sparse import linalg

from jare_tf.types import Point, each_player


class Operator(linalg.LinearOperator):
    """A real n × n matrix that is known by its products, in float64."""

    def __init__(self, product: Callable[[np.ndarray], np.ndarray], size: int):
        self._product = product
        super().__init__(dtype=np.float64, shape=(size, size))

    def _matvec(self, vector):
        return self._product(np.ravel(vector)).astype(np.float64)


Matrix = np.ndarray | Operator


class Flat:
    """Between the parameters of a point and one vector, the discriminator's first.

    Attributes:
      size: n, the number of all parameters.
      sizes: Players, that of each player's.
    """

    def __init__(self, point: Point):
        self._point = point
        self._leaves = tf.nest.flatten(point.parameters)
        self._sizes = [leaf.shape.num_elements() for leaf in self._leaves]
        self.sizes = each_player(lambda own: sum(leaf.shape.num_elements() for leaf in own), point.parameters)
        self.size = sum(self._sizes)

    @staticmethod
    def vector(nest) -> tf.Tensor:
        """The floating-point numbers of a nest of tensors."""
        return tf.concat([tf.reshape(leaf, [-1]) for leaf in tf.nest.flatten(nest) if leaf.dtype.is_floating], 0)

    def point(self, vector: tf.Tensor) -> Point:
        parts = tf.split(vector, self._sizes)
        leaves = [tf.reshape(part, leaf.shape) for part, leaf in zip(parts, self._leaves, strict=True)]
        return self._point._replace(parameters=tf.nest.pack_sequence_as(self._point.parameters, leaves))


def traced(function: Callable) -> Callable:
    """The function as a graph for each shape of its arguments; a tf.function would warn of so many in a process."""
    graphs: dict[Any, Callable] = {}

    def call(*arguments):
        shapes = tuple(tuple(np.shape(one)) for one in tf.nest.flatten(arguments))
        if shapes not in graphs:
            graphs[shapes] = tf.function(function, autograph=False).get_concrete_function(*arguments)
        return graphs[shapes](*arguments)

    return call
