import numpy as np
import pytest

import jare_tf
from jare_tf.data.synthetic import gaussian
from jare_tf.evaluation.moments import Moments
from jare_tf.game.networks import linear_quadratic


def test_a_linear_generator_of_a_gaussian_is_measured_exactly():
    """A = ½ I, b = (0.1, −0.3) against N((1, 2), 0.16 I): ‖(0.9, 2.3)‖ and ‖0.25 I − 0.16 I‖."""
    generator = linear_quadratic.generator(dimension=2, initial=0.5, translates=True)
    generator.set_weights([0.5 * np.eye(2), np.array([0.1, -0.3])])
    discriminator = linear_quadratic.discriminator(dimension=2)
    gan = jare_tf.GAN(generator, discriminator, rule=jare_tf.sim_gd(), loss=jare_tf.Minimax(), latent_dim=2)
    measured = Moments(dataset=gaussian(mean=[1.0, 2.0], std=0.4), samples=200)(gan)
    assert measured["mean_distance"] == pytest.approx(np.hypot(0.9, 2.3), rel=1e-5)
    assert measured["covariance_distance"] == pytest.approx(0.09 * np.sqrt(2), rel=1e-4)
