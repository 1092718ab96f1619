"""Quantities beyond the step's own metrics, measured whenever a run logs. A probe maps a GAN to scalars by tag."""

import contextlib
import dataclasses
import math
from collections.abc import Mapping
from typing import ClassVar

import keras
import numpy as np
import psutil
import tensorflow as tf

from jare_tf.data.dataset import Dataset
from jare_tf.dynamics.vector_field import squared_norm
from jare_tf.settings import BatchSize, Count, checked
from jare_tf.theory import eigenvalues
from jare_tf.theory.spectrum import extremal_eigenvalues
from jare_tf.training.gan import GAN
from jare_tf.training.optimizers import current_rate
from jare_tf.training.pace import Probe
from jare_tf.types import Players, each_player


def parameter_norm(gan: GAN) -> dict[str, float]:
    """`parameter_norm/discriminator` = ‖θ‖ and `/generator` = ‖φ‖, of the trainable parameters."""
    values = each_player(lambda network: [one.value for one in network.trainable_variables], gan.game.networks)
    return {f"parameter_norm/{player}": float(tf.linalg.global_norm(one)) for player, one in values._asdict().items()}


def learning_rate(gan: GAN) -> dict[str, float]:
    """`learning_rate/` of each player's optimizer, that of the next step where it has a schedule."""
    return {f"learning_rate/{player}": current_rate(one) for player, one in gan.optimizers._asdict().items()}


def memory_bytes(gan: GAN) -> dict[str, float]:
    """`memory_bytes/host`, what of the process is in memory; `/device_peak`, the most that a GPU's tensors took."""
    peaks = []
    for gpu in tf.config.list_logical_devices("GPU"):
        with contextlib.suppress(ValueError):  # not every kind of GPU counts
            peaks.append(tf.config.experimental.get_memory_info(gpu.name)["peak"])
    device = {"memory_bytes/device_peak": max(peaks)} if peaks else {}
    return {"memory_bytes/host": psutil.Process().memory_info().rss, **device}


def spectral_norms(gan: GAN) -> dict[str, float]:
    """`spectral_norm/discriminator/0`, `/1`, ... and `/generator/0`, ...: the largest singular value of every kernel.

    Kernels count from a network's input on. Each is taken as a matrix whose columns are its last axis, as it is stored:
    before a spectral norm divides it.
    """
    return {
        f"spectral_norm/{player}/{number}": _largest_singular_value(kernel)
        for player, network in gan.game.networks._asdict().items()
        for number, kernel in enumerate(one for one in network.trainable_variables if len(one.shape) > 1)
    }


def _largest_singular_value(kernel: keras.Variable) -> float:
    matrix = np.reshape(kernel.numpy(), [-1, kernel.shape[-1]]).astype(np.float64)
    gram = matrix @ matrix.T if len(matrix) < matrix.shape[1] else matrix.T @ matrix
    return float(np.linalg.eigvalsh(gram)[-1]) ** 0.5


ALWAYS: tuple[Probe, ...] = (parameter_norm, learning_rate, memory_bytes)


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class ParameterDistance:
    """`parameter_distance/discriminator` = ‖θ − θ*‖ and `/generator` = ‖φ − φ*‖, for a game with a known equilibrium.

    These are "d_norm" and "g_norm" of JARE Fig. 1.

    Args:
      equilibrium: (θ*, φ*), for each player a tuple of arrays in the order of its trainable variables.
    """

    better: ClassVar[Mapping[str, str]] = {"parameter_distance": "lower"}
    equilibrium: Players

    def __call__(self, gan: GAN) -> dict[str, float]:
        parameters = gan.game.point().parameters
        return {
            f"parameter_distance/{player}": float(squared_norm([a - b for a, b in zip(now, rest, strict=True)])) ** 0.5
            for player, now, rest in zip(Players._fields, parameters, self.equilibrium, strict=True)
        }


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Periodic:
    """What another probe measures, in rows whose step is a multiple of `every`; best a multiple of `log_every`."""

    probe: Probe
    every: Count

    def __call__(self, gan: GAN) -> dict[str, float]:
        return {} if gan.step % self.every else self.probe(gan)


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class SpectrumEstimate:
    """`phase_factor` and `conditioning` of the rule's Jacobian at the present point, on one batch.

    Of the extremal eigenvalues that Arnoldi's method finds (`spectrum.extremal_eigenvalues`), the two largest of each
    kind to about a tenth: both are lower bounds, and infinite values are left out. An estimate costs 60 to 150 backward
    passes through the step.

    Args:
      dataset: where the batch comes from; always the same one.
      batch_size: its size.
    """

    dataset: Dataset
    batch_size: BatchSize

    def __call__(self, gan: GAN) -> dict[str, float]:
        batch = gan.batch(self.dataset.batch(0, self.batch_size, gan.seed), 0)
        values = extremal_eigenvalues(gan.game, gan.rule, gan.game.point(), batch, count=2, tolerance=0.1, iterations=3)
        if not len(values):
            return {}
        measured = {
            "phase_factor": eigenvalues.phase_factor(values),
            "conditioning": eigenvalues.conditioning(values),
        }
        return {tag: value for tag, value in measured.items() if math.isfinite(value)}
