"""The Wasserstein loss."""

import tensorflow as tf

from jare_tf.types import Players


class Wasserstein:
    """The zero-sum form ℓ_D = −f, ℓ_G = f with f = E[D(x)] − E[D(G(z))]: g1(t) = g2(−t) = t (JARE eq. 1).

    Its second derivatives vanish, so that Assumption 2 of the JARE paper does not hold and simultaneous gradient
    descent circles around the equilibrium (GradReg section 3.4). The discriminator is not kept Lipschitz here.
    """

    def __call__(self, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> Players:
        """The two losses, scalars, from logits of any shape."""
        difference = tf.reduce_mean(real_logits) - tf.reduce_mean(fake_logits)
        return Players(discriminator=-difference, generator=difference)
