"""The games of two numbers are what their docstrings say."""

import numpy as np

import jare_tf
from jare_tf.theory import spectrum
from jare_tf.theory.closed_form import SimpleGame
from jare_tf.theory.games import NO_BATCH, bilinear, damped
from tests.games import affine_game, affine_point, exact_batch

REFLECTED = np.diag([1.0, -1.0])  # G = −φ for G = φ


def test_bilinear_is_the_wasserstein_gan_of_one_parameter_each(float64):
    gan = affine_game([1.0], jare_tf.Minimax(jare_tf.losses.wasserstein()))
    for rule in (jare_tf.sim_gd(), jare_tf.jare(0.5)):
        (trained,) = spectrum.linearize(gan, rule, affine_point([0.0], [1.0]), exact_batch([1.0], 0.5)).moves
        (found,) = spectrum.linearize(bilinear, rule, bilinear.point(), NO_BATCH).moves
        np.testing.assert_allclose(found, REFLECTED @ trained @ REFLECTED)


def test_damped_is_the_simple_game():
    simple = SimpleGame(sigma=1.0, mean=(0.0,), slope=1.0, curvature=-1.0)
    for rule, expected in ((jare_tf.sim_gd(), simple.sim_gd()), (jare_tf.con_opt(0.5), simple.con_opt(0.5))):
        found = spectrum.linearize(damped, rule, damped.point(), NO_BATCH).eigenvalues(1.0)
        np.testing.assert_allclose(np.poly(found), np.poly(expected))
