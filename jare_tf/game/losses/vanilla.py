"""The loss of Goodfellow et al. 2014 in its two forms. D(x) is a logit: "real" has probability 1/(1 + e^−D(x))."""

import tensorflow as tf

from jare_tf.types import Players


class Minimax:
    """The zero-sum form: ℓ_D = −f, ℓ_G = f with f = E[g1(D(x))] + E[g2(D(G(z)))].

    g1(t) = g2(−t) = −log(1 + e^−t) (JARE eq. 1 and the text below it); its equilibrium value is f = −2 log 2.
    ℓ_G keeps the term of the real samples, which does not depend on the generator, so that ℓ_D + ℓ_G = 0 exactly.
    """

    def __call__(self, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> Players:
        """The two losses, scalars, from logits of any shape."""
        discriminator = tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))
        return Players(discriminator=discriminator, generator=-discriminator)


class NonSaturating:
    """ℓ_D as in `Minimax`, ℓ_G = −E[log sigmoid(D(G(z)))] = E[log(1 + e^−D(G(z)))].

    The generator's gradient does not vanish where the discriminator is sure of itself (Goodfellow et al. 2014,
    section 3). The game is not zero-sum. JARE section 7 trains every method on CIFAR-10 with it.
    """

    def __call__(self, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> Players:
        """The two losses, scalars, from logits of any shape."""
        return Players(
            discriminator=Minimax()(real_logits, fake_logits).discriminator,
            generator=tf.reduce_mean(tf.nn.softplus(-fake_logits)),
        )
