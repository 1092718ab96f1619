import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import conv4, mlp
from jare_tf.types import Batch


def test_weight_regularisers_belong_to_their_player():
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.5))]
    )
    discriminator = mlp.discriminator(width=3, depth=1)
    game = jare_tf.TwoPlayerGame(generator, discriminator, jare_tf.NonSaturating())
    batch = Batch(real=tf.ones([2, 2]), latent=tf.ones([2, 2]))
    losses, _ = game.losses(game.point(), batch)
    logits = discriminator(batch.real), discriminator(generator(batch.latent))
    plain = jare_tf.NonSaturating()(*logits)
    np.testing.assert_allclose(losses.discriminator, plain.discriminator, rtol=1e-6)
    penalty = 0.5 * np.square(generator.layers[0].kernel.numpy()).sum()
    np.testing.assert_allclose(losses.generator, plain.generator + penalty, rtol=1e-6)


def test_losses_are_a_pure_function():
    game = jare_tf.TwoPlayerGame(
        conv4.generator(filters=2, batch_norm=True), conv4.discriminator(filters=2), jare_tf.Minimax()
    )
    before = [variable.numpy() for network in game.networks for variable in network.variables]
    batch = Batch(real=tf.random.normal([4, 32, 32, 3]), latent=tf.random.normal([4, 128]))
    losses, state = game.losses(game.point(), batch)
    after = [variable.numpy() for network in game.networks for variable in network.variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    again, _ = game.losses(game.point(), batch)
    assert float(losses.discriminator) == float(again.discriminator)
    moving_mean = state.generator[0]
    assert float(tf.reduce_max(tf.abs(moving_mean))) > 0  # the new state has moved though the variables have not


def test_unbuilt_network():
    unbuilt = keras.Sequential([keras.layers.Dense(1)])
    with pytest.raises(jare_tf.InputError, match="the discriminator .* is not built"):
        jare_tf.TwoPlayerGame(mlp.generator(latent_dim=2), unbuilt, jare_tf.Minimax())
