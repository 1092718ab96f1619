"""Every network has the published number of trainable parameters, its shapes, and refuses sizes that it cannot make."""

import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import affine, conv4, dcgan4, mlp, resnet

# Trainable parameters of the published networks: 64 filters, 32 px, 128 latent dimensions.
COUNTS = {
    conv4.generator: 3_811_459,
    conv4.discriminator: 2_935_873,
    dcgan4.generator: 345_219,
    dcgan4.discriminator: 312_513,
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


@pytest.mark.parametrize("network", COUNTS, ids=name)
def test_other_sizes(network):
    model = network(filters=4, image_size=64, channels=1)
    assert (64, 64, 1) in (model.output_shape[1:], model.input_shape[1:])


@pytest.mark.parametrize("network", COUNTS, ids=name)
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
