"""Penalties on ‖∇x D(x)‖, the discriminator's gradient with respect to its samples: additive parts of ℓ_D.

A rule differentiates them again like the rest of ℓ_D, with respect to both players: generated samples carry gradients
to the generator. With batch norm in the discriminator the gradient of a sample mixes with those of its batch.
"""

import abc
import dataclasses
from collections.abc import Callable

import tensorflow as tf

from jare_tf import replicas
from jare_tf.errors import InputError
from jare_tf.serializable import Serializable
from jare_tf.settings import NonNegative, checked


@checked
@dataclasses.dataclass(frozen=True)
class GradientPenalty(Serializable, abc.ABC):
    """A penalty added to ℓ_D.

    Args:
      weight: at least 0.

    Raises:
      InputError: weight is negative or not finite.

    Examples:
      >>> class AtOrigin(jare_tf.GradientPenalty):
      ...     def __call__(self, discriminator, real, fake):
      ...         return self.weight * tf.square(tf.reduce_mean(discriminator(tf.zeros_like(real))))
      >>> float(AtOrigin(weight=10.0)(lambda x: x + 2.0, tf.ones([1, 1]), tf.ones([1, 1])))  # 10 · D(0)²
      40.0
    """

    weight: NonNegative = 10.0
    in_words = "a penalty such as R1(10.0)"

    @abc.abstractmethod
    def __call__(self, discriminator: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """The penalty, a scalar, of a discriminator from samples to logits, on real and generated samples."""


class R1(GradientPenalty):
    """½ weight E_real ‖∇x D(x)‖², zero-centred (Mescheder et al. 2018, "Which training methods ...", eq. 9).

    Examples:
      >>> real, fake = tf.constant([[1.0], [3.0]]), tf.constant([[2.0], [2.0]])
      >>> float(jare_tf.R1(weight=10.0)(lambda x: x**2, real, fake))  # ½ · 10 · (2² + 6²)/2
      100.0
    """

    def __call__(self, discriminator, real, fake):
        return self.weight / 2 * tf.reduce_mean(_squared_norms(discriminator, real))


class R2(GradientPenalty):
    """½ weight E_generated ‖∇x D(x)‖², zero-centred (Mescheder et al. 2018, eq. 10).

    Examples:
      >>> real, fake = tf.constant([[1.0], [3.0]]), tf.constant([[2.0], [2.0]])
      >>> float(jare_tf.R2(weight=10.0)(lambda x: x**2, real, fake))  # ½ · 10 · 4²
      80.0
    """

    def __call__(self, discriminator, real, fake):
        return self.weight / 2 * tf.reduce_mean(_squared_norms(discriminator, fake))


class WGANGP(GradientPenalty):
    """weight E (‖∇x D(x̂)‖ − 1)² with x̂ = ε x + (1 − ε) G(z) (Gulrajani et al. 2017, eq. 3).

    Pair i of n has ε = (i + ½)/n instead of a random number: pairs come in random order, so that ε is as good as drawn,
    evenly, and the penalty depends on nothing but the batch.

    Raises:
      InputError: there are not as many real as generated samples.

    Examples:
      >>> real, fake = tf.constant([[1.0], [3.0]]), tf.constant([[2.0], [2.0]])
      >>> float(jare_tf.WGANGP(weight=10.0)(lambda x: 3 * x, real, fake))  # 10 · (3 − 1)²
      40.0
    """

    def __call__(self, discriminator, real, fake):
        if real.shape != fake.shape:
            raise InputError(f"gradient_penalty.WGANGP pairs samples: shapes {tuple(real.shape)}, {tuple(fake.shape)}")
        count = (real.shape[0] or tf.shape(real)[0]) * replicas.count()
        mix = replicas.own_part((tf.cast(tf.range(count), real.dtype) + 0.5) / tf.cast(count, real.dtype))
        mix = tf.reshape(mix, [-1] + [1] * (real.shape.rank - 1))
        # The root of 0 has no derivative: a flat discriminator would end in NaN without the small number.
        norms = tf.sqrt(_squared_norms(discriminator, mix * real + (1 - mix) * fake) + 1e-12)
        return self.weight * tf.reduce_mean(tf.square(norms - 1))


def _squared_norms(discriminator: Callable[[tf.Tensor], tf.Tensor], samples: tf.Tensor) -> tf.Tensor:
    """‖∇x D(x)‖² of each sample, [n]."""
    with tf.GradientTape() as tape:
        tape.watch(samples)
        logits = tf.reduce_sum(discriminator(samples))
    gradient = tape.gradient(logits, samples, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return tf.reduce_sum(tf.square(gradient), axis=list(range(1, samples.shape.rank)))
