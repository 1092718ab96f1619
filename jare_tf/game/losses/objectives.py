"""The functions g1 and g2 of a GAN's objective, f = E[g1(D(x))] + E[g2(D(G(z)))] (JARE eq. 1), by name.

D(x) is a logit, a number without bounds. Everywhere here g1'(0) = −g2'(0), so that D = 0 is where the discriminator
cannot tell the samples apart (JARE Assumption 1); where a paper's logit rests elsewhere, it is shifted.

The f-divergences are those of Nowozin et al. 2016, Table 2: over all D, the largest f is the divergence of the data P
from the generator's Q. Their logit is the argument of an output activation; where that leaves a g that is not concave,
as JARE and GradReg ask, the same divergence is written with another logit here.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, TypeVar

import keras
import tensorflow as tf

from jare_tf.errors import InputError
from jare_tf.serializable import Serializable
from jare_tf.settings import Positive, checked

_Make = TypeVar("_Make", bound=Callable)


def _named(make: _Make) -> _Make:
    """Registers a function that makes an objective, by whose name Keras saves and loads what it makes."""
    return keras.saving.register_keras_serializable("jare_tf")(make)


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Objective(Serializable):
    """g1 and g2 of f = E[g1(D(x))] + E[g2(D(G(z)))], which the discriminator maximises, and what they are at D = 0.

    Two objectives are equal if all but g1 and g2 is equal. To be saved with a model, the function that makes one is
    registered with `keras.saving.register_keras_serializable(package)`, and `maker` is "package>function".

    Attributes:
      maker: the name of the function that makes it.
      arguments: with which arguments, (name, value) for each.
      g1: of the logits of real samples, element by element.
      g2: of the logits of generated samples.
      slopes: g1'(0) and g2'(0), of which the second is minus the first.
      curvatures: g1''(0) and g2''(0).

    Examples:
      >>> jare_tf.losses.least_squares().slope, jare_tf.losses.least_squares().curvature  # g1'(0), g1''(0) + g2''(0)
      (0.5, -2.0)
      >>> jare_tf.losses.hinge().satisfies_assumption_2
      False
    """

    maker: str
    arguments: tuple[tuple[str, float], ...] = ()
    g1: Callable[[tf.Tensor], tf.Tensor] = dataclasses.field(compare=False)
    g2: Callable[[tf.Tensor], tf.Tensor] = dataclasses.field(compare=False)
    slopes: tuple[float, float]
    curvatures: tuple[float, float]
    in_words = "an objective such as vanilla()"

    def __repr__(self):
        arguments = ", ".join(f"{name}={value}" for name, value in self.arguments)
        return f"{self.maker.rpartition('>')[2]}({arguments})"

    def get_config(self) -> dict[str, Any]:
        """Who makes it, and with what.

        Raises:
          InputError: `maker` is not registered with Keras, so that no file could bring it back.
        """
        _made_by(self.maker)
        return {"maker": self.maker, "arguments": dict(self.arguments)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Objective":
        return _made_by(config["maker"])(**config["arguments"])

    @property
    def slope(self) -> float:
        """g1'(0) = −g2'(0), which `theory.closed_form.SimpleGame` takes."""
        return self.slopes[0]

    @property
    def curvature(self) -> float:
        """g1''(0) + g2''(0), which `theory.closed_form.SimpleGame` takes where it is below 0."""
        return sum(self.curvatures)

    @property
    def satisfies_assumption_2(self) -> bool:
        """Whether g1''(0) + g2''(0) < 0 and g1'(0) = −g2'(0) ≠ 0 (JARE Assumption 2; GradReg Assumption II)."""
        return self.curvature < 0 and self.slopes[0] == -self.slopes[1] != 0

    @property
    def theory(self) -> str:
        """What the theory says of the zero-sum game with this objective, near an equilibrium with D = 0."""
        if self.satisfies_assumption_2:
            return (
                "Assumption 2 holds: the discriminator's own block Q = (g1''(0) + g2''(0)) E[∇D ∇Dᵀ] is negative and "
                "damps the game. Under the papers' other assumptions simultaneous gradient descent is locally stable "
                "for small steps (JARE Theorem 4; GradReg Theorem 3.1 where g1(t) = g2(−t)), and JARE damps the "
                "generator as well (JARE Theorem 5)"
            )
        if self.curvature == 0 and self.slope:
            return (
                "Assumption 2 does not hold: Q = 0, the eigenvalues of simultaneous gradient descent are imaginary and "
                "every step leads a little outwards (GradReg section 3.3); with the generator regularised it converges "
                "(GradReg Theorem 3.2)"
            )
        return "Assumption 2 does not hold, and neither JARE nor GradReg says anything of such a game"


def _made_by(maker: str) -> Callable[..., Objective]:
    function = keras.saving.get_registered_object(maker)
    if function is None:
        raise InputError(
            f"the objective {maker!r} cannot be saved or loaded: decorate the function that makes it with "
            "keras.saving.register_keras_serializable(package), and call it 'package>function'"
        )
    return function


@_named
def vanilla() -> Objective:
    """g1(t) = g2(−t) = −log(1 + e^−t) (Goodfellow et al. 2014): D(x) = log(p/q), at the equilibrium f = −2 log 2.

    Examples:
      >>> objective = jare_tf.losses.vanilla()
      >>> float(objective.g1(0.0) + objective.g2(0.0))  # −2 log 2
      -1.386...
    """
    return Objective(
        maker="jare_tf>vanilla",
        g1=lambda t: -tf.nn.softplus(-t),
        g2=lambda t: -tf.nn.softplus(t),
        slopes=(0.5, -0.5),
        curvatures=(-0.25, -0.25),
    )


@_named
def wasserstein() -> Objective:
    """g1(t) = g2(−t) = t (Arjovsky et al. 2017).

    The discriminator must be kept Lipschitz elsewhere, by `networks.weight_clipping`, by `gradient_penalty.WGANGP` or
    by spectral norm. Where it is not, f is the "indicator divergence" of ConOpt (its section 2.1 and Fig. 9).

    Examples:
      >>> objective = jare_tf.losses.wasserstein()
      >>> objective.g1(3.0) + objective.g2(1.0)
      2.0
    """
    return Objective(
        maker="jare_tf>wasserstein", g1=lambda t: t, g2=lambda t: -t, slopes=(1.0, -1.0), curvatures=(0.0, 0.0)
    )


@_named
def hinge() -> Objective:
    """g1(t) = g2(−t) = min(0, t − 1) (Lim & Ye 2017; Miyato et al. 2018, eq. 16), for `forms.LinearGenerator`.

    Examples:
      >>> objective = jare_tf.losses.hinge()
      >>> float(objective.g1(0.25)), float(objective.g2(0.25))  # ¼ − 1, −¼ − 1
      (-0.75, -1.25)
    """
    return Objective(
        maker="jare_tf>hinge",
        g1=lambda t: -tf.nn.relu(1 - t),
        g2=lambda t: -tf.nn.relu(1 + t),
        slopes=(1.0, -1.0),
        curvatures=(0.0, 0.0),
    )


@_named
def least_squares() -> Objective:
    """g1(t) = g2(−t) = −½(t − ½)², for `forms.NonSaturating` (Mao et al. 2017).

    It is their eq. 9, targets of 1 for real and 0 for generated samples, with the logit counted from ½, its value at
    the equilibrium; the last bias of a discriminator makes up for it.

    Examples:
      >>> objective = jare_tf.losses.least_squares()
      >>> float(objective.g1(1.5)), float(objective.g2(1.5))  # −½ · 1², −½ · 2²
      (-0.5, -2.0)
    """
    return Objective(
        maker="jare_tf>least_squares",
        g1=lambda t: -tf.square(t - 0.5) / 2,
        g2=lambda t: -tf.square(t + 0.5) / 2,
        slopes=(0.5, -0.5),
        curvatures=(-1.0, -1.0),
    )


@_named
def jensen_shannon() -> Objective:
    """`vanilla` plus 2 log 2 (Nowozin et al. 2016, Table 2): at most KL(P ‖ M) + KL(Q ‖ M) with M = (P + Q)/2.

    Examples:
      >>> p, q = tf.constant([0.75, 0.25]), tf.constant([0.5, 0.5])
      >>> objective, d = jare_tf.losses.jensen_shannon(), tf.math.log(p / q)
      >>> float(tf.reduce_sum(p * objective.g1(d) + q * objective.g2(d)))  # ¾ log(6/5) + ¼ log(2/3) + ½ log(16/15)
      0.0676...
    """
    plain = vanilla()
    return dataclasses.replace(
        plain,
        maker="jare_tf>jensen_shannon",
        g1=lambda t: math.log(2) + plain.g1(t),
        g2=lambda t: math.log(2) + plain.g2(t),
    )


@_named
def kullback_leibler() -> Objective:
    """g1(t) = 1 + t, g2(t) = −e^t: at most KL(P ‖ Q) = Σ p log(p/q), at D = log(p/q).

    The logit of Nowozin et al. 2016, Table 2, rests at 1. e^t overflows float32 at t = 88, which ends a run.

    Examples:
      >>> p, q = tf.constant([0.75, 0.25]), tf.constant([0.5, 0.5])
      >>> objective, d = jare_tf.losses.kullback_leibler(), tf.math.log(p / q)
      >>> float(tf.reduce_sum(p * objective.g1(d) + q * objective.g2(d)))  # ¾ log(3/2) + ¼ log(1/2)
      0.1308...
    """
    return Objective(
        maker="jare_tf>kullback_leibler",
        g1=lambda t: 1 + t,
        g2=lambda t: -tf.exp(t),
        slopes=(1.0, -1.0),
        curvatures=(0.0, -1.0),
    )


@_named
def reverse_kullback_leibler() -> Objective:
    """g1(t) = −e^−t, g2(t) = 1 − t: at most KL(Q ‖ P), at D = log(p/q) (the text below JARE eq. 1).

    e^−t overflows float32 at t = −88, which ends a run.

    Examples:
      >>> p, q = tf.constant([0.75, 0.25]), tf.constant([0.5, 0.5])
      >>> objective, d = jare_tf.losses.reverse_kullback_leibler(), tf.math.log(p / q)
      >>> float(tf.reduce_sum(p * objective.g1(d) + q * objective.g2(d)))  # ½ log(2/3) + ½ log 2
      0.1438...
    """
    return Objective(
        maker="jare_tf>reverse_kullback_leibler",
        g1=lambda t: -tf.exp(-t),
        g2=lambda t: 1 - t,
        slopes=(1.0, -1.0),
        curvatures=(-1.0, 0.0),
    )


@_named
def pearson_chi_squared() -> Objective:
    """g1(t) = 2t, g2(t) = −2t − t²: at most Σ (p − q)²/q, at D = p/q − 1.

    The logit of Nowozin et al. 2016, Table 2, is 2D.

    Examples:
      >>> p, q = tf.constant([0.75, 0.25]), tf.constant([0.5, 0.5])
      >>> objective, d = jare_tf.losses.pearson_chi_squared(), p / q - 1
      >>> float(tf.reduce_sum(p * objective.g1(d) + q * objective.g2(d)))  # 2 · (¼)²/½
      0.25
    """
    return Objective(
        maker="jare_tf>pearson_chi_squared",
        g1=lambda t: 2 * t,
        g2=lambda t: -2 * t - tf.square(t),
        slopes=(2.0, -2.0),
        curvatures=(0.0, -2.0),
    )


@_named
def neyman_chi_squared() -> Objective:
    """g1(t) = 2t − t², g2(t) = −2t: at most Σ (p − q)²/p, at D = 1 − q/p.

    It is Pearson's with P and Q exchanged and D reversed, and concave; the activation 1 − e^v of Nowozin et al. 2016,
    Table 2, leaves a convex g2.

    Examples:
      >>> p, q = tf.constant([0.75, 0.25]), tf.constant([0.5, 0.5])
      >>> objective, d = jare_tf.losses.neyman_chi_squared(), 1 - q / p
      >>> float(tf.reduce_sum(p * objective.g1(d) + q * objective.g2(d)))  # (¼)²/¾ + (¼)²/¼
      0.3333...
    """
    return Objective(
        maker="jare_tf>neyman_chi_squared",
        g1=lambda t: 2 * t - tf.square(t),
        g2=lambda t: -2 * t,
        slopes=(2.0, -2.0),
        curvatures=(-2.0, 0.0),
    )


@_named
def squared_hellinger() -> Objective:
    """g1(t) = g2(−t) = 1 − e^−t: at most Σ (√p − √q)², at D = ½ log(p/q) (Nowozin et al. 2016, Table 2).

    It overflows float32 at |t| = 88.

    Examples:
      >>> p, q = tf.constant([0.75, 0.25]), tf.constant([0.5, 0.5])
      >>> objective, d = jare_tf.losses.squared_hellinger(), tf.math.log(p / q) / 2
      >>> float(tf.reduce_sum(p * objective.g1(d) + q * objective.g2(d)))  # (√¾ − √½)² + (√¼ − √½)²
      0.0681...
    """
    return Objective(
        maker="jare_tf>squared_hellinger",
        g1=lambda t: 1 - tf.exp(-t),
        g2=lambda t: 1 - tf.exp(t),
        slopes=(1.0, -1.0),
        curvatures=(-1.0, -1.0),
    )


@_named
@checked
def total_variation(scale: Positive = 0.5) -> Objective:
    """g1(t) = g2(−t) = scale · tanh(t): at most 2 · scale · ½Σ|p − q|, as |D| grows. Not concave.

    Args:
      scale: positive; ½ gives the total variation distance itself, ConOpt's published code has 1.

    Raises:
      InputError: scale is not a positive number.

    Examples:
      >>> p, q = tf.constant([0.75, 0.25]), tf.constant([0.5, 0.5])
      >>> objective, d = jare_tf.losses.total_variation(), tf.constant([20.0, -20.0])
      >>> float(tf.reduce_sum(p * objective.g1(d) + q * objective.g2(d)))  # ½(¼ + ¼)
      0.25
    """
    return Objective(
        maker="jare_tf>total_variation",
        arguments=(("scale", scale),),
        g1=lambda t: scale * tf.tanh(t),
        g2=lambda t: -scale * tf.tanh(t),
        slopes=(scale, -scale),
        curvatures=(0.0, 0.0),
    )
