"""Subclassed networks train as the same layers do in a `keras.Sequential`, whoever hands `training` on."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game import precision
from jare_tf.game.networks.batch_norm import BatchNormalization
from jare_tf.game.networks.spectral_norm import SpectralNormDense

REAL = np.random.default_rng(0).normal(size=(12, 2)).astype("float32")


class WithoutTraining(keras.Model):
    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    def call(self, inputs):
        for part in self.parts:
            inputs = part(inputs)
        return inputs


class TrainingLeftToKeras(WithoutTraining):
    def call(self, inputs, training=None):
        return super().call(inputs)


class TrainingOffByDefault(WithoutTraining):
    def call(self, inputs, training=False):
        return super().call(inputs)


class Nested(WithoutTraining):
    def __init__(self, parts):
        super().__init__([TrainingLeftToKeras(parts[:-1]), WithoutTraining(parts[-1:])])


def generator_parts():
    norms = keras.layers.BatchNormalization(), BatchNormalization()
    return [keras.layers.Dense(4), norms[0], keras.layers.Dropout(0.5, seed=1), norms[1], keras.layers.Dense(2)]


def discriminator_parts():
    return [SpectralNormDense(4), keras.layers.LeakyReLU(), keras.layers.Dropout(0.5, seed=2), SpectralNormDense(1)]


def made_gan(kind, policy="float32", average_decay=0.0, **compiled):
    keras.utils.set_random_seed(0)
    with precision.policy(policy):
        networks = kind(generator_parts()), kind(discriminator_parts())
        gan = jare_tf.GAN(
            *networks,
            rule=jare_tf.jare(gamma=1.0),
            loss=jare_tf.NonSaturating(),
            latent_dim=3,
            average_decay=average_decay,
        )
    gan.compile(keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.01), **compiled)
    return gan


def values(variables):
    return [variable.value.numpy() for variable in variables]


def trained(kind, **settings):
    """The GAN after three steps, and all that it holds."""
    gan = made_gan(kind, **settings)
    gan.fit(REAL, batch_size=4, shuffle=False, verbose=0)
    return gan, values(gan.variables)


sequential = functools.cache(functools.partial(trained, keras.Sequential))


def assert_like_a_sequential(kind, **settings):
    (gan, now), (reference, expected) = trained(kind, **settings), sequential(**settings)
    for one, other in zip(now, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    return gan, reference


@pytest.mark.parametrize("kind", [WithoutTraining, TrainingLeftToKeras, TrainingOffByDefault, Nested])
def test_training_reaches_every_layer(kind):
    gan, _ = assert_like_a_sequential(kind, run_eagerly=True)
    for network, start in zip(gan.game.networks, made_gan(kind).game.networks, strict=True):
        # Moving averages, spectral norm's vectors and the seeds of dropout.
        states = zip(values(network.non_trainable_variables), values(start.non_trainable_variables), strict=True)
        assert all(np.any(now != before) for now, before in states)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_traced(jit_compile):
    assert_like_a_sequential(Nested, jit_compile=jit_compile)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy):
    assert_like_a_sequential(Nested, policy=policy, run_eagerly=True)


@pytest.mark.parametrize("kind", [WithoutTraining, TrainingOffByDefault])
def test_moving_average_samples_in_inference_mode(kind):
    gan, reference = assert_like_a_sequential(kind, average_decay=0.5, run_eagerly=True)
    latent = tf.random.normal([5, 3])
    np.testing.assert_array_equal(gan(latent), reference(latent))
    np.testing.assert_array_equal(gan(latent), gan(latent))


def test_losses_that_layers_add():
    class Charged(keras.layers.Dense):
        def call(self, inputs):
            self.add_loss(keras.ops.sum(self.kernel))
            return super().call(inputs)

    network = WithoutTraining([Charged(1, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(0.5))])
    network(REAL)
    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    game = jare_tf.TwoPlayerGame(generator, network, lambda real, fake: jare_tf.Players(0 * real[0, 0], 0 * real[0, 0]))
    for _ in range(2):
        losses, _ = game.losses(game.point(), jare_tf.Batch(real=tf.constant(REAL), latent=tf.ones([4, 3])))
        assert float(losses.discriminator) == 2 + 0.5 * 2
