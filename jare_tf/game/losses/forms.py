"""The losses of the two players. ℓ_D = −f for every form; they differ in what the generator minimises."""

import abc
import dataclasses

import tensorflow as tf

from jare_tf.game.losses.objectives import Objective, vanilla
from jare_tf.settings import checked
from jare_tf.types import Players


@checked
@dataclasses.dataclass(frozen=True)
class Loss(abc.ABC):
    """ℓ_D = −f with f = E[g1(D(x))] + E[g2(D(G(z)))] of an `objective`, and an ℓ_G of its own.

    Args:
      objective: g1 and g2, `objectives.vanilla()` by default.
    """

    objective: Objective = vanilla()

    def __call__(self, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> Players:
        """The two losses, scalars, from logits of any shape."""
        real, fake = self.objective.g1(real_logits), self.objective.g2(fake_logits)
        discriminator = -(tf.reduce_mean(real) + tf.reduce_mean(fake))
        return Players(discriminator=discriminator, generator=self.generator(discriminator, fake_logits))

    @abc.abstractmethod
    def generator(self, discriminator: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
        """ℓ_G from ℓ_D and the logits of the generated samples."""


class Minimax(Loss):
    """The zero-sum form: ℓ_G = f = −ℓ_D (JARE eq. 1).

    ℓ_G keeps the term of the real samples, which does not depend on the generator, so that ℓ_D + ℓ_G = 0 exactly.
    """

    def generator(self, discriminator: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
        return -discriminator


class NonSaturating(Loss):
    """ℓ_G = −E[g1(D(G(z)))]: generated samples are to score as real ones.

    With `vanilla` ℓ_G = E[log(1 + e^−D(G(z)))], whose gradient does not vanish where the discriminator is sure of
    itself (Goodfellow et al. 2014, section 3; Nowozin et al. 2016, section 3.2). JARE section 7 trains every method on
    CIFAR-10 with it. Where g1(t) = −g2(t) + a constant its gradient is that of `Minimax`; with the others the game is
    not zero-sum.
    """

    def generator(self, discriminator: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
        return -tf.reduce_mean(self.objective.g1(fake_logits))


class LinearGenerator(Loss):
    """ℓ_G = −E[D(G(z))].

    With `vanilla`, whose best D is log(p/q), it estimates KL(Q ‖ P), the "KL" of ConOpt Fig. 9; with `hinge` it is the
    generator's loss of Miyato et al. 2018, eq. 17.
    """

    def generator(self, discriminator: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
        return -tf.reduce_mean(fake_logits)
