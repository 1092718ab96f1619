"""The losses of the two players. ℓ_D = −f for every form; they differ in what the generator minimises."""

import abc
import dataclasses

import tensorflow as tf

from jare_tf.errors import InputError
from jare_tf.game.losses.objectives import Objective, vanilla
from jare_tf.serializable import Serializable
from jare_tf.settings import checked
from jare_tf.types import Players


@checked
@dataclasses.dataclass(frozen=True)
class Loss(Serializable, abc.ABC):
    """ℓ_D = −f with f = E[g1(D(x))] + E[g2(D(G(z)))] of an `objective`, and an ℓ_G of its own.

    A form of your own has a method `generator` and, where ℓ_D is not −f, a method `discriminator`.

    Args:
      objective: g1 and g2, `objectives.vanilla()` by default.

    Examples:
      >>> class Swapped(jare_tf.Loss):  # the generator has real and generated samples exchange their roles
      ...     def generator(self, discriminator, real_logits, fake_logits):
      ...         return self.discriminator(fake_logits, real_logits)
      >>> loss = Swapped(jare_tf.losses.wasserstein())(tf.constant([3.0]), tf.constant([1.0]))
      >>> [float(part) for part in loss]  # −(D(x) − D(G(z))), and the reverse
      [-2.0, 2.0]
    """

    objective: Objective = vanilla()

    def __call__(self, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> Players:
        """The two losses, scalars, from logits of any shape."""
        discriminator = self.discriminator(real_logits, fake_logits)
        return Players(discriminator, self.generator(discriminator, real_logits, fake_logits))

    def discriminator(self, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
        """ℓ_D."""
        real, fake = self.objective.g1(real_logits), self.objective.g2(fake_logits)
        return -(tf.reduce_mean(real) + tf.reduce_mean(fake))

    @abc.abstractmethod
    def generator(self, discriminator: tf.Tensor, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
        """ℓ_G from ℓ_D and the logits."""


class Minimax(Loss):
    """The zero-sum form: ℓ_G = f = −ℓ_D (JARE eq. 1).

    ℓ_G keeps the term of the real samples, which does not depend on the generator, so that ℓ_D + ℓ_G = 0 exactly.

    Examples:
      >>> loss = jare_tf.Minimax()(tf.constant([0.0]), tf.constant([0.0]))
      >>> [float(part) for part in loss]  # 2 log 2 and −2 log 2
      [1.386..., -1.386...]
    """

    def generator(self, discriminator, real_logits, fake_logits):
        return -discriminator


class NonSaturating(Loss):
    """ℓ_G = −E[g1(D(G(z)))]: generated samples are to score as real ones.

    With `vanilla` ℓ_G = E[log(1 + e^−D(G(z)))], whose gradient does not vanish where the discriminator is sure of
    itself (Goodfellow et al. 2014, section 3; Nowozin et al. 2016, section 3.2). JARE section 7 trains every method on
    CIFAR-10 with it. Where g1(t) = −g2(t) + a constant its gradient is that of `Minimax`; with the others the game is
    not zero-sum.

    Examples:
      >>> loss = jare_tf.NonSaturating()(tf.constant([0.0]), tf.constant([-10.0]))  # a discriminator sure of itself
      >>> float(loss.generator)  # log(1 + e¹⁰)
      10.000...
    """

    def generator(self, discriminator, real_logits, fake_logits):
        return -tf.reduce_mean(self.objective.g1(fake_logits))


class LinearGenerator(Loss):
    """ℓ_G = −E[D(G(z))].

    With `vanilla`, whose best D is log(p/q), it estimates KL(Q ‖ P), the "KL" of ConOpt Fig. 9; with `hinge` it is the
    generator's loss of Miyato et al. 2018, eq. 17.

    Examples:
      >>> loss = jare_tf.LinearGenerator(jare_tf.losses.hinge())(tf.constant([0.5]), tf.constant([-3.0]))
      >>> [float(part) for part in loss]  # max(0, 1 − ½) + max(0, 1 − 3), and −(−3)
      [0.5, 3.0]
    """

    def generator(self, discriminator, real_logits, fake_logits):
        return -tf.reduce_mean(fake_logits)


class Relativistic(Loss):
    """ℓ_D = −E[g1(D(x_i) − D(G(z_i)))] and ℓ_G = −E[g1(D(G(z_i)) − D(x_i))], over pairs of samples.

    With `vanilla` it is the relativistic pairing loss (Jolicoeur-Martineau 2018, arXiv 1807.00734), which R3GAN trains
    with the penalties `R1` and `R2` together (Huang et al. 2024, arXiv 2501.05441). g2 is not used.

    Raises:
      InputError: there are not as many real as generated samples.

    Examples:
      >>> loss = jare_tf.Relativistic()(tf.constant([2.0, 5.0]), tf.constant([2.0, 5.0]))
      >>> [float(part) for part in loss]  # log(1 + e⁰) for both players: only differences count
      [0.693..., 0.693...]
    """

    def discriminator(self, real_logits, fake_logits):
        return -tf.reduce_mean(self.objective.g1(_differences(real_logits, fake_logits)))

    def generator(self, discriminator, real_logits, fake_logits):
        return -tf.reduce_mean(self.objective.g1(-_differences(real_logits, fake_logits)))


def _differences(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    if real_logits.shape != fake_logits.shape:
        shapes = f"{tuple(real_logits.shape)}, {tuple(fake_logits.shape)}"
        raise InputError(f"Relativistic pairs real and generated samples: shapes of logits {shapes}")
    return real_logits - fake_logits
