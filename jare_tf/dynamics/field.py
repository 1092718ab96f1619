"""The vector field of a game and products with its Jacobian: the only module that differentiates.

ξ = (∇θ ℓ_D, ∇φ ℓ_G) is what simultaneous gradient descent follows, J = ∂ξ/∂(θ, φ) its Jacobian.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from jare_tf.game.game import TwoPlayerGame
from jare_tf.types import Batch, Players, Point, each_player

Mask = tuple[tuple[int, int], tuple[int, int]]  # mask[source][target], both in player order


class Field(NamedTuple):
    """The game at a point.

    losses: Players of scalars.
    gradient: ξ, Players of tuples of tensors, each shaped as its variable.
    state: Players of tuples of tensors, the networks' state after this pass.
    """

    losses: Players
    gradient: Players
    state: Players


def field(game: TwoPlayerGame, point: Point, batch: Batch) -> Field:
    """ξ at a point: each player's gradient of its own loss, zero for a variable that the loss does not depend on."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(point.parameters)
        losses, state = game.losses(point, batch)
    gradient = each_player(lambda loss, parameters: _differentiate(tape, loss, parameters), losses, point.parameters)
    return Field(losses=losses, gradient=gradient, state=state)


def field_and_coupling(game: TwoPlayerGame, point: Point, batch: Batch, mask: Mask) -> tuple[Field, Players]:
    """ξ and (C ∘ J)ᵀξ for a 2×2 block mask C.

    Target t of the product is Σ_s C[s, t] (∂ξ_s/∂w_t)ᵀ ξ_s, with the right-hand ξ held constant: the gradient with
    respect to w_t of ½ Σ_s C[s, t] ‖ξ_s‖². Targets with the same sources share one backward pass.

    Args:
      game: the game.
      point: where.
      batch: the samples that both ξ and J are estimated on.
      mask: C[source][target] in player order, entries 0 or 1.

    Returns:
      (field, product): product is Players of tuples of tensors, zero where nothing is connected.
    """
    sources_of = {target: tuple(s for s in (0, 1) if mask[s][target]) for target in (0, 1)}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(point.parameters)
        value = field(game, point, batch)
    product: list[Any] = [tuple(map(tf.zeros_like, parameters)) for parameters in point.parameters]
    for sources in set(sources_of.values()) - {()}:
        targets = [target for target in (0, 1) if sources_of[target] == sources]
        vector = [value.gradient[source] for source in sources]
        rows = _differentiate(tape, vector, [point.parameters[target] for target in targets], output_gradients=vector)
        for target, row in zip(targets, rows, strict=True):
            product[target] = row
    return value, Players(*product)


def squared_norm(tensors) -> tf.Tensor:
    """‖·‖² of a tuple of tensors taken as one vector."""
    return tf.add_n([tf.reduce_sum(tf.square(tensor)) for tensor in tensors])


def _differentiate(tape, target, sources, output_gradients=None):
    """tape.gradient with zeros where nothing is connected, dense, in the structure of `sources`."""
    gradients = tape.gradient(
        target, sources, output_gradients=output_gradients, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return tf.nest.map_structure(tf.convert_to_tensor, gradients)
