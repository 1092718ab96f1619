"""GANs whose training dynamics are regularised through the game's Jacobian: JARE, ConOpt, gradient-regularised GANs."""

import keras as _keras

from jare_tf.data.latent import Normal
from jare_tf.dynamics.adversarial_extrapolation import adversarial_extrapolation
from jare_tf.dynamics.clipped import clipped
from jare_tf.dynamics.debiased import debiased
from jare_tf.dynamics.extragradient import extragradient
from jare_tf.dynamics.jacobian_coupling import con_opt, discriminator_only, generator_only, jare, sim_gd, smoothing
from jare_tf.dynamics.lazy import lazy
from jare_tf.dynamics.optimistic import optimistic
from jare_tf.dynamics.rule import Rule, Update
from jare_tf.dynamics.schedule import Alternating, Simultaneous
from jare_tf.dynamics.symplectic_gradient_adjustment import symplectic_gradient_adjustment
from jare_tf.dynamics.unrolled import unrolled
from jare_tf.errors import InputError, NotFiniteError, RunError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.game.losses.forms import LinearGenerator, Loss, Minimax, NonSaturating
from jare_tf.game.losses.gradient_penalty import R1, R2, WGANGP, GradientPenalty
from jare_tf.game.losses.objectives import Objective
from jare_tf.training.gan import GAN
from jare_tf.types import Batch, Players, Point

if _keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"jare_tf needs Keras on TensorFlow, not on {_keras.backend.backend()}: set KERAS_BACKEND=tensorflow"
    )

__version__ = "0.1.0"
__all__ = [
    "GAN",
    "R1",
    "R2",
    "WGANGP",
    "Alternating",
    "Batch",
    "GradientPenalty",
    "InputError",
    "LinearGenerator",
    "Loss",
    "Minimax",
    "NonSaturating",
    "Normal",
    "NotFiniteError",
    "Objective",
    "Players",
    "Point",
    "Rule",
    "RunError",
    "Simultaneous",
    "TwoPlayerGame",
    "Update",
    "adversarial_extrapolation",
    "clipped",
    "con_opt",
    "debiased",
    "discriminator_only",
    "extragradient",
    "generator_only",
    "jare",
    "lazy",
    "optimistic",
    "sim_gd",
    "smoothing",
    "symplectic_gradient_adjustment",
    "unrolled",
]
