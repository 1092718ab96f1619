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
# The most that a relative error may be, several times what a right one is: float32 has TF32 on GPUs.
BOUNDS = {"float32": 0.01, "mixed_bfloat16": 0.2, "mixed_float16": 0.15}
_HEADER = (
    "rule",
    "precision",
    "XLA",
    "D: error, cosine",
    "its regularising part",
    "G: error, cosine",
    "its regularising part",
    "",
)


class Distance(NamedTuple):
    """From a vector to the one that it should be: the relative error, at least 0, and the cosine, at most 1."""

    error: float
    cosine: float


class Exactness(NamedTuple):
    """How far a rule's direction is from that in float64.

    rule: its name.
    precision: a Keras policy.
    xla: whether XLA compiled it.
    whole: the `Distance` of each player's direction.
    part: that of each regularising part; None where there is none.
    """

    rule: str
    precision: str
    xla: bool
    whole: Players
    part: Players

    @property
    def right(self) -> bool:
        """Whether the directions are within `BOUNDS`."""
        return all(one.error <= BOUNDS[self.precision] for one in self.whole)


def compare(
    make: Callable[[], GAN],
    rules: Mapping[str, Rule],
    real: np.ndarray,
    precisions: Sequence[str],
    xla: Sequence[bool] = (False,),
    parameters_of: GAN | None = None,
) -> list[Exactness]:
    """A row for each rule, precision and choice of XLA; a rule that is not for float16 has none there.

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
    plain = sim_gd()

    def directions(gan: GAN, compiled: bool, names: Sequence[str]) -> tuple[list, dict[str, list]]:
        """Of sim_gd, and of the rules by name."""
        of = lambda rule: _directions(gan, rule, point, real, latent, compiled)
        return of(plain), {name: of(rules[name]) for name in names}

    with tf.device("CPU"), precision.float64():
        exact_plain, exact = directions(make(), False, list(rules))
    rows = []
    for policy in precisions:
        names = [name for name, rule in rules.items() if policy != "mixed_float16" or rule.in_float16]
        with precision.policy(policy):
            gan = make()
        for compiled in xla:
            found_plain, found = directions(gan, compiled, names)
            for name in names:
                whole = Players(*map(_distance, found[name], exact[name]))
                part = Players(*map(_part_distance, found[name], found_plain, exact[name], exact_plain))
                rows.append(Exactness(name, policy, compiled, whole, part))
    return rows


def table(rows: Sequence[Exactness]) -> str:
    """The rows in Markdown."""

    def cell(distance: Distance | None) -> str:
        return "–" if distance is None else f"{distance.error:.1e}, {distance.cosine:.4f}"

    lines = [list(_HEADER), ["---"] * len(_HEADER)]
    for row in rows:
        distances = [cell(one) for pair in zip(row.whole, row.part, strict=True) for one in pair]
        verdict = "right" if row.right else "**WRONG**"
        lines.append([f"`{row.rule}`", row.precision, "yes" if row.xla else "no", *distances, verdict])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _directions(
    gan: GAN, rule: Rule, point: Point, real: np.ndarray, latent: np.ndarray, xla: bool
) -> list[np.ndarray]:
    """Each player's direction as one vector in float64."""
    here = tf.nest.map_structure(lambda value, now: tf.cast(value, now.dtype), point, gan.game.point())
    dtype = here.parameters.generator[0].dtype
    batch = Batch(tf.cast(real, dtype), tf.cast(latent, dtype))
    kept = gan.game.loss_scale
    scale = gan.game.loss_scale = None if kept is None else tf.Variable(_FIRST_SCALE)

    @tf.function(autograph=False, jit_compile=xla)
    def direction(here, batch):
        return rule.update(gan.game, here, batch, rule.memory(here)).direction

    try:
        graph = direction.get_concrete_function(here, batch)  # a call of `direction` would warn of so many functions
        while True:
            found = graph(here, batch)
            vectors = [np.concatenate([np.ravel(np.float64(one)) for one in player]) for player in found]
            if scale is None or scale <= 1 or all(np.isfinite(vector).all() for vector in vectors):
                return vectors
            scale.assign(scale / 2)
    finally:
        gan.game.loss_scale = kept


def _distance(vector: np.ndarray, wanted: np.ndarray) -> Distance:
    length, size = float(np.linalg.norm(vector)), float(np.linalg.norm(wanted))
    if length == size == 0:  # a player whose loss is lost beside the regulariser
        return Distance(0.0, 1.0)
    if not math.isfinite(length) or 0 in (length, size):
        return Distance(math.inf, math.nan)
    return Distance(float(np.linalg.norm(vector - wanted)) / size, float(vector @ wanted) / (size * length))


def _part_distance(
    vector: np.ndarray, plain: np.ndarray, wanted: np.ndarray, wanted_plain: np.ndarray
) -> Distance | None:
    part = wanted - wanted_plain
    if np.linalg.norm(part) <= 1e-12 * np.linalg.norm(wanted_plain):
        return None
    return _distance(vector - plain, part)
