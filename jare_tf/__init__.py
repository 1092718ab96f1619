"""GANs whose training dynamics are regularised through the game's Jacobian: JARE, ConOpt, gradient-regularised GANs."""

import keras as _keras

from jare_tf.data.latent import Normal
from jare_tf.dynamics.jacobian_coupling import con_opt, discriminator_only, generator_only, jare, sim_gd, smoothing
from jare_tf.dynamics.rule import Rule, Update
from jare_tf.dynamics.schedule import Alternating, Simultaneous
from jare_tf.errors import InputError, RunError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.game.losses.vanilla import Minimax, NonSaturating
from jare_tf.training.gan import GAN
from jare_tf.types import Batch, Players, Point

if _keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"jare_tf needs Keras on TensorFlow, not on {_keras.backend.backend()}: set KERAS_BACKEND=tensorflow"
    )

__version__ = "0.1.0"
__all__ = [
    "GAN",
    "Alternating",
    "Batch",
    "InputError",
    "Minimax",
    "NonSaturating",
    "Normal",
    "Players",
    "Point",
    "Rule",
    "RunError",
    "Simultaneous",
    "TwoPlayerGame",
    "Update",
    "con_opt",
    "discriminator_only",
    "generator_only",
    "jare",
    "sim_gd",
    "smoothing",
]
