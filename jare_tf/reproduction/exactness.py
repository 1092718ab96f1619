"""How exact the directions of update rules are in a precision and on a device: beside float64 on the CPU.

With d the direction of a player (all of its parameters as one vector) and d* that in float64, at the same parameters
and on the same batch: the relative error |d − d*| / |d*| and the cosine of their angle; and both for the regularising
part too, d − ξ with ξ that of simultaneous gradient descent, which is the smaller the more γ is.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.dynamics.rule import Rule
from jare_tf.game import precision
from jare_tf.training.gan import GAN
from jare_tf.types import Batch, Players, Point

_FIRST_SCALE = 2.0**15  # of float16; halved until the direction is finite, as training does


class Exactness(NamedTuple):
    """How far a rule's direction is from that in float64.

    rule: its name.
    player: "discriminator" or "generator".
    precision: a Keras policy.
    xla: whether XLA compiled it.
    error: the relative error of the direction, at least 0.
    cosine: between the directions, at most 1.
    part_error: the relative error of the regularising part; None where there is none.
    part_cosine: its cosine; None where there is none.
    """

    rule: str
    player: str
    precision: str
    xla: bool
    error: float
    cosine: float
    part_error: float | None
    part_cosine: float | None


def compare(
    make: Callable[[], GAN],
    rules: Mapping[str, Rule],
    real: np.ndarray,
    precisions: Sequence[str],
    xla: Sequence[bool] = (False,),
    parameters_of: GAN | None = None,
) -> list[Exactness]:
    """A row for each precision, choice of XLA, rule and player.

    Args:
      make: makes the GAN at its initialisation in the precision of Keras' present policy.
      rules: by their names.
      real: samples as the networks take them, in float64.
      precisions: Keras policies.
      xla: whether to compile with XLA, or both.
      parameters_of: a GAN whose parameters and state are taken; by default those of the initialisation.
    """
    given = parameters_of or make()
    point = tf.nest.map_structure(np.asarray, given.game.point())
    latent = np.random.default_rng(0).normal(size=(len(real), given.latent_dim))
    every = {"": sim_gd(), **rules}
    with tf.device("CPU"), precision.float64():
        exact = {name: _directions(make(), rule, point, real, latent, False) for name, rule in every.items()}
    rows = []
    for policy in precisions:
        with precision.policy(policy):
            gan = make()
            for compiled in xla:
                found = {name: _directions(gan, rule, point, real, latent, compiled) for name, rule in every.items()}
                for name in rules:
                    for index, player in enumerate(Players._fields):
                        whole, wanted = found[name][index], exact[name][index]
                        part, wanted_part = whole - found[""][index], wanted - exact[""][index]
                        regularised = np.linalg.norm(wanted_part) > 1e-12 * np.linalg.norm(wanted)
                        rows.append(
                            Exactness(
                                name,
                                player,
                                policy,
                                compiled,
                                *_distance(whole, wanted),
                                *(_distance(part, wanted_part) if regularised else (None, None)),
                            )
                        )
    return rows


def _directions(
    gan: GAN, rule: Rule, point: Point, real: np.ndarray, latent: np.ndarray, xla: bool
) -> list[np.ndarray]:
    """Each player's direction as one vector in float64."""
    here = tf.nest.map_structure(lambda value, now: tf.cast(value, now.dtype), point, gan.game.point())
    dtype = here.parameters.generator[0].dtype
    batch = Batch(tf.cast(real, dtype), tf.cast(latent, dtype))
    kept = gan.game.loss_scale
    scale = gan.game.loss_scale = None if kept is None else tf.Variable(_FIRST_SCALE)

    @tf.function(jit_compile=xla)
    def direction(here, batch):
        return rule.update(gan.game, here, batch, rule.memory(here)).direction

    try:
        while True:
            found = direction(here, batch)
            vectors = [np.concatenate([np.ravel(np.float64(one)) for one in player]) for player in found]
            if scale is None or scale <= 1 or all(np.isfinite(vector).all() for vector in vectors):
                return vectors
            scale.assign(scale / 2)
    finally:
        gan.game.loss_scale = kept


def _distance(vector: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """(relative error, cosine)."""
    size, length = np.linalg.norm(wanted), np.linalg.norm(vector)
    if not math.isfinite(length) or length == 0:
        return math.inf, math.nan
    return float(np.linalg.norm(vector - wanted) / size), float(vector @ wanted / (size * length))
