"""Vector fields of 2-parameter games against their formulae."""

import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.losses import objectives
from jare_tf.game.networks import linear_quadratic
from jare_tf.theory.streamlines import streamlines
from jare_tf.types import Batch
from tests.games import affine_game, small_game

THETA, PHI = np.linspace(-1, 1, 5), np.linspace(0.5, 1.5, 4)
W, A = np.meshgrid(THETA, PHI)
SQUARES = 1.25 / 3 * 2  # the mean of x² in the batch below
BATCH = Batch(*(tf.constant([[0.5], [1.0], [-0.5], [-1.0]], tf.float64) * (SQUARES / 0.625) ** 0.5 for _ in range(2)))


def linear_quadratic_game(loss):
    return jare_tf.TwoPlayerGame(linear_quadratic.generator(), linear_quadratic.discriminator(), loss)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_gradreg_fig_3_wasserstein(float64, gamma):
    """f = w (1 − a²) E x²: the velocity is (∇w f, −∇a f − ½γ ∇a (∇w f)²)."""
    field = streamlines(
        linear_quadratic_game(jare_tf.Minimax(objectives.wasserstein())),
        jare_tf.generator_only(gamma=gamma),
        BATCH,
        THETA,
        PHI,
    )
    np.testing.assert_allclose(field.discriminator, (1 - A**2) * SQUARES, rtol=1e-12)
    expected = 2 * A * W * SQUARES + gamma * 2 * A * (1 - A**2) * SQUARES**2
    np.testing.assert_allclose(field.generator, expected, rtol=1e-12, atol=1e-14)


def test_dirac_gan(float64):
    """Data and latent are the point 0, D(x) = θx, G = φ: the velocity is (−φ s(θφ), θ s(θφ)), s logistic."""
    zero = Batch(*(tf.zeros([1, 1], tf.float64) for _ in range(2)))
    field = streamlines(affine_game([0.0]), jare_tf.sim_gd(), zero, THETA, PHI)
    logistic = 1 / (1 + np.exp(-W * A))
    np.testing.assert_allclose(field.discriminator, -A * logistic, rtol=1e-12)
    np.testing.assert_allclose(field.generator, W * logistic, rtol=1e-12, atol=1e-15)


def test_every_rule_has_a_field_that_vanishes_at_the_equilibrium(float64, any_rule):
    game = linear_quadratic_game(jare_tf.Minimax())
    theta, phi = np.array([0.0, 0.5]), np.array([1.0, 1.2])
    field = streamlines(game, any_rule[1](0.3), BATCH, theta, phi)
    assert field.discriminator.shape == field.generator.shape == (2, 2)
    np.testing.assert_allclose([field.discriminator[0, 0], field.generator[0, 0]], 0, atol=1e-12)
    assert np.abs(field.generator[1, 1]) > 1e-3


def test_lazy_has_the_field_of_the_rule_that_it_wraps(float64):
    game = linear_quadratic_game(jare_tf.Minimax())
    fields = [
        streamlines(game, rule, BATCH, THETA, PHI)
        for rule in (jare_tf.lazy(jare_tf.jare(gamma=2.0), 4), jare_tf.jare(gamma=2.0))
    ]
    np.testing.assert_allclose(fields[0].generator, fields[1].generator, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fields[0].discriminator, fields[1].discriminator, rtol=1e-9, atol=1e-12)


def test_more_parameters_are_refused(float64):
    game, batch = small_game(jare_tf.Minimax())
    with pytest.raises(jare_tf.InputError, match="one parameter for each player"):
        streamlines(game, jare_tf.sim_gd(), batch, THETA, PHI)
