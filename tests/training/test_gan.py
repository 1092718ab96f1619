"""`GAN` as Keras users meet it."""

import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.data import draws
from jare_tf.game.networks import conv4, dcgan, mlp
from jare_tf.training.two_player_model import METRICS
from jare_tf.types import Batch, Players


def ring_gan(rule, schedule=None, **kwargs):
    gan = jare_tf.GAN(
        mlp.generator(latent_dim=3, width=4, depth=1),
        mlp.discriminator(width=4, depth=1, spectral_norm=True),
        rule=rule,
        loss=jare_tf.NonSaturating(),
        latent_dim=3,
        schedule=schedule,
        **kwargs,
    )
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    return gan


def weights(gan):
    return [weight.copy() for network in gan.game.networks for weight in network.get_weights()]


def test_fit_on_an_array_of_images():
    images = np.random.default_rng(0).uniform(-1, 1, size=(10, 32, 32, 3)).astype("float32")
    generator, discriminator = dcgan.generator(filters=4), dcgan.discriminator(filters=4)
    gan = jare_tf.GAN(
        generator, discriminator, rule=jare_tf.jare(gamma=100.0), loss=jare_tf.NonSaturating(), latent_dim=128
    )
    gan.compile(
        discriminator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5),
        generator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5),
        jit_compile=False,
    )
    before = weights(gan)
    history = gan.fit(images, epochs=1, batch_size=4, verbose=0)  # the last batch is smaller
    assert set(history.history) == {"loss", *METRICS}
    assert all(np.isfinite(values).all() for values in history.history.values())
    assert int(gan.iterations) == 3
    assert all(np.any(old != new) for old, new in zip(before, weights(gan), strict=True))
    assert gan(np.zeros((5, 128))).shape == (5, 32, 32, 3)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_fit_equals_the_rule(jit_compile):
    """Three steps of `fit` are three steps of SGD on the rule's direction, with labels ignored."""
    real = np.random.default_rng(0).normal(size=(12, 2)).astype("float32")
    rule = jare_tf.jare(gamma=0.5)
    gan, reference = ring_gan(rule, seed=5), ring_gan(rule)
    for network, like in zip(reference.game.networks, gan.game.networks, strict=True):
        network.set_weights(like.get_weights())
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), jit_compile=jit_compile)
    gan.fit(real, np.zeros(12), batch_size=4, epochs=1, shuffle=False, verbose=0)
    for step in range(3):
        latent = jare_tf.Normal().draw((4, 3), draws.key(5, draws.LATENT, step))
        batch = Batch(real=tf.constant(real[4 * step : 4 * step + 4]), latent=latent)
        update = rule.update(reference.game, reference.game.point(), batch)
        for network, direction, state in zip(
            reference.game.networks, update.direction, update.evaluation.state, strict=True
        ):
            for variable, value in zip(network.trainable_variables, direction, strict=True):
                variable.assign_sub(0.1 * value)
            for variable, value in zip(network.non_trainable_variables, state, strict=True):
                variable.assign(value)
    for measured, expected in zip(weights(gan), weights(reference), strict=True):
        np.testing.assert_allclose(measured, expected, rtol=2e-5, atol=1e-6)


def test_each_rule_traces_once(any_rule):
    gan = ring_gan(any_rule[1](0.1))
    step = tf.function(gan.update)
    for _ in range(5):
        metrics = step([tf.random.normal([6, 2])])
    assert step.experimental_get_tracing_count() == 1
    assert set(metrics) == set(METRICS)


@pytest.mark.parametrize(
    ("n_discriminator", "n_generator", "first", "traced"),
    [
        (1, 1, "discriminator", True),
        (3, 1, "discriminator", False),
        (1, 2, "discriminator", False),
        (2, 1, "generator", False),
    ],
)
def test_alternating(any_rule, n_discriminator, n_generator, first, traced):
    """A player moves from where the moves before it led, on a batch of its own, and only that player moves."""
    rule = any_rule[1](0.3)
    schedule = jare_tf.Alternating(n_discriminator, n_generator, first)
    order = [0] * n_discriminator + [1] * n_generator
    order = order if first == "discriminator" else order[::-1]
    gan, reference = ring_gan(rule, schedule), ring_gan(rule)
    for network, like in zip(reference.game.networks, gan.game.networks, strict=True):
        network.set_weights(like.get_weights())
    memory = rule.memory(reference.game.point())
    real = [tf.random.normal([4, 2], seed=move) for move in range(n_discriminator + n_generator)]
    (tf.function(gan.update) if traced else gan.update)(real)
    for move, samples in enumerate(real):
        player = order[move]
        latent = jare_tf.Normal().draw((4, 3), draws.key(0, draws.LATENT, move))
        update = rule.update(reference.game, reference.game.point(), Batch(real=samples, latent=latent), memory)
        memory = memory._replace(**{Players._fields[player]: update.memory[player]})
        network = reference.game.networks[player]
        for variable, value in zip(network.trainable_variables, update.direction[player], strict=True):
            variable.assign_sub(0.1 * value)
        for variable, value in zip(network.non_trainable_variables, update.evaluation.state[player], strict=True):
            variable.assign(value)
    for measured, expected in zip(weights(gan), weights(reference), strict=True):
        np.testing.assert_allclose(measured, expected, rtol=2e-5, atol=1e-6)


def test_bytes_are_scaled():
    """Pixels 0 ... 255 are −1 ... 1: the step is the one on the scaled floats."""
    pixels = np.random.default_rng(0).integers(0, 256, size=(4, 16, 16, 1)).astype("uint8")
    results = []
    for real in (tf.constant(pixels), tf.constant(pixels / 127.5 - 1, tf.float32)):
        keras.utils.set_random_seed(0)
        gan = jare_tf.GAN(
            dcgan.generator(filters=2, image_size=16, channels=1, latent_dim=2),
            dcgan.discriminator(filters=2, image_size=16, channels=1),
            rule=jare_tf.sim_gd(),
            loss=jare_tf.Minimax(),
            latent_dim=2,
        )
        gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
        results.append(float(gan.update([real])["loss/discriminator"]))
    np.testing.assert_allclose(*results, rtol=1e-6)


def test_batch_norm_state_advances_once_a_step():
    """The moving average after a step is momentum · old + (1 − momentum) · the batch's mean."""
    gan = jare_tf.GAN(
        conv4.generator(filters=2, batch_norm=True),
        conv4.discriminator(filters=2),
        rule=jare_tf.con_opt(gamma=1.0),
        loss=jare_tf.Minimax(),
        latent_dim=128,
    )
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    latent = jare_tf.Normal().draw((4, 128), draws.key(0, draws.LATENT, 0))
    dense, norm = gan.generator.layers[0], gan.generator.layers[1]
    mean = dense(latent).numpy().mean(axis=0)
    gan.update([tf.zeros([4, 32, 32, 3])])
    np.testing.assert_allclose(norm.moving_mean.numpy(), 0.1 * mean, rtol=1e-4, atol=1e-7)


def test_networks_that_do_not_fit():
    rest = {"rule": jare_tf.sim_gd(), "loss": jare_tf.Minimax()}
    with pytest.raises(jare_tf.InputError, match="the generator 'mlp_generator' does not take latent_dim = 5"):
        jare_tf.GAN(mlp.generator(latent_dim=3), mlp.discriminator(), latent_dim=5, **rest)
    with pytest.raises(jare_tf.InputError, match=r"does not take what the generator makes, shape \(2,\)"):
        jare_tf.GAN(mlp.generator(latent_dim=3), mlp.discriminator(input_dim=3), latent_dim=3, **rest)
    with pytest.raises(jare_tf.InputError, match=r"real samples have shape \(7,\), the networks \(2,\)"):
        ring_gan(jare_tf.sim_gd()).fit(np.zeros((4, 7), "float32"), verbose=0)


@pytest.mark.parametrize("number", [0, 1.5, True, None])
def test_schedule_needs_moves(number):
    with pytest.raises(jare_tf.InputError, match=f"Alternating: n_discriminator must be an integer.*, not {number}"):
        jare_tf.Alternating(number)
    with pytest.raises(jare_tf.InputError, match="Alternating: n_generator must be an integer of at least 1"):
        jare_tf.Alternating(1, number)
    with pytest.raises(jare_tf.InputError, match="Alternating: first must be 'discriminator' or 'generator'"):
        jare_tf.Alternating(first="both")


def test_schedules_are_values():
    assert jare_tf.Simultaneous() == jare_tf.Simultaneous() != jare_tf.Alternating()
    assert jare_tf.Alternating(2) == jare_tf.Alternating(2, 1) != jare_tf.Alternating(2, 2)
    assert repr(jare_tf.Alternating(2)) == "Alternating(n_discriminator=2, n_generator=1, first='discriminator')"
    assert len({jare_tf.Simultaneous(), jare_tf.Simultaneous(), jare_tf.Alternating(), jare_tf.Alternating()}) == 2


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("rule", 10.0, "rule must be an update rule such as jare(gamma=100.0), not 10.0"),
        ("rule", "jare", "rule must be an update rule such as jare(gamma=100.0), not 'jare'"),
        ("rule", jare_tf.jare, "rule must be an update rule such as jare(gamma=100.0), with parentheses, not jare"),
        ("loss", jare_tf.Minimax, "loss must be a loss such as NonSaturating(), with parentheses, not Minimax"),
        ("loss", "minimax", "loss must be a loss such as NonSaturating(), not 'minimax'"),
        (
            "penalty",
            jare_tf.R1,
            "penalty must be a penalty such as R1(10.0), a list of such or None, with parentheses, not R1",
        ),
        ("penalty", 10.0, "penalty must be a penalty such as R1(10.0), a list of such or None, not 10.0"),
        (
            "schedule",
            jare_tf.Alternating,
            "schedule must be a schedule such as Alternating() or None, with parentheses, not Alt",
        ),
        ("schedule", 5, "schedule must be a schedule such as Alternating() or None, not 5"),
        ("latent_prior", jare_tf.Normal, "latent_prior must be a prior such as Normal(), with parentheses, not Normal"),
        ("latent_prior", 1.0, "latent_prior must be a prior such as Normal(), not 1.0"),
        ("latent_dim", 3.0, "latent_dim must be an integer of at least 1 and at most 32,768, not 3.0"),
        ("latent_dim", 0, "latent_dim must be an integer of at least 1 and at most 32,768, not 0"),
        ("seed", None, "seed must be an integer of at least 0 and below 2**31, not None"),
        ("seed", True, "seed must be an integer of at least 0 and below 2**31, not True"),
        ("seed", -1, "seed must be an integer of at least 0 and below 2**31, not -1"),
        ("seed", 2**31, "seed must be an integer of at least 0 and below 2**31, not 2147483648"),
        ("average_decay", 1.0, "average_decay must be a finite number, at least 0 and below 1, not 1.0"),
        ("generator", mlp.generator, "generator must be a keras.Model, with parentheses, not generator"),
        ("discriminator", None, "discriminator must be a keras.Model, not None"),
    ],
    ids=lambda value: None if callable(value) else str(value)[:20],
)
def test_arguments_of_another_kind(argument, value, message):
    arguments = {"rule": jare_tf.sim_gd(), "loss": jare_tf.Minimax(), "latent_dim": 3, "generator": None}
    arguments["generator"] = mlp.generator(latent_dim=3, width=4, depth=1)
    arguments["discriminator"] = mlp.discriminator(width=4, depth=1)
    with pytest.raises(jare_tf.InputError, match="^" + re.escape(f"GAN: {message}")):
        jare_tf.GAN(**{**arguments, argument: value})


def test_optimizers_of_another_kind():
    gan = ring_gan(jare_tf.sim_gd())
    with pytest.raises(
        jare_tf.InputError, match="generator_optimizer must be an optimizer .*, with parentheses, not SGD"
    ):
        gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD)
    with pytest.raises(jare_tf.InputError, match="discriminator_optimizer must be an optimizer such as .*, not 0.1"):
        gan.compile(0.1, keras.optimizers.SGD(0.1))


def rated(discriminator_rate, generator_rate):
    gan = ring_gan(jare_tf.sim_gd())
    gan.compile(keras.optimizers.Adam(discriminator_rate), keras.optimizers.Adam(generator_rate))
    return gan


def rates(gan):
    return [float(optimizer.learning_rate) for optimizer in gan.optimizers]


def test_weights_that_change_a_learning_rate(tmp_path):
    rated(1e-3, 2e-3).save_weights(tmp_path / "gan.weights.h5")
    gan = rated(1e-5, 2e-3)
    with pytest.warns(UserWarning, match="learning rates: discriminator 0.001 in place of 1e-05; gan.reset") as caught:
        gan.load_weights(tmp_path / "gan.weights.h5")
    assert len(caught) == 1
    np.testing.assert_allclose(rates(gan), [1e-3, 2e-3])
    gan = rated(1e-5, 1e-5)
    with pytest.warns(UserWarning, match="discriminator 0.001 in place of 1e-05, generator 0.002 in place of 1e-05;"):
        gan.load_weights(tmp_path / "gan.weights.h5")
    gan.reset_learning_rates()
    np.testing.assert_allclose(rates(gan), [1e-5, 1e-5])


def test_weights_that_change_no_learning_rate(tmp_path):
    schedule = keras.optimizers.schedules.ExponentialDecay
    for make in (lambda gan, rate: gan, lambda gan, rate: gan.compile(*(keras.optimizers.Adam(rate()) for _ in "DG"))):
        gans = [ring_gan(jare_tf.sim_gd()) for _ in range(2)]
        for gan, rate in zip(gans, (1e-3, 1e-5), strict=True):
            make(gan, lambda rate=rate: schedule(rate, 10, 0.5))
        gans[0].save_weights(tmp_path / "gan.weights.h5")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gans[1].load_weights(tmp_path / "gan.weights.h5")
        before = rates(gans[1])
        gans[1].reset_learning_rates()
        assert rates(gans[1]) == before


def test_an_interrupted_fit_warns_of_its_learning_rate(tmp_path):
    images = np.zeros([4, 2], "float32")

    def fit(rate, epochs, *callbacks):
        gan = rated(rate, rate)
        backup = keras.callbacks.BackupAndRestore(str(tmp_path), delete_checkpoint=False)
        gan.fit(images, epochs=epochs, verbose=0, callbacks=[backup, *callbacks])
        return gan

    fit(1e-3, 1)
    with pytest.warns(UserWarning, match="in place of 1e-05"):
        fit(1e-5, 2)


def test_moving_average_of_the_generator():
    """average ← d' average + (1 − d') weights with d' = min(d, (1 + t)/(10 + t)), and `gan(z)` uses it."""
    gan = ring_gan(jare_tf.sim_gd(), average_decay=0.25)
    averages = [weight.numpy() for weight in gan.average[0]]
    for weight, average in zip(gan.generator.get_weights(), averages, strict=True):
        np.testing.assert_array_equal(weight, average)
    for decay in (1 / 10, 2 / 11, 0.25, 0.25):
        gan.update([tf.random.normal([4, 2])])
        averages = [decay * a + (1 - decay) * w for a, w in zip(averages, gan.generator.get_weights(), strict=True)]
    for average, expected in zip(gan.average[0], averages, strict=True):
        np.testing.assert_allclose(average, expected, rtol=1e-5, atol=1e-7)
    latent = tf.random.normal([5, 3])
    assert not np.allclose(gan(latent), gan.generator(latent))
    gan.generator.set_weights(averages)
    np.testing.assert_allclose(gan(latent), gan.generator(latent), rtol=1e-4, atol=1e-6)


def test_moving_average_of_batch_norm():
    """The moving mean of a normalised layer is averaged like a weight, and samples are in inference mode."""
    generator = conv4.generator(filters=2, batch_norm=True)
    gan = jare_tf.GAN(
        generator,
        conv4.discriminator(filters=2),
        rule=jare_tf.sim_gd(),
        loss=jare_tf.Minimax(),
        latent_dim=128,
        average_decay=0.9,
    )
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    before = [weight.numpy() for weight in gan.average[1]]
    gan.update([tf.random.normal([4, 32, 32, 3])])
    now = [variable.numpy() for variable in generator.non_trainable_variables]
    for average, old, new in zip(gan.average[1], before, now, strict=True):
        np.testing.assert_allclose(average, 0.1 * old + 0.9 * new, rtol=1e-4, atol=1e-6)
    # Not to the bit: a processor may have other convolutions for other batches.
    np.testing.assert_allclose(gan(tf.ones([2, 128]))[:1], gan(tf.ones([1, 128])), rtol=0, atol=1e-5)
