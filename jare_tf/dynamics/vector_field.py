"""The vector field of a game and products with its Jacobian: all differentiation with respect to parameters.

ξ = (∇θ ℓ_D, ∇φ ℓ_G) is what simultaneous gradient descent follows, J = ∂ξ/∂(θ, φ) its Jacobian. Everything here is a
function of tensors that can be differentiated again; what a value does not depend on gets a zero. Under tf.distribute
every result is that of the global batch, the same on all replicas: ξ is averaged over them before it is used, since
‖mean ξ_r‖² is not the mean of ‖ξ_r‖².
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from jare_tf import replicas
from jare_tf.errors import InputError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.types import Batch, Players, Point, each_player

Mask = tuple[tuple[int, int], tuple[int, int]]  # mask[source][target], both in player order
WHOLE, OFF_DIAGONAL = ((1, 1), (1, 1)), ((0, 1), (1, 0))
Product = Callable[[Mask, Players], Players]


class Evaluation(NamedTuple):
    """The game at a point.

    losses: Players of scalars.
    gradient: ξ, Players of tuples of tensors, each shaped as its variable.
    state: Players of tuples of tensors, the networks' state after this pass.
    """

    losses: Players
    gradient: Players
    state: Players


def vector_field(game: TwoPlayerGame, point: Point, batch: Batch) -> Evaluation:
    """ξ at a point: each player's gradient of its own loss, zero for a variable that the loss does not depend on."""
    return _mean(game, _own(game, point, batch))


def linearize(game: TwoPlayerGame, point: Point, *batches: Batch) -> tuple[Any, ...]:
    """ξ at a point, and products with its Jacobian J there.

    ```python
    evaluation, pullback = linearize(game, point, batch)
    coupling = pullback(mask, evaluation.gradient)
    ```

    `pullback(C, u)` is (C ∘ J)ᵀ u for a 2×2 block mask C[source, target]: its target t is Σ_s C[s, t] (∂ξ_s/∂w_t)ᵀ u_s,
    with u held constant. With u = ξ that is the gradient with respect to w_t of ½ Σ_s C[s, t] ‖ξ_s‖². Targets with the
    same sources share one backward pass. Of several batches, each with its own u, it is the sum of the products.

    Returns:
      (evaluation of each batch, ..., pullback): pullback takes a mask and a u for each batch, Players of tuples of
      tensors shaped as the parameters, and gives such Players.
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(point.parameters)
        own = [_own(game, point, batch) for batch in batches]

    def pullback(mask: Mask, *vectors: Players) -> Players:
        fields = [evaluation.gradient for evaluation in own]
        return replicas.mean(_pulled_back(tape, fields, point, mask, vectors, functools.partial(_in_range, game)))

    return *(_mean(game, evaluation) for evaluation in own), pullback


def evaluation_and_products(
    game: TwoPlayerGame, point: Point, batch: Batch, mask: Mask = WHOLE, vector: Players | None = None
) -> tuple[Evaluation, Players, Players]:
    """ξ, (C ∘ J)ᵀu and (C ∘ J)ξ for a block mask C[source, target]; u is ξ where none is given.

    (C ∘ J)ᵀu is linear in u, so that its own transposed derivative with respect to u, applied to ξ, is (C ∘ J)ξ. Both
    share one backward pass, and float16's loss scale is in both.
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(point.parameters)
        own = _own(game, point, batch)
    evaluation = _mean(game, own)
    xi, scale = _in_range(game, evaluation.gradient)
    u, scale_of_u = (xi, scale) if vector is None else _in_range(game, vector)
    u = tf.nest.map_structure(tf.identity, u)
    with tf.GradientTape() as linear:
        linear.watch(u)
        transposed = _pulled_back(tape, [own.gradient], point, mask, [u])
    product = _differentiate(linear, transposed, u, xi)
    return evaluation, *replicas.mean((_unscaled(transposed, scale_of_u), _unscaled(product, scale)))


def products(game: TwoPlayerGame, point: Point, batch: Batch) -> tuple[Evaluation, Product, Product]:
    """ξ at a point, and functions of a block mask C and Players u: (C ∘ J)ᵀu and (C ∘ J)u; without a loss scale.

    (C ∘ J)u costs two backward passes where (C ∘ J)ᵀu costs one.
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(point.parameters)
        own = _own(game, point, batch)

    def transposed(mask: Mask, vector: Players) -> Players:
        return replicas.mean(_pulled_back(tape, [own.gradient], point, mask, [vector]))

    def forward(mask: Mask, vector: Players) -> Players:
        u = tf.nest.map_structure(tf.identity, vector)
        with tf.GradientTape() as linear:
            linear.watch(u)
            product = _pulled_back(tape, [own.gradient], point, mask, [u])
        return replicas.mean(_differentiate(linear, product, u, vector))

    return _mean(game, own), transposed, forward


def cross_gradient(game: TwoPlayerGame, point: Point, batch: Batch) -> Players:
    """(∇θ ℓ_G, ∇φ ℓ_D): of each player's parameters, the gradient of the other player's loss."""
    return _mean(game, _own(game, point, batch, crossed=True)).gradient


def gradient(function: Callable[[Any], tf.Tensor], inputs):
    """The gradient of a scalar function of a nest of tensors, in the structure of the nest."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = function(inputs)
    return replicas.mean(_differentiate(tape, value, inputs))


def transposed_products(function: Callable[[tf.Tensor], tf.Tensor], inputs: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
    """(∂f/∂w)ᵀ u for each row u of `vectors` [r, m], in one vectorised backward pass: [r, n].

    `tape.jacobian` does it for all m rows at once, which needs more memory and takes longer.

    Args:
      function: f, from w [n] to [m].
      inputs: w.
      vectors: the rows u.
    """
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = function(inputs)
    product = lambda vector: _differentiate(tape, value, inputs, vector)
    return product(vectors[0])[None] if vectors.shape[0] == 1 else tf.vectorized_map(product, vectors)


def plus(vector, factor, other):
    """vector + factor · other, of two nests of tensors of the same structure."""
    return tf.nest.map_structure(lambda a, b: a + factor * b, vector, other)


def squared_norm(tensors) -> tf.Tensor:
    """‖·‖² of a nest of tensors taken as one vector."""
    return inner_product(tensors, tensors)


def inner_product(first, second) -> tf.Tensor:
    """⟨·, ·⟩ of two nests of tensors of the same structure, each taken as one vector."""
    pairs = zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True)
    return tf.add_n([tf.reduce_sum(a * b) for a, b in pairs])


def _pulled_back(tape, fields: list[Players], point: Point, mask: Mask, vectors, in_range=None) -> Players:
    """Σ (C ∘ J)ᵀu over fields ξ that the tape knows and as many u, these brought `in_range` where that is needed."""
    sources_of = [tuple(s for s in (0, 1) if mask[s][target]) for target in (0, 1)]
    product: list[Any] = [tuple(map(tf.zeros_like, parameters)) for parameters in point.parameters]
    for sources in set(sources_of) - {()}:
        targets = [target for target in (0, 1) if sources_of[target] == sources]
        xi = [field[source] for field in fields for source in sources]
        u, scale = [vector[source] for vector in vectors for source in sources], None
        if in_range is not None:
            u, scale = in_range(u)
        rows = _differentiate(tape, xi, [point.parameters[target] for target in targets], u)
        for target, row in zip(targets, _unscaled(rows, scale), strict=True):
            product[target] = row
    return Players(*product)


def _own(game: TwoPlayerGame, point: Point, batch: Batch, crossed: bool = False) -> Evaluation:
    """The evaluation on this replica's part of the batch, its gradient times the game's loss scale.

    Crossed, the losses and the gradients are the other player's.
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(point.parameters)
        losses, state = game.losses(point, batch)
        losses = Players(*reversed(losses)) if crossed else losses
        scale = _loss_scale(game)
        scaled = losses if scale is None else each_player(lambda loss: loss * scale, losses)
    gradient = each_player(lambda loss, parameters: tape.gradient(loss, parameters), scaled, point.parameters)
    for player, found in gradient._asdict().items():
        if found and all(one is None for one in found) and not crossed:
            raise InputError(f"no gradient of its loss reaches the {player}: something in it, or after it, cuts it off")
    gradient = _with_zeros(gradient, point.parameters)
    return Evaluation(losses=losses, gradient=gradient, state=state)


def _mean(game: TwoPlayerGame, own: Evaluation) -> Evaluation:
    """The evaluation on the global batch, without the loss scale."""
    return replicas.mean(own._replace(gradient=_unscaled(own.gradient, _loss_scale(game))))


def _loss_scale(game: TwoPlayerGame):
    """What a game's losses are multiplied by while they are differentiated; None for nothing."""
    return getattr(game, "loss_scale", None)


def _unscaled(tensors, scale):
    return tensors if scale is None else tf.nest.map_structure(lambda tensor: tensor / scale, tensors)


def _in_range(game: TwoPlayerGame, vector):
    """u for a product with the Jacobian of an `_own` evaluation, and what the product then has to be divided by.

    With a loss scale ξ is multiplied by it, which keeps it in float16's range when it is differentiated again.
    So that u stays there too, on which the product depends linearly, its largest entry is brought to 1.
    """
    if _loss_scale(game) is None:
        return vector, None
    largest = [tf.reduce_max(tf.abs(tensor)) for tensor in tf.nest.flatten(vector)]
    size = 1 / tf.reduce_max([2.0**-100, *largest])
    return tf.nest.map_structure(lambda u: u * size, vector), _loss_scale(game) * size


def _differentiate(tape, target, sources, output_gradients=None):
    """tape.gradient with zeros where nothing is connected, dense, in the structure of `sources`."""
    return _with_zeros(tape.gradient(target, sources, output_gradients=output_gradients), sources)


def _with_zeros(gradients, sources):
    """Gradients, dense, with zeros for None."""
    dense = lambda gradient, source: tf.zeros_like(source) if gradient is None else tf.convert_to_tensor(gradient)
    return tf.nest.map_structure(dense, gradients, sources)
