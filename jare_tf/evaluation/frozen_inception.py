"""Inception graphs frozen to one file, which TensorFlow reads only with some care."""

from collections.abc import Callable, Iterable

import tensorflow as tf

from jare_tf.errors import InputError

SIZE = (299, 299)
INPUT_RANGE = (-1.0, 127 / 128)  # what the pixels x = 0 and 255 become: (x − 128)/128
_INPUT, _POOL = "Mul", "pool_3"
_LOGITS = ("logits", "softmax/logits/MatMul", "softmax/logits")


def read(path: str) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """From images [n, 299, 299, 3] in `INPUT_RANGE` to {"pool_3": [n, 1, 1, d], "logits": [n, k]}.

    Logits are those of the node "logits", or in the graph of 2015 the product of pool_3 and the weights of
    "softmax/logits/MatMul", without the biases, as in the code of the inception score (Salimans et al. 2016), or else
    those of the node "softmax/logits".

    Raises:
      InputError: the graph has no such nodes.
    """
    graph = tf.compat.v1.GraphDef()
    with tf.io.gfile.GFile(path, "rb") as file:
        graph.ParseFromString(file.read())
    nodes = {node.name: node for node in graph.node}
    last = next((name for name in _LOGITS if name in nodes), None)
    if last is None or not {_INPUT, _POOL} <= set(nodes):
        needed = f"nodes {_INPUT}, {_POOL} and {_LOGITS[0]}"
        raise InputError(f"embedding.load: {path} is not a frozen Inception graph: it must have {needed}")
    by_weights = last == "softmax/logits/MatMul"
    wanted = _POOL, nodes[last].input[1] if by_weights else last
    used = _used(nodes, wanted)

    def outputs(images):
        pool, logits = tf.graph_util.import_graph_def(
            used, {f"{_INPUT}:0": images}, [f"{name}:0" for name in wanted], name=""
        )
        return {"pool_3": pool, "logits": tf.matmul(pool[:, 0, 0], logits) if by_weights else logits}

    return tf.compat.v1.wrap_function(outputs, [tf.TensorSpec([None, *SIZE, 3], tf.float32)])


def _used(nodes: dict, wanted: Iterable[str]):
    """The graph between the input and the nodes `wanted`; others of 2015 are made for batches of one image."""
    used, waiting = tf.compat.v1.GraphDef(), list(wanted)
    seen = {_INPUT}
    while waiting:
        name = waiting.pop().removeprefix("^").split(":")[0]
        if name not in seen:
            seen.add(name)
            used.node.extend(_modern(nodes[name]))
            waiting.extend(nodes[name].input)
    return used


def _modern(node) -> list:
    """The node, or two that do what one of an op does that TensorFlow has dropped, batch norm of 2015."""
    if node.op != "BatchNormWithGlobalNormalization":
        return [node]
    images, mean, variance, offset, scale = node.input
    dtype = node.attr["T"]
    ones = tf.compat.v1.NodeDef(name=f"{node.name}/ones", op="OnesLike", input=[scale], attr={"T": dtype})
    norm = tf.compat.v1.NodeDef(name=node.name, op="FusedBatchNorm", attr={"T": dtype})
    norm.input.extend(
        [images, scale if node.attr["scale_after_normalization"].b else ones.name, offset, mean, variance]
    )
    norm.attr["epsilon"].f, norm.attr["is_training"].b = node.attr["variance_epsilon"].f, False
    return [ones, norm]
