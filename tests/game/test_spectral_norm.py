import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.dynamics import vector_field
from jare_tf.game.networks import dcgan, mlp
from jare_tf.game.networks.spectral_norm import SpectralNormConv2D, SpectralNormDense
from jare_tf.types import Batch
from tests.conftest import flat
from tests.games import difference_quotient


def dense_layer():
    return SpectralNormDense(5, dtype="float64"), tf.constant(np.random.default_rng(0).normal(size=(7, 3)))


def conv_layer():
    layer = SpectralNormConv2D(4, 3, 2, "same", dtype="float64")
    return layer, tf.constant(np.random.default_rng(0).normal(size=(2, 6, 6, 3)))


LAYERS = pytest.mark.parametrize("make", [dense_layer, conv_layer])


def matrix(layer):
    kernel = layer.kernel.numpy()
    return kernel.reshape(-1, kernel.shape[-1])


@LAYERS
def test_power_iteration_finds_the_spectral_norm(make):
    layer, inputs = make()
    kernel = (layer(inputs), layer.kernel.numpy())[1]
    for _ in range(200):
        layer(inputs, training=True)
    normalised = np.asarray(layer.normalised_kernel(training=False)).reshape(matrix(layer).shape)
    np.testing.assert_allclose(np.linalg.norm(normalised, 2), 1.0, rtol=1e-9)
    np.testing.assert_array_equal(kernel, layer.kernel.numpy())  # the kernel itself is never overwritten


@LAYERS
def test_gradient_passes_through_sigma(make):
    """d(W/σ)/dW · G = G/σ − ⟨G, W⟩ u vᵀ/σ² at the singular vectors (Miyato et al. 2018, eq. 10)."""
    layer, inputs = make()
    layer(inputs)
    for _ in range(300):
        layer(inputs, training=True)
    left, values, right = np.linalg.svd(matrix(layer), full_matrices=False)
    upstream = np.random.default_rng(1).normal(size=layer.kernel.shape)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer.normalised_kernel(training=False) * upstream)
    gradient = np.asarray(tape.gradient(value, layer.kernel.value)).reshape(matrix(layer).shape)
    flat = upstream.reshape(matrix(layer).shape)
    expected = flat / values[0] - (flat * matrix(layer)).sum() * np.outer(left[:, 0], right[0]) / values[0] ** 2
    np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=1e-10)


def test_both_passes_see_one_kernel_and_the_vector_advances_once():
    """Real and fake samples that are equal get equal logits, and u moves by exactly one power iteration."""
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    discriminator = mlp.discriminator(width=6, depth=1, spectral_norm=True)
    seen = []
    loss = lambda real, fake: (seen.append((real, fake)), jare_tf.Minimax()(real, fake))[1]
    game = jare_tf.TwoPlayerGame(generator, discriminator, loss)
    samples = tf.random.normal([4, 2])
    point = game.point()
    _, state = game.losses(point, Batch(real=samples, latent=samples))
    np.testing.assert_array_equal(*seen[0])
    kernel, u = np.asarray(point.parameters.discriminator[0]), np.asarray(point.state.discriminator[0])
    v = kernel @ u
    advanced = kernel.T @ (v / np.linalg.norm(v))
    np.testing.assert_allclose(state.discriminator[0], advanced / np.linalg.norm(advanced), rtol=1e-5)
    np.testing.assert_array_equal(discriminator.non_trainable_variables[0], u)  # losses() changes nothing


@pytest.mark.parametrize(("rule", "exact"), [("jare", True), ("generator_only", True), ("con_opt", False)])
def test_which_second_derivatives_are_exact(float64, rule, exact):
    """Those mixed in θ and φ; of those in θ twice the vectors u and v, which are constant, are a part."""
    rng = np.random.default_rng(0)
    generator = mlp.generator(latent_dim=2, width=3, depth=1)
    layers = [SpectralNormDense(4, activation="softplus"), SpectralNormDense(1)]
    discriminator = keras.Sequential([keras.Input((2,)), *layers])
    game = jare_tf.TwoPlayerGame(generator, discriminator, jare_tf.Minimax())
    batch = Batch(*(tf.constant(rng.normal(size=(5, 2))) for _ in range(2)))

    @tf.function(autograph=False)
    def settled(point):
        """The point with the vectors that belong to its kernels."""
        step = lambda _, state: (_ + 1, game.losses(point._replace(state=state), batch)[1])
        return point._replace(state=tf.while_loop(lambda i, _: i < 150, step, (0, point.state))[1])

    def norms(point):
        return [vector_field.squared_norm(part) for part in gradients(settled(point))]

    gradients = tf.function(lambda point: vector_field.vector_field(game, point, batch).gradient, autograph=False)
    point = settled(game.point())
    preset = getattr(jare_tf, rule)(gamma=1.0)
    direction = preset.update(game, point, batch).direction
    errors = []
    for target, player in enumerate(point.parameters._fields):
        regularizer = lambda at, target=target: 0.5 * sum(preset.mask[s][target] * norms(at)[s] for s in (0, 1))
        expected = flat(gradients(point)[target]) + difference_quotient(regularizer, point, player)
        found = flat(direction[target])
        errors.append(np.linalg.norm(found - expected) / np.linalg.norm(expected))
    assert errors[1] < 1e-8
    assert errors[0] < 1e-8 if exact else errors[0] > 1e-4


def test_survives_saving(tmp_path):
    network = dcgan.discriminator(filters=4, spectral_norm=True)
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    images = tf.random.normal([2, 32, 32, 3])
    np.testing.assert_allclose(network(images), loaded(images), rtol=1e-5)
