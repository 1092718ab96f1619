"""What a rule's update computes, and how much arithmetic that is."""

import tensorflow as tf

from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.dynamics.lazy import lazy
from jare_tf.dynamics.rule import Rule
from jare_tf.game.game import TwoPlayerGame
from jare_tf.types import Batch, Players


def operations(
    rule: Rule, game: TwoPlayerGame, batch: Batch, movers: Players = Players(discriminator=True, generator=True)
) -> float:
    """Floating-point operations of a rule's direction at a batch, counted in the traced graph.

    A multiplication and an addition count as two, of the operations by which layers are implemented. What the direction
    does not need is left out, as TensorFlow leaves it out; the optimizers' own arithmetic, a few operations a
    parameter, is not in it. For `lazy` it is the mean over its k moves; of a `lazy` within another rule only what every
    move does is seen.

    Args:
      rule: the rule.
      game: the game, at its networks' present parameters.
      batch: how large a batch is; its values do not matter.
      movers: whose direction is wanted, one of a schedule's `moves`.
    """
    return sum(part * count(graph) for part, graph in graphs(rule, game, batch, movers))


def graphs(
    rule: Rule, game: TwoPlayerGame, batch: Batch, movers: Players = Players(discriminator=True, generator=True)
) -> list[tuple[float, tf.Graph]]:
    """What a move computes, as `operations` counts it: graphs, each with the part of all moves that it is taken in."""
    if isinstance(rule, lazy):
        plain, regularised = (graphs(one, game, batch, movers) for one in (sim_gd(), rule.rule))
        return [
            *(((rule.every - 1) / rule.every * part, graph) for part, graph in plain),
            *((part / rule.every, graph) for part, graph in regularised),
        ]

    def direction(point, batch):
        whole = rule.update(game, point, batch, rule.memory(point)).direction
        return [part for part, moves in zip(whole, movers, strict=True) if moves]

    traced = tf.function(direction, autograph=False).get_concrete_function(game.point(), batch)
    outputs = [tensor.op.name for tensor in tf.nest.flatten(traced.structured_outputs)]
    needed = tf.compat.v1.graph_util.extract_sub_graph(traced.graph.as_graph_def(), outputs)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(needed, name="")
    return [(1.0, graph)]


def count(graph: tf.Graph) -> float:
    """Floating-point operations of a graph, counted as `operations` does."""
    options = {**tf.compat.v1.profiler.ProfileOptionBuilder.float_operation(), "output": "none"}
    return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops
