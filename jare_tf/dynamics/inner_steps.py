"""The steps by which `unrolled` foresees the discriminator."""

import abc
import dataclasses
from typing import Any

import tensorflow as tf

from jare_tf.dynamics.rule import settled_after
from jare_tf.serializable import Serializable
from jare_tf.settings import BelowOne, Positive, checked

_TINY = 1e-32  # √v has no derivative at 0

Tensors = tuple[tf.Tensor, ...]


class InnerSteps(Serializable, abc.ABC):
    """Steps of an optimizer as a pure function, so that they can be differentiated.

    Attributes:
      settles: after how many gradients at one point its memory is nearly what it stays there.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> class SignSteps(jare_tf.rules.InnerSteps):
      ...     def descent(self, memory, gradient):
      ...         return tuple(map(tf.sign, gradient)), memory
      >>> rule = jare_tf.unrolled(steps=1, step=0.5, inner=SignSteps())
      >>> bilinear.direction(rule, theta=1.0, phi=2.0)  # ℓ_G = (θ + s sign φ)φ: (−φ, θ + s)
      Players(discriminator=-2.0, generator=1.5)
    """

    settles: int = 1
    in_words = "inner steps such as rules.AdamSteps(beta_1=0.5)"

    def memory(self, parameters: Tensors) -> Any:
        """What it remembers before the first gradient; nothing by default."""
        return ()

    @abc.abstractmethod
    def descent(self, memory: Any, gradient: Tensors) -> tuple[Tensors, Any]:
        """What a step subtracts, but for the learning rate, and the memory afterwards."""


@dataclasses.dataclass(frozen=True)
class GradientSteps(InnerSteps):
    """Plain gradient descent: w ← w − s g.

    Examples:
      >>> (g,), _ = jare_tf.rules.GradientSteps().descent((), (tf.constant(3.0),))
      >>> float(g)
      3.0
    """

    def descent(self, memory: Any, gradient: Tensors) -> tuple[Tensors, Any]:
        return gradient, memory


@checked
@dataclasses.dataclass(frozen=True)
class AdamSteps(InnerSteps):
    """Adam's steps, moments included: w ← w − s √(1 − β2ᵗ)/(1 − β1ᵗ) · m/(√v + ε) (Kingma & Ba 2015, section 2).

    m ← β1 m + (1 − β1) g, v ← β2 v + (1 − β2) g². It remembers t, m and v, which costs as much memory as the parameters
    twice.

    Args:
      beta_1: β1, from 0 to below 1.
      beta_2: β2, likewise.
      epsilon: ε, positive.

    Raises:
      InputError: an argument is out of its range.

    Examples:
      >>> steps, g = jare_tf.rules.AdamSteps(epsilon=1.0), (tf.constant(3.0),)
      >>> (first,), _ = steps.descent(steps.memory(g), g)
      >>> float(first)  # g√(1 − β2)/(|g|√(1 − β2) + ε)
      0.0866...
    """

    beta_1: BelowOne = 0.9
    beta_2: BelowOne = 0.999
    epsilon: Positive = 1e-8

    @property
    def settles(self) -> int:  # type: ignore[override]  # frozen: nobody writes it
        return settled_after(max(self.beta_1, self.beta_2))

    def memory(self, parameters: Tensors) -> Any:
        zeros = tuple(map(tf.zeros_like, parameters))
        return tf.zeros((), tf.int64), zeros, zeros

    def descent(self, memory: Any, gradient: Tensors) -> tuple[Tensors, Any]:
        count, first, second = memory
        count += 1
        first = _moment(self.beta_1, first, gradient)
        second = _moment(self.beta_2, second, [g**2 for g in gradient])

        def step(m, v):
            t = tf.cast(count, m.dtype)
            return tf.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t) * m / (tf.sqrt(v + _TINY) + self.epsilon)

        return tuple(map(step, first, second)), (count, first, second)


def _moment(beta: float, old: Tensors, new) -> Tensors:
    return tuple(beta * a + (1 - beta) * b for a, b in zip(old, new, strict=True))
