"""What optimizers are while their slots stand still: gradient descent with a preconditioner and heavy-ball momentum."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from jare_tf.dynamics.optimistic_adam import OptimisticAdam
from jare_tf.settings import Positive, check
from jare_tf.types import Players


class HeavyBall(NamedTuple):
    """v' = β v − η P d, w' = w + v', for the directions d of both players and the discriminator's learning rate η.

    preconditioner: P's diagonal, float64 [n], the discriminator's parameters first.
    momentum: β.
    """

    preconditioner: np.ndarray
    momentum: float


def frozen(optimizers: Players, parameters: Players) -> HeavyBall | None:
    """What a step of both players' optimizers is to first order, with the slots as they are.

    With η_G the generator's learning rate and η_D the discriminator's, P is for each player, times η_G/η_D for the
    generator:

    | optimizer | P | β |
    | --- | --- | --- |
    | SGD | 1 | momentum |
    | RMSprop | 1/√(v + ε), and 1/√(v − a² + ε) if centered | momentum |
    | Adam | (1 − β1) √(1 − β2ᵗ)/((1 − β1ᵗ)(√v + ε)) | β1 |

    v is the mean square of gradients, a their mean, t the number of steps taken: with these Keras has taken step t.
    Adam's mean of gradients m is the heavy ball's v = −η P m/(1 − β1).

    Args:
      optimizers: the players', built and with their slots, unless SGD.
      parameters: for each player its tensors, for their sizes.

    Returns:
      None where there are no slots; the players differ in β; or one has Nesterov momentum, weight decay, clipping,
      accumulation of gradients, or is another optimizer.

    Raises:
      InputError: the discriminator's learning rate is not positive.
    """
    rates = [float(one.learning_rate) for one in optimizers]
    check("the discriminator's learning rate", Positive, rates[0])
    parts = [part for one in optimizers if not _has_more(one) and (part := _frozen(one)) is not None]
    if len(parts) < len(optimizers) or parts[0].momentum != parts[1].momentum:
        return None
    sizes = [sum(int(np.prod(tensor.shape)) for tensor in own) for own in parameters]
    scales = [rate / rates[0] * part.preconditioner for rate, part in zip(rates, parts, strict=True)]
    filled = [np.broadcast_to(scale, [size]) for scale, size in zip(scales, sizes, strict=True)]
    return HeavyBall(np.concatenate(filled), parts[0].momentum)


def _has_more(optimizer: keras.optimizers.Optimizer) -> bool:
    names = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "gradient_accumulation_steps")
    return any(getattr(optimizer, name) for name in names)


@functools.singledispatch
def _frozen(optimizer: keras.optimizers.Optimizer) -> HeavyBall | None:
    """P of one player's optimizer, and β."""
    return None


_frozen.register(OptimisticAdam, lambda _: None)  # an Adam that takes other steps


@_frozen.register
def _(optimizer: keras.optimizers.SGD):
    return None if optimizer.nesterov else HeavyBall(np.ones(1), float(optimizer.momentum))


@_frozen.register
def _(optimizer: keras.optimizers.RMSprop):
    if not _has_slots(optimizer):
        return None
    mean_square = _vector(optimizer._velocities)
    if optimizer.centered:
        mean_square = mean_square - _vector(optimizer._average_gradients) ** 2
    return HeavyBall(1 / np.sqrt(mean_square + optimizer.epsilon), float(optimizer.momentum))


@_frozen.register
def _(optimizer: keras.optimizers.Adam):
    if not _has_slots(optimizer):
        return None
    beta_1, beta_2, steps = optimizer.beta_1, optimizer.beta_2, int(optimizer.iterations)
    mean_square = _vector(optimizer._velocity_hats if optimizer.amsgrad else optimizer._velocities)
    unbiased = np.sqrt(1 - beta_2**steps) / (1 - beta_1**steps)
    return HeavyBall((1 - beta_1) * unbiased / (np.sqrt(mean_square) + optimizer.epsilon), float(beta_1))


def _has_slots(optimizer: keras.optimizers.Optimizer) -> bool:
    return optimizer.built and int(optimizer.iterations) > 0


def _vector(slots: Sequence[keras.Variable]) -> np.ndarray:
    return np.concatenate([slot.numpy().astype(np.float64).ravel() for slot in slots])
