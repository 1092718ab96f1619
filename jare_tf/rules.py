"""Update rules, who moves when, and the optimizer of a method that is one.

Examples in docstrings follow `import jare_tf, keras` and `import tensorflow as tf`.
"""

from jare_tf.dynamics.adaptive_competitive import adaptive_competitive
from jare_tf.dynamics.adversarial_extrapolation import adversarial_extrapolation
from jare_tf.dynamics.clipped import clipped
from jare_tf.dynamics.competitive import competitive
from jare_tf.dynamics.debiased import debiased
from jare_tf.dynamics.drift_cancellation import drift_cancellation
from jare_tf.dynamics.extragradient import extragradient
from jare_tf.dynamics.extrapolation_from_the_past import extrapolation_from_the_past
from jare_tf.dynamics.follow_the_ridge import follow_the_ridge
from jare_tf.dynamics.hamiltonian import hamiltonian
from jare_tf.dynamics.inner_steps import AdamSteps, GradientSteps, InnerSteps
from jare_tf.dynamics.jacobian_coupling import (
    JacobianCoupling,
    con_opt,
    discriminator_only,
    generator_only,
    jare,
    sim_gd,
    smoothing,
)
from jare_tf.dynamics.lazy import lazy
from jare_tf.dynamics.local_symplectic_surgery import local_symplectic_surgery
from jare_tf.dynamics.momentum import momentum
from jare_tf.dynamics.opponent_shaping import lola, stable_opponent_shaping
from jare_tf.dynamics.optimistic import optimistic
from jare_tf.dynamics.optimistic_adam import OptimisticAdam
from jare_tf.dynamics.rule import Rule, Update
from jare_tf.dynamics.runge_kutta import RungeKutta, heun, runge_kutta4
from jare_tf.dynamics.schedule import Alternating, Extrapolating, Lookahead, Schedule, Simultaneous
from jare_tf.dynamics.symplectic_gradient_adjustment import symplectic_gradient_adjustment
from jare_tf.dynamics.unrolled import unrolled

__all__ = [
    "AdamSteps",
    "Alternating",
    "Extrapolating",
    "GradientSteps",
    "InnerSteps",
    "JacobianCoupling",
    "Lookahead",
    "OptimisticAdam",
    "Rule",
    "RungeKutta",
    "Schedule",
    "Simultaneous",
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
