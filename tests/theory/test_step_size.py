"""Predicted steps and rates against runs without noise."""

import functools

import keras
import numpy as np
import pytest

import jare_tf
from jare_tf.theory import spectrum, step_size
from jare_tf.theory.closed_form import SimpleGame
from jare_tf.theory.games import NO_BATCH, bilinear
from tests.conftest import RULES
from tests.games import affine_game, affine_point, exact_batch

PLAIN = keras.optimizers.SGD()


def log_ratio(predicted, observed):
    """1 where the observed rate is the predicted one; far stricter than their ratio, both being close to 1."""
    return np.log(observed) / np.log(predicted)


@pytest.mark.parametrize(
    ("sigma", "mu", "gamma"), [(0.2, 4.0, 10.0), (1.0, 2.0, 0.5), (0.5, 6.0, 3.0), (0.3, 1.0, 1.0), (0.7, 3.3, 2.5)]
)
@pytest.mark.parametrize("name", ["sim_gd", "jare"])
def test_measured_convergence_is_the_predicted_one(float64, name, sigma, mu, gamma):
    """max|1 + ηλ| of Theorems 1 and 3, at half the largest stable step of Corollaries 1 and 2 and of η_max."""
    theory = SimpleGame(sigma=sigma, mean=(0.0, mu))
    gamma = gamma if name == "jare" else 0.0
    step = theory.jare_largest_step(gamma) / 2
    predicted = np.abs(1 + step * theory.jare(gamma)).max()
    observed = step_size.observed_rate(
        affine_game([0.0, mu]),
        jare_tf.jare(gamma=gamma),
        affine_point([0.0, 0.0], [0.0, mu]),
        exact_batch([0.0, mu], sigma),
        lambda: keras.optimizers.SGD(step),
        steps=int(min(20_000, 40 / -np.log(predicted))),
        displacement=1e-4,
    )
    np.testing.assert_allclose(log_ratio(predicted, observed), 1, atol=0.02)


@pytest.mark.parametrize(
    ("optimizer", "share"),
    [
        (functools.partial(keras.optimizers.SGD), 0.5),
        (functools.partial(keras.optimizers.SGD, momentum=0.5), 0.5),
        (functools.partial(keras.optimizers.SGD, momentum=0.5, nesterov=True), 0.5),
        (functools.partial(keras.optimizers.RMSprop, epsilon=1.0), 0.5),  # ConOpt Proposition 13
        (functools.partial(keras.optimizers.RMSprop, epsilon=1.0, momentum=0.5), 0.5),
        (functools.partial(keras.optimizers.Adam, epsilon=1.0, beta_1=0.5, beta_2=0.9), 0.5),
    ],
    ids=["sgd", "momentum", "nesterov", "rmsprop", "rmsprop_momentum", "adam"],
)
@pytest.mark.parametrize("name", ["jare", "optimistic", "lazy"])
def test_every_optimizer_converges_as_predicted(float64, name, optimizer, share):
    mean, sigma = [0.0, 1.5], 0.8
    game, point, batch, rule = (
        affine_game(mean),
        affine_point([0.0, 0.0], mean),
        exact_batch(mean, sigma),
        RULES[name](1.0),
    )
    linear = spectrum.linearize(game, rule, point, batch)
    largest = step_size.largest_stable_step(linear, optimizer())
    assert (
        step_size.rate(linear, optimizer(), 0.999 * largest) < 1 < step_size.rate(linear, optimizer(), 1.001 * largest)
    )
    run = functools.partial(step_size.observed_rate, game, rule, point, batch)
    predicted = step_size.rate(linear, optimizer(), share * largest)
    observed = run(lambda: optimizer(learning_rate=share * largest), steps=600, displacement=1e-5)
    np.testing.assert_allclose(log_ratio(predicted, observed), 1, atol=0.03)
    too_large = run(lambda: optimizer(learning_rate=1.05 * largest), steps=120, displacement=1e-11)
    np.testing.assert_allclose(too_large, step_size.rate(linear, optimizer(), 1.05 * largest), rtol=5e-3)
    assert too_large > 1


def test_largest_stable_step_is_that_of_section_5_2(float64):
    for sigma, mu, gamma in [(0.2, 4.0, 10.0), (1.0, 2.0, 0.5), (0.5, 0.5, 3.0), (0.2, 4.0, 0.0)]:
        linear = spectrum.linearize(
            affine_game([0.0, mu]),
            jare_tf.jare(gamma=gamma),
            affine_point([0, 0], [0, mu]),
            exact_batch([0, mu], sigma),
        )
        expected = SimpleGame(sigma=sigma, mean=(0.0, mu)).jare_largest_step(gamma)
        np.testing.assert_allclose(step_size.largest_stable_step(linear, PLAIN), expected, rtol=1e-9)


def test_conopt_lemma_11_momentum_on_the_bilinear_game(float64):
    """No momentum makes simultaneous descent of a bilinear game converge; in turn it circles."""
    linear = spectrum.linearize(bilinear, jare_tf.sim_gd(), bilinear.point(), NO_BATCH)
    for momentum in (0.0, 0.3, 0.9):
        assert step_size.largest_stable_step(linear, keras.optimizers.SGD(momentum=momentum)) == 0.0
    assert step_size.rate(linear, keras.optimizers.SGD(), 0.1) == pytest.approx(1.01**0.5)
    assert bilinear.rate(jare_tf.sim_gd(), 0.1, jare_tf.Alternating()) == pytest.approx(1)


def test_optimizer_without_linear_form(float64):
    linear = spectrum.linearize(bilinear, jare_tf.jare(gamma=1.0), bilinear.point(), NO_BATCH)
    with pytest.raises(jare_tf.InputError, match="Adagrad has no linear form near rest here: use SGD, RMSprop or Adam"):
        step_size.rate(linear, keras.optimizers.Adagrad(), 0.1)
    with pytest.raises(jare_tf.InputError, match="SGD with weight decay moves the equilibrium"):
        step_size.rate(linear, keras.optimizers.SGD(weight_decay=0.1), 0.1)
