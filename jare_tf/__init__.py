"""GANs whose training dynamics are regularised through the game's Jacobian: JARE, ConOpt, gradient-regularised GANs."""

import importlib as _importlib

import keras as _keras

from jare_tf.data.latent import Normal
from jare_tf.errors import InputError, NotFiniteError, RunError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.losses import R1, R2, WGANGP, GradientPenalty, LinearGenerator, Loss, Minimax, NonSaturating, Objective
from jare_tf.rules import (
    Alternating,
    Rule,
    Simultaneous,
    Update,
    adversarial_extrapolation,
    clipped,
    con_opt,
    debiased,
    discriminator_only,
    extragradient,
    generator_only,
    jare,
    lazy,
    optimistic,
    sim_gd,
    smoothing,
    symplectic_gradient_adjustment,
    unrolled,
)
from jare_tf.training.gan import GAN
from jare_tf.types import Batch, Players, Point

if _keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"jare_tf needs Keras on TensorFlow, not on {_keras.backend.backend()}: set KERAS_BACKEND=tensorflow"
    )

__version__ = "0.2.0"
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

_NAMESPACES = ("data", "evaluation", "experiment", "losses", "networks", "report", "rules", "theory")


def __getattr__(name: str):
    """The public namespaces, imported when they are first used."""
    if name in _NAMESPACES:
        return _importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
