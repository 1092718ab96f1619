"""Every network has the published number of trainable parameters, its shapes, and refuses sizes that it cannot make."""

import importlib
import inspect
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.dynamics.vector_field import gradient
from jare_tf.game import networks, precision
from jare_tf.game.losses import objectives
from jare_tf.game.networks import affine, conv4, dcgan, linear_quadratic, mlp, resnet, resnet_cf, weight_clipping
from jare_tf.game.networks.batch_norm import BatchNormalization
from jare_tf.game.networks.convolution import Conv2D, Conv2DTranspose
from jare_tf.game.networks.dense import Dense

# Trainable parameters of the published networks: 64 filters, 32 px, 128 latent dimensions.
COUNTS = {
    conv4.generator: 3_811_459,
    conv4.discriminator: 2_935_873,
    dcgan.generator: 345_219,
    dcgan.discriminator: 312_513,
    resnet.generator_v1: 343_779,
    resnet.generator_v2: 441_507,
    resnet.discriminator: 384_929,
}


def name(network):
    return f"{network.__module__.rsplit('.', 1)[1]}.{network.__name__}"


def trainable(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


@pytest.mark.parametrize("network", COUNTS, ids=name)
def test_parameter_counts(network):
    model = network()
    assert trainable(model) == COUNTS[network]
    if "generator" in network.__name__:
        assert model.output_shape == (None, 32, 32, 3)
    else:
        assert model.output_shape == (None, 1)
        assert model.input_shape == (None, 32, 32, 3)
        assert trainable(network(spectral_norm=True)) == COUNTS[network]


def test_batch_norm_replaces_the_bias():
    assert trainable(conv4.generator(batch_norm=True)) == COUNTS[conv4.generator]


def test_mlp_counts():
    # ConOpt's pair of 16-unit networks: 16·16+16, three times more, 16·2+2; and 2·16+16, 3·(16·16+16), 16+1.
    assert trainable(mlp.generator(latent_dim=16, width=16, depth=4)) == 4 * 272 + 34
    assert trainable(mlp.discriminator(width=16, depth=4)) == 48 + 3 * 272 + 17


IMAGE_NETWORKS = [*COUNTS, resnet_cf.generator, resnet_cf.discriminator]


def test_every_network_for_images_is_tested():
    found = set()
    for path in pathlib.Path(networks.__path__[0]).glob("*.py"):
        module = importlib.import_module(f"{networks.__name__}.{path.stem}")
        found |= {f for f in vars(module).values() if inspect.isfunction(f) and f.__module__ == module.__name__}
    for_images = {network for network in found if "image_size" in inspect.signature(network).parameters}
    assert {n for n in for_images if "generator" in n.__name__ or "discriminator" in n.__name__} == set(IMAGE_NETWORKS)


@pytest.mark.parametrize("network", IMAGE_NETWORKS, ids=name)
def test_other_sizes(network):
    model = network(filters=4, image_size=64, channels=1)
    assert (64, 64, 1) in (model.output_shape[1:], model.input_shape[1:])


@pytest.mark.parametrize("network", [*IMAGE_NETWORKS, mlp.generator, mlp.discriminator], ids=name)
def test_biases_in_bfloat16(network):
    """TensorFlow's gradient of a bias sums bfloat16 in bfloat16 on a CPU: no network of ours may have it."""
    image = network in IMAGE_NETWORKS
    with precision.policy("mixed_bfloat16"):
        model = network(**({"filters": 4} if image else {"latent_dim": 3} if network is mlp.generator else {}))

    @tf.function
    def gradient(inputs):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(model(inputs))
        return tape.gradient(value, model.trainable_variables)

    graph = gradient.get_concrete_function(tf.TensorSpec([2, *model.input_shape[1:]])).graph
    kinds = {one.type for one in graph.get_operations()}
    assert "BiasAddGrad" not in kinds and "Sum" in kinds


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Dense(3), [4096, 5]),
        (Conv2D(3, 3, 1, "same"), [64, 16, 16, 5]),
        (Conv2DTranspose(3, 4, 2, "same"), [64, 8, 8, 5]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_gradient_of_a_bias_in_bfloat16(layer, shape):
    """As in float32, of random numbers with a mean."""
    twins = [type(layer)(**{**layer.get_config(), "dtype": dtype}) for dtype in ("float32", "mixed_bfloat16")]
    found = []
    for twin in twins:
        inputs = tf.random.stateless_normal(shape, [1, 2])
        with tf.GradientTape() as tape:
            outputs = twin(inputs)
            upstream = tf.cast(tf.random.stateless_normal(outputs.shape, [3, 4], mean=0.1), outputs.dtype)
            value = tf.reduce_sum(tf.cast(outputs * upstream, tf.float32))
        found.append(np.asarray(tape.gradient(value, twin.bias)))
    assert np.linalg.norm(found[1] - found[0]) < 5e-3 * np.linalg.norm(found[0])


@pytest.mark.parametrize("network", IMAGE_NETWORKS, ids=name)
def test_bad_image_size(network):
    with pytest.raises(jare_tf.InputError, match=rf"{name(network)}: image_size must be .*, not 28"):
        network(image_size=28)


def test_images_lie_in_range_and_logits_vary():
    image = resnet.generator_v2(filters=4)(tf.random.normal([2, 128]))
    assert float(tf.reduce_max(tf.abs(image))) <= 1
    logits = resnet.discriminator(filters=4)(image)
    assert float(tf.math.reduce_std(logits)) > 0


def test_affine():
    generator, discriminator = affine.generator(mean=[0.0, 4.0]), affine.discriminator()
    np.testing.assert_allclose(generator(tf.constant([[1.0, 2.0]])), [[1.05, 6.05]], rtol=1e-6)
    np.testing.assert_allclose(discriminator(tf.constant([[1.0, 2.0]])), [[0.15]], rtol=1e-6)
    normalised = affine.discriminator(spectral_norm=True)(tf.constant([[1.0, 2.0]]))
    np.testing.assert_allclose(normalised, [[3 / np.sqrt(2)]], rtol=1e-6)
    rest = affine.equilibrium(mean=[0.0, 4.0])
    for network, values in ((discriminator, rest.discriminator), (generator, rest.generator)):
        for variable, value in zip(network.trainable_variables, values, strict=True):
            assert tuple(variable.shape) == tuple(value.shape)
            variable.assign(value)
    np.testing.assert_array_equal(generator(tf.zeros([1, 2])), [[0.0, 4.0]])
    assert float(discriminator(tf.ones([1, 2]))[0, 0]) == 0.0


def layers_of(model, kind):
    return [layer for layer in model.layers if type(layer) is kind]


def test_conopts_dcgan4():
    """Widths f (1, 2, 4, 8) and batch norm, which has one centre a channel in place of the bias."""
    f, z = 64, 256
    settings = {"growth": 2, "batch_norm": True, "leak": 0.2}
    generator = dcgan.generator(latent_dim=z, **settings)
    dense, deconvs = (z + 0) * 4 * 8 * f + 8 * f, [(8, 4), (4, 2), (2, 1)]
    assert trainable(generator) == dense + sum(25 * a * b * f * f + b * f for a, b in deconvs) + 25 * f * 3 + 3
    discriminator = dcgan.discriminator(**settings)
    convs = 25 * 3 * f + f + sum(25 * b * a * f * f + a * f for a, b in deconvs)
    assert trainable(discriminator) == convs + 4 * 8 * f + 1
    assert len(layers_of(generator, BatchNormalization)) == 4
    assert len(layers_of(discriminator, BatchNormalization)) == 3


def test_conopts_dcgan3_without_batch_norm():
    f, z = 64, 256
    generator = dcgan.generator(latent_dim=z, layers=3, growth=2, leak=0.2)
    expected = (z + 1) * 16 * 4 * f + sum(25 * a * b * f * f + b * f for a, b in [(4, 2), (2, 1)]) + 25 * f * 3 + 3
    assert trainable(generator) == expected
    assert generator.output_shape == (None, 32, 32, 3)


def test_512_more_units():
    """In the discriminator as in ConOpt Fig. 8, and in both networks as its published conv4 has them."""
    plain, deeper = (dcgan.discriminator(leak=0.2, dense_units=units) for units in (0, 512))
    assert trainable(deeper) - trainable(plain) == (256 + 1) * 512 + 513 - 257
    plain, deeper = (dcgan.generator(latent_dim=256, leak=0.2, dense_units=units) for units in (0, 512))
    assert trainable(deeper) - trainable(plain) == 257 * 512 + (512 - 256) * 256


def test_resnet_cf():
    """f = 128 at 64 px, z of 256: the first block of the discriminator is 128 wide inside, all others 64."""
    f, half = 128, 64
    block = 9 * f * half + half + 9 * half * f + f
    deconv = 25 * f * f + f
    assert trainable(resnet_cf.generator()) == 257 * 16 * f + 3 * (deconv + block) + 25 * f * 3 + 3
    wide = 2 * (9 * f * f + f)
    convs = 25 * 3 * f + f + 3 * deconv
    assert trainable(resnet_cf.discriminator()) == convs + wide + 3 * block + 16 * f + 1


@pytest.mark.parametrize(("image_size", "deconvs"), [(64, 4), (128, 5)])
def test_resnets_of_jare_tables_4_and_5(image_size, deconvs):
    generator = resnet.generator_v2(filters=4, image_size=image_size)
    assert generator.layers[1].units == 4 * 4 * 4
    assert len(layers_of(generator, Conv2DTranspose)) == deconvs
    discriminator = resnet.discriminator(filters=4, image_size=image_size)
    strided = [layer for layer in layers_of(discriminator, Conv2D) if layer.strides == (2, 2)]
    assert len(strided) == deconvs + 1
    assert discriminator.layers[-1].input.shape == (None, 2 * 2 * 4)


def test_linear_quadratic():
    generator = linear_quadratic.generator(dimension=2, initial=3.0, translates=True)
    np.testing.assert_allclose(generator(tf.constant([[1.0, 2.0]])), [[3.0, 6.0]])
    assert trainable(generator) == 4 + 2
    discriminator = linear_quadratic.discriminator(dimension=2, initial=1.0, linear_term=True)
    discriminator.set_weights([np.array([[2.0], [3.0], [5.0], [7.0], [11.0]], np.float32)])
    # 2 x₁² + 3 √2 x₁x₂ + 5 x₂² + 7 x₁ + 11 x₂ at (1, 2)
    np.testing.assert_allclose(discriminator(tf.constant([[1.0, 2.0]])), [[2 + 6 * 2**0.5 + 20 + 7 + 22]], rtol=1e-6)
    assert trainable(linear_quadratic.discriminator(dimension=3)) == 6
    np.testing.assert_allclose(linear_quadratic.discriminator(initial=0.5)(tf.constant([[3.0]])), [[4.5]])


def test_the_quadratic_form_moves_as_a_symmetric_matrix_would():
    """∂/∂W of xᵀW x is x xᵀ; of the coefficients it is that, with both off-diagonal entries in one of length √2."""
    discriminator = linear_quadratic.discriminator(dimension=2, initial=0.0)
    x = np.array([[2.0, 3.0]], np.float32)
    change = gradient(lambda c: discriminator.stateless_call([c], [], x)[0][0, 0], tf.zeros([3, 1]))
    np.testing.assert_allclose(np.ravel(change), [4, 6 * 2**0.5, 9], rtol=1e-6)  # W = [[4, 6], [6, 9]]


def test_gradregs_networks():
    """Orthogonal weights with gain 0.8, a layer's own each; D sees x/4."""
    orthogonal = lambda: keras.initializers.Orthogonal(gain=0.8)
    generator = mlp.generator(latent_dim=8, width=8, depth=2, kernel_initializer=orthogonal)
    first, second = (layer.kernel.numpy() for layer in generator.layers[:2])
    np.testing.assert_allclose(first.T @ first, 0.64 * np.eye(8), atol=1e-5)
    assert not np.allclose(first, second)
    scaled, plain = (mlp.discriminator(width=5, depth=1, input_scale=scale) for scale in (0.25, 1.0))
    scaled.set_weights(plain.get_weights())
    samples = tf.random.normal([3, 2])
    np.testing.assert_allclose(scaled(4 * samples), plain(samples), rtol=1e-5)


def test_weights_stay_clipped():
    discriminator = weight_clipping.clipped(network=mlp.discriminator, bound=0.02)
    assert max(np.abs(weights).max() for weights in discriminator.get_weights()) == np.float32(0.02)
    gan = jare_tf.GAN(
        mlp.generator(latent_dim=2),
        discriminator,
        rule=jare_tf.sim_gd(),
        loss=jare_tf.Minimax(objectives.wasserstein()),
        latent_dim=2,
    )
    gan.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5))
    before = discriminator.get_weights()
    for _ in range(3):
        gan.update([tf.random.normal([8, 2])])
    after = discriminator.get_weights()
    assert any((old != new).any() for old, new in zip(before, after, strict=True))
    assert max(np.abs(weights).max() for weights in after) == np.float32(0.02)
    with pytest.raises(jare_tf.InputError, match=r"weight_clipping.clipped: bound must be .* above 0, not 0"):
        weight_clipping.clipped(network=mlp.discriminator, bound=0)
