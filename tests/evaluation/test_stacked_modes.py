import keras
import numpy as np
import pytest

import jare_tf
from jare_tf.evaluation.stacked_modes import StackedModes, mode_counts
from jare_tf.training.probes import Periodic


def test_mode_counts():
    digits = np.array([[0, 0, 0]] * 6 + [[9, 9, 9]] * 2)
    certain = np.eye(10)[digits]
    one = {"modes_covered": 1.0, "reverse_kl": pytest.approx(np.log(1000)), "confident_fraction": 1.0}
    assert mode_counts(certain[:1]) == one
    counted = mode_counts(certain)
    assert counted["modes_covered"] == 2
    np.testing.assert_allclose(counted["reverse_kl"], 0.75 * np.log(750) + 0.25 * np.log(250))
    everything = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), axis=-1)
    counted = mode_counts(np.eye(10)[everything])
    assert counted["modes_covered"] == 1000
    assert counted["reverse_kl"] == pytest.approx(0, abs=1e-12)
    doubtful = certain.copy()
    doubtful[0, 1] = [0.49, 0.21, 0.3, *[0.0] * 7]
    assert mode_counts(doubtful)["confident_fraction"] == 7 / 8


def bars(labels):
    """Gray images with a bright row that tells the digit, in noise."""
    images = np.random.default_rng(0).integers(0, 80, (len(labels), 12, 12, 1)).astype(np.uint8)
    images[np.arange(len(labels)), labels] = 255
    return images


def test_classifies_the_channels_and_counts(capsys):
    """A generator that makes the digits 3, 1, 4 and nothing else reaches one mode."""
    labels = np.arange(400) % 10
    probe = StackedModes(digits=lambda: (bars(labels), labels), samples=300)
    chosen = np.concatenate([bars(np.array([3])), bars(np.array([1])), bars(np.array([4]))], axis=-1)
    np.testing.assert_array_equal(probe.classify(chosen / 127.5 - 1).argmax(axis=-1), [[3, 1, 4]])
    larger = np.pad(chosen, [(0, 0), (2, 2), (2, 2), (0, 0)])
    np.testing.assert_array_equal(probe.classify(larger / 127.5 - 1), probe.classify(chosen / 127.5 - 1))
    with pytest.raises(jare_tf.InputError, match=r"images of \(8, 12\) are smaller than digits of \(12, 12\)"):
        probe.classify(chosen[:, :8] / 127.5 - 1)
    assert "the classifier of digits is right on 100.0% of 40 others" in capsys.readouterr().out
    always = keras.initializers.Constant(np.reshape(chosen / 127.5 - 1, -1))
    layers = [keras.layers.Dense(432, kernel_initializer="zeros", bias_initializer=always)]
    generator = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Reshape((12, 12, 3))])
    discriminator = keras.Sequential([keras.Input((12, 12, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    gan = jare_tf.GAN(generator, discriminator, rule=jare_tf.sim_gd(), loss=jare_tf.Minimax(), latent_dim=2)
    one = {"modes_covered": 1.0, "reverse_kl": pytest.approx(np.log(1000)), "confident_fraction": 1.0}
    assert probe(gan) == one
    periodic = Periodic(probe=probe, every=10)
    assert periodic(gan) == one
    gan.iterations.assign(5)
    assert periodic(gan) == {}


def test_bad_input():
    with pytest.raises(jare_tf.InputError, match="not gray images of ten digits"):
        StackedModes(digits=lambda: (np.zeros((2, 8, 8, 3)), np.zeros(2))).classify(np.zeros((1, 8, 8, 3)))
    with pytest.raises(jare_tf.InputError, match=r"digits must be a function, not .*tuple"):
        StackedModes(digits=(bars(np.arange(10)), np.arange(10)))
    with pytest.raises(jare_tf.InputError, match="samples must be an integer of at least 1 and below"):
        StackedModes(digits=lambda: (bars(np.arange(10)), np.arange(10)), samples=0)
    with pytest.raises(jare_tf.InputError, match="every must be an integer of at least 1 and below"):
        Periodic(probe=lambda gan: {}, every=0)
