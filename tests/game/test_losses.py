import numpy as np
import pytest
import tensorflow as tf

import jare_tf

# softplus(−1) = log(1 + e^−1) = 0.31326169, softplus(2) = 2.12692801, softplus(−2) = 0.12692801.
REAL, FAKE = tf.constant([[1.0]], tf.float64), tf.constant([[2.0]], tf.float64)


@pytest.mark.parametrize(
    ("loss", "discriminator", "generator"),
    [
        (jare_tf.Minimax(), 2.4401897, -2.4401897),
        (jare_tf.NonSaturating(), 2.4401897, 0.12692801),
        (jare_tf.Wasserstein(), 1.0, -1.0),
    ],
)
def test_hand_computed(loss, discriminator, generator):
    losses = loss(REAL, FAKE)
    np.testing.assert_allclose(losses.discriminator, discriminator, rtol=1e-8)
    np.testing.assert_allclose(losses.generator, generator, rtol=1e-7)


def test_minimax_is_zero_sum_and_rests_at_two_log_two():
    rng = np.random.default_rng(0)
    losses = jare_tf.Minimax()(tf.constant(rng.normal(size=(9, 1))), tf.constant(rng.normal(size=(9, 1))))
    assert float(losses.discriminator + losses.generator) == 0.0
    rest = jare_tf.Minimax()(tf.zeros([4, 1], tf.float64), tf.zeros([4, 1], tf.float64))
    np.testing.assert_allclose(rest.discriminator, 2 * np.log(2), rtol=1e-14)


@pytest.mark.parametrize("loss", [jare_tf.Minimax(), jare_tf.NonSaturating(), jare_tf.Wasserstein()])
def test_large_logits_stay_finite(loss):
    for value in loss(tf.constant([[-1e4]]), tf.constant([[1e4]])):
        assert np.isfinite(value)
