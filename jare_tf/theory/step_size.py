"""How large a step may be and how fast it converges, for any rule under any optimizer that is linear at rest."""

import functools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from jare_tf.dynamics.optimistic_adam import OptimisticAdam
from jare_tf.dynamics.rule import Rule
from jare_tf.errors import InputError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.theory import eigenvalues
from jare_tf.theory.spectrum import Linearization, moving
from jare_tf.types import Batch, Point, each_player

_STEPS = np.geomspace(1e-6, 1e6, 240)  # relative to the step that the scale of the game suggests
_SHRUNK = 1e-7


@functools.singledispatch
def linear_optimizer(optimizer: keras.optimizers.Optimizer, step: float) -> tuple[np.ndarray, np.ndarray]:
    """What an optimizer does to a parameter near rest: (w, slots)' = transition (w, slots) − response · d.

    Args:
      optimizer: a Keras SGD (with momentum, Nesterov), RMSprop or Adam, or `OptimisticAdam`, without weight decay.
        RMSprop is linear where the squared gradients have decayed far below ε, and there it is gradient descent with
        step η/√ε (ConOpt Prop. 13); Adam where the gradients have decayed far below ε, and there it is heavy-ball
        momentum with step η/ε, of which `OptimisticAdam` takes twice the last change less the one before. All three
        are far from what they do in training.
      step: η, the learning rate.

    Returns:
      (transition [k, k], response [k]).

    Raises:
      InputError: the optimizer is of another kind, or has weight decay.
    """
    raise InputError(f"{type(optimizer).__name__} has no linear form near rest here: use SGD, RMSprop or Adam")


@linear_optimizer.register
def _(optimizer: keras.optimizers.SGD, step: float):
    momentum = optimizer.momentum
    if not momentum:
        return np.ones([1, 1]), np.array([step])
    if optimizer.nesterov:  # v' = μ v − η d, w' = w + μ v' − η d
        return np.array([[1, momentum**2], [0, momentum]]), step * np.array([1 + momentum, 1])
    return np.array([[1, momentum], [0, momentum]]), step * np.array([1, 1])  # v' = μ v − η d, w' = w + v'


@linear_optimizer.register
def _(optimizer: keras.optimizers.RMSprop, step: float):
    step, momentum = step / optimizer.epsilon**0.5, optimizer.momentum
    if not momentum:
        return np.ones([1, 1]), np.array([step])
    return np.array([[1, -momentum], [0, momentum]]), step * np.array([1, -1])  # m' = μ m + η d/√ε, w' = w − m'


@linear_optimizer.register
def _(optimizer: keras.optimizers.Adam, step: float):
    step, beta = step / optimizer.epsilon, optimizer.beta_1
    # m' = β m + (1 − β) d, w' = w − (η/ε) m'
    return np.array([[1, -step * beta], [0, beta]]), (1 - beta) * np.array([step, -1])


@linear_optimizer.register
def _(optimizer: OptimisticAdam, step: float):
    step, beta = step / optimizer.epsilon, optimizer.beta_1
    # m' = β m + (1 − β) d, w' = w − (η/ε)(2 m' − m)
    return np.array([[1, step * (1 - 2 * beta)], [0, beta]]), (1 - beta) * np.array([2 * step, -1])


def rate(linearization: Linearization, optimizer: keras.optimizers.Optimizer, step: float) -> float:
    """ρ: the factor by which the slowest error shrinks, or the fastest grows, in a step near the equilibrium.

    The spectral radius of the step on parameters, slots and memory (its p-th root, over a period of p steps), without
    the multipliers 1 of directions along which nothing moves. Both players have the same optimizer.

    Args:
      linearization: of the rule at the equilibrium.
      optimizer: what applies the directions; its own learning rate does not count.
      step: the learning rate η.
    """
    if optimizer.weight_decay:
        raise InputError(f"{type(optimizer).__name__} with weight decay moves the equilibrium: use it without")
    transition, response = linear_optimizer(optimizer, step)
    if linearization.memoryless:
        curvatures = eigenvalues.nonzero(linearization.curvatures)
        first = np.eye(1, len(response))
        multipliers = np.linalg.eigvals(transition - np.outer(response, first) * curvatures[:, None, None])
    else:
        multipliers = moving(np.linalg.eigvals(linearization.period_matrix(transition, response)))
    return float(np.max(np.abs(multipliers), initial=0.0) ** (1 / linearization.period))


def largest_stable_step(linearization: Linearization, optimizer: keras.optimizers.Optimizer) -> float:
    """The least η at which ρ reaches 1, 0 where no small step is stable.

    For gradient descent and a memoryless rule it is ConOpt Lemma 4's bound; else found by bisection.
    """
    plain = isinstance(optimizer, keras.optimizers.SGD) and not optimizer.momentum
    if linearization.memoryless and plain:
        return eigenvalues.largest_stable_step(-linearization.curvatures)
    _, response = linear_optimizer(optimizer, 1.0)
    n = linearization.parameters
    scale = 1 / np.linalg.norm(linearization.moves[:, :n, :n], axis=(1, 2)).max()
    if linearization.memoryless:
        scale = eigenvalues.largest_stable_step(-linearization.curvatures) or scale
    scale /= np.abs(response[0])
    stable = 0.0
    for step in scale * _STEPS:
        if rate(linearization, optimizer, step) >= 1:
            return bisect(lambda middle: rate(linearization, optimizer, middle) < 1, stable, step)[0] if stable else 0.0
        stable = step
    return np.inf


def bisect(holds: Callable[[float], bool], low: float, high: float, tolerance: float = 1e-10) -> tuple[float, float]:
    """(low, high) around where `holds` ends between low, where it holds, and high, where it does not.

    Args:
      holds: of a number.
      low: at least 0.
      high: above low.
      tolerance: high − low at the end, relative to high.
    """
    while high - low > tolerance * high:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low, high


def observed_rate(
    game: TwoPlayerGame,
    rule: Rule,
    equilibrium: Point,
    batch: Batch,
    optimizer: Callable[[], keras.optimizers.Optimizer],
    *,
    steps: int,
    displacement: float = 1e-3,
    seed: int = 0,
) -> float:
    """ρ as it shows when the rule is run without noise, the same batch in every step, from close to an equilibrium.

    The slope of a straight line through the logarithm of the distance, over the second half of the run, or of its part
    before the distance has shrunk to 1e-7 of what it was and rounding shows.

    Args:
      game: the game.
      rule: the rule.
      equilibrium: where the distance is measured to.
      batch: the samples of every step.
      optimizer: makes each player's optimizer.
      steps: steps to run, enough to leave fast modes behind and, where the distance oscillates, for several periods.
      displacement: standard deviation of the start's distance to the equilibrium, in each parameter.
      seed: of the start.
    """
    rng = np.random.default_rng(seed)
    start = lambda w: keras.Variable(w + displacement * rng.normal(size=w.shape), dtype=w.dtype.name)
    variables = tf.nest.map_structure(start, equilibrium.parameters)
    optimizers = each_player(lambda _: optimizer(), variables)
    each_player(lambda one, own: one.build(list(own)), optimizers, variables)

    def step(index, memory, distances):
        point = equilibrium._replace(
            parameters=tf.nest.map_structure(lambda v: tf.convert_to_tensor(v.value), variables)
        )
        update = rule.update(game, point, batch, memory)
        each_player(lambda one, direction, own: one.apply(direction, own), optimizers, update.direction, variables)
        errors = [
            tf.reduce_sum(tf.square(tf.cast(v.value - w, tf.float64)))
            for v, w in zip(tf.nest.flatten(variables), tf.nest.flatten(equilibrium.parameters), strict=True)
        ]
        return index + 1, update.memory, distances.write(index, tf.sqrt(tf.add_n(errors)))

    @tf.function(autograph=False)
    def run():
        start = (0, rule.memory(equilibrium), tf.TensorArray(tf.float64, steps))
        *_, distances = tf.while_loop(lambda index, *_: index < steps, step, start)
        return distances.stack()

    distances = run().numpy()
    exact = int(np.argmax(distances < _SHRUNK * distances[0])) or steps
    late = distances[exact // 2 : exact]
    slope, _ = np.polyfit(np.arange(len(late)), np.log(late), 1)
    return float(np.exp(slope))
