"""GANs whose training dynamics are regularised through the game's Jacobian: JARE, ConOpt, gradient-regularised GANs."""

import importlib as _importlib
import pathlib as _pathlib
import sys as _sys
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from jare_tf.data.latent import Normal
    from jare_tf.errors import InputError, NotFiniteError, RunError
    from jare_tf.game.game import TwoPlayerGame
    from jare_tf.losses import (
        R1,
        R2,
        WGANGP,
        GradientPenalty,
        LinearGenerator,
        Loss,
        Minimax,
        NonSaturating,
        Objective,
        Relativistic,
    )
    from jare_tf.rules import (
        Alternating,
        Extrapolating,
        Lookahead,
        OptimisticAdam,
        Rule,
        Simultaneous,
        Update,
        adaptive_competitive,
        adversarial_extrapolation,
        clipped,
        competitive,
        con_opt,
        debiased,
        discriminator_only,
        drift_cancellation,
        extragradient,
        extrapolation_from_the_past,
        follow_the_ridge,
        generator_only,
        hamiltonian,
        heun,
        jare,
        lazy,
        local_symplectic_surgery,
        lola,
        momentum,
        optimistic,
        runge_kutta4,
        sim_gd,
        smoothing,
        stable_opponent_shaping,
        symplectic_gradient_adjustment,
        unrolled,
    )
    from jare_tf.training.gan import GAN
    from jare_tf.types import Batch, Players, Point

__version__ = "0.2.0"
__all__ = [
    "GAN",
    "R1",
    "R2",
    "WGANGP",
    "Alternating",
    "Batch",
    "Extrapolating",
    "GradientPenalty",
    "InputError",
    "LinearGenerator",
    "Lookahead",
    "Loss",
    "Minimax",
    "NonSaturating",
    "Normal",
    "NotFiniteError",
    "Objective",
    "OptimisticAdam",
    "Players",
    "Point",
    "Relativistic",
    "Rule",
    "RunError",
    "Simultaneous",
    "TwoPlayerGame",
    "Update",
    "adaptive_competitive",
    "adversarial_extrapolation",
    "clipped",
    "competitive",
    "con_opt",
    "debiased",
    "discriminator_only",
    "drift_cancellation",
    "extragradient",
    "extrapolation_from_the_past",
    "follow_the_ridge",
    "generator_only",
    "hamiltonian",
    "heun",
    "jare",
    "lazy",
    "local_symplectic_surgery",
    "lola",
    "momentum",
    "optimistic",
    "runge_kutta4",
    "sim_gd",
    "smoothing",
    "stable_opponent_shaping",
    "symplectic_gradient_adjustment",
    "unrolled",
]

_NAMESPACES = ("callbacks", "data", "evaluation", "experiment", "losses", "networks", "report", "rules", "theory")
_HOMES = ("errors", "types", "losses", "rules", "data.latent", "game.game", "training.gan")  # of __all__


def __getattr__(name: str) -> _Any:
    """What is public, imported when it is first used."""
    if name in _NAMESPACES:
        return _importlib.import_module(f"{__name__}.{name}")
    if name in __all__:
        modules = (_importlib.import_module(f"{__name__}.{home}") for home in _HOMES)
        return next(getattr(module, name) for module in modules if hasattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__, *_NAMESPACES]


def _is_command() -> bool:
    """Whether this process is one of the package's programs, which answer --help before TensorFlow is imported."""
    started = _pathlib.Path(_sys.argv[0] if _sys.argv else "")
    tools = _pathlib.Path(__file__).parents[1] / "tools"
    return str(started) == "-m" or started.name == "jare_tf" or started.absolute().parent == tools


if not _is_command():
    for _name in ("networks", *_HOMES):  # which registers what `keras.models.load_model` looks up by name
        _importlib.import_module(f"{__name__}.{_name}")
