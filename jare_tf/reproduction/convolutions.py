"""What the convolutions of a training step take when nothing else is computed: the least that the step can take.

Every convolution of the step's graph, with its derivatives, is an operation of one of three kinds: a convolution, or
its gradient with respect to the input or to the filter. All of them are run in one graph, without what lies between
them in the step: on random numbers, in the step's precision, several at once where TensorFlow finds that it can.
"""

import collections
from collections.abc import Callable, Mapping
from typing import NamedTuple

import tensorflow as tf

_KINDS = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")


class Convolution(NamedTuple):
    """One of the operations, as far as its time depends on it.

    kind: the operation, one of _KINDS.
    inputs: shapes of the two tensors that it multiplies.
    result: shape of what it gives.
    dtype: of all three.
    options: strides, dilations and padding.
    """

    kind: str
    inputs: tuple[tuple[int, ...], tuple[int, ...]]
    result: tuple[int, ...]
    dtype: tf.DType
    options: tuple[tuple[str, tuple[int, ...] | str], ...]

    def __call__(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        options = {name: list(value) if isinstance(value, tuple) else value for name, value in self.options}
        if self.kind == "Conv2D":
            return tf.raw_ops.Conv2D(input=first, filter=second, **options)
        if self.kind == "Conv2DBackpropInput":
            return tf.raw_ops.Conv2DBackpropInput(input_sizes=self.result, filter=first, out_backprop=second, **options)
        return tf.raw_ops.Conv2DBackpropFilter(input=first, filter_sizes=self.result, out_backprop=second, **options)


def found(graph: tf.Graph) -> collections.Counter[Convolution]:
    """How often a graph has each convolution."""
    return collections.Counter(_read(one) for one in graph.get_operations() if one.type in _KINDS)


def _read(operation: tf.Operation) -> Convolution:
    tensors = [one for one in operation.inputs if one.dtype.is_floating]
    lists = ("strides", "dilations", "explicit_paddings")
    options = {name: tuple(operation.get_attr(name)) for name in lists}
    options |= {name: operation.get_attr(name).decode() for name in ("padding", "data_format")}
    first, second, result = (tuple(one.shape.as_list()) for one in (*tensors, *operation.outputs))
    return Convolution(operation.type, (first, second), result, tensors[0].dtype, tuple(options.items()))


def alone(counts: Mapping[Convolution, int]) -> Callable[[], None]:
    """A function that does each convolution so many times, on random numbers, and nothing else."""
    factors = {one: [tf.cast(tf.random.normal(shape), one.dtype) for shape in one.inputs] for one in counts}

    @tf.function(autograph=False)
    def call(*factors):
        corners: list[tf.Tensor] = []
        for (one, count), pair in zip(counts.items(), factors, strict=True):
            before: list[tf.Tensor] = []
            for _ in range(count):
                with tf.control_dependencies(before):  # equal operations on equal numbers would be done once
                    corner = tf.strided_slice(one(*pair), [0] * 4, [1] * 4)
                before = [corner]
                corners.append(tf.cast(tf.reshape(corner, []), tf.float32))
        return tf.add_n(corners)

    return lambda: call(*factors.values()).numpy()
