"""How the losses curve where a run is, and what lies between its initialisation and there."""

import functools
import json
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np

from jare_tf import files
from jare_tf.errors import InputError
from jare_tf.experiment import subject
from jare_tf.experiment.checkpoint import restore
from jare_tf.experiment.experiment import Experiment
from jare_tf.output import say
from jare_tf.progress import ProgressLine
from jare_tf.report import curves, landscapes
from jare_tf.settings import Count, CountFromZero, Positive, Range, checked
from jare_tf.theory import hessians, path, spectral_density
from jare_tf.theory.hessians import Curvature, Parts
from jare_tf.theory.landscape import Densities, Landscape
from jare_tf.theory.matrix_free import Matrix, Operator
from jare_tf.training.run import Run
from jare_tf.types import Batch, Players, Point

Start = Literal["initialisation"] | CountFromZero
_Points = Annotated[int, Range(least=2, most=10_000)]
_Draws = Annotated[int, Range(least=2, most=10_000)]
_Steps = Annotated[int, Range(least=2, most=1000)]
_ALPHAS = -0.1, 1.1
_NAMES = "∇²ℓ_D", "∇²ℓ_G", "J_s", "J_a"


@checked
def landscape(
    experiment: Experiment,
    run: Run,
    differences: Sequence[str] | None,
    checksum: int,
    *,
    at: subject.Where | None = None,
    path_from: Start = "initialisation",
    path_points: _Points = 121,
    slice_points: _Points = 51,
    eigenvalues: Count = 10,
    tolerance: Positive = 1e-4,
    lanczos_steps: _Steps = 64,
    draws: _Draws = 4,
    batches: Count = 4,
    samples: Count = 512,
    dense_up_to: Count = 4000,
) -> None:
    """Writes how the losses curve at a point, and what lies on the way there: landscape.json and landscape.png.

    Of the plain field ξ, whatever the rule: eigenvalues and their density of both players' Hessians and of the
    symmetric part of the game's Jacobian, the norm of its antisymmetric part, both losses along the extreme
    eigenvectors of each player's Hessian; and at a checkpoint path-angle, path-norm and losses on the line to it
    (`theory.hessians`, `theory.spectral_density`, `theory.path`).

    A game of up to `dense_up_to` parameters is analysed in float64, with all eigenvalues, on `samples` samples as
    `spectrum` has them. A larger one in float32, on `batches` batches as in training, with eigenvalues at both ends and
    the density by stochastic Lanczos quadrature.

    Args:
      experiment: what is analysed.
      run: where the files go, and where checkpoints may be.
      differences: how the configuration differs from that of the run; None where `at` may not be the newest checkpoint
        by default.
      checksum: of the configuration; what was written for another one is not overwritten.
      at: where, as `spectrum` has it.
      path_from: where the path begins: at the initialisation, made again from the seed, or at the kept checkpoint of
        that step. It ends at the newest checkpoint, if that is where the game is analysed; else there is none.
      path_points: how many α from −0.1 to 1.1.
      slice_points: how many points a slice has.
      eigenvalues: of each end.
      tolerance: of the residuals of eigenvalues, relative to the largest.
      lanczos_steps: m of a quadrature; the resolution of a density is an m-th of its range.
      draws: random vectors of a quadrature; a density's error is the standard error over them.
      batches: whose mean stands for the expectations where the analysis is not dense.
      samples: samples of each distribution in a dense analysis.
      dense_up_to: most parameters of both networks together for a dense analysis.

    Raises:
      InputError: `path_from` is no kept checkpoint or is where the path ends, or what `spectrum` raises.
      RunError: a product with the Jacobian is not finite, or no eigenvalue converged.
    """
    written = f"{run}/landscape.json"
    subject.check_same_configuration(written, "landscape", checksum)
    made = subject.prepare("landscape", experiment, run, at, differences is not None, samples, dense_up_to)
    start, point = _start(made, run, path_from), made.point(made.where)
    seen = [made.batch] if made.dense else _batches(made, experiment.batch_size, batches)
    if made.dense:
        say("landscape: all of the Jacobian")
        parts = hessians.matrices(made.game, point, seen)
    else:
        parts = hessians.operators(made.game, point, seen)
    watched = _watched(parts, "eigenvalues", hessians.most_products(eigenvalues))
    found = hessians.curvature(watched, count=eigenvalues, tolerance=tolerance)
    densities = _densities(parts, found, lanczos_steps, draws)
    way = None
    if start is not None:
        alphas = ProgressLine("landscape: path", path_points, "points").over(np.linspace(*_ALPHAS, path_points))
        way = path.between(made.game, start, point, seen, alphas)
    pairs = Players(found.discriminator, found.generator)
    slices = ProgressLine("landscape", 4, "slices").over(path.along(made.game, point, seen, pairs, points=slice_points))
    result = Landscape(found, densities, list(slices), way)
    record = {
        **made.record(checksum, differences),
        "dense": made.dense,
        "batches": len(seen),
        "path_from": None if start is None else path_from,
        **result.to_json(),
    }
    files.replace(written, json.dumps(record) + "\n")
    curves.save(landscapes.draw(result, made.title), f"{run}/landscape.png")
    no_path = () if way else (f"no path is drawn {made.title}: it ends at a checkpoint",)
    for line in (f"the landscape {made.title}:", *result.summary(), *no_path, written, f"{run}/landscape.png"):
        say(line)


def _start(made: subject.Subject, run: Run, path_from: Start) -> Point | None:
    """Where the path begins, None for no path."""
    if made.where != "checkpoint":
        return None
    if path_from == "initialisation":
        return made.point("initialisation")
    if path_from == made.step:
        raise InputError(f"landscape: path_from = {path_from} is where the path ends: use an earlier checkpoint")
    restore(run, made.gan, path_from)
    return made.cast(made.gan.game.point())


def _batches(made: subject.Subject, batch_size: int, count: int) -> list[Batch]:
    """The first batches that training sees."""
    return [made.gan.batch(made.dataset.batch(i, batch_size, made.gan.seed), i) for i in range(count)]


def _watched(parts: Parts, what: str, products: int) -> Parts:
    """The parts; those that are operators print how many of at most so many products are done."""
    return Parts(
        *(_watched_part(part, f"{what} of {name}", products) for name, part in zip(_NAMES, parts, strict=True))
    )


def _watched_part(part: Matrix, what: str, products: int) -> Matrix:
    if isinstance(part, np.ndarray):
        return part
    line = functools.cache(functools.partial(ProgressLine, f"landscape: {what}", products, "products at most"))

    def product(vector: np.ndarray) -> np.ndarray:
        result = part @ vector
        line().advance(1)  # its clock starts here: the first product is traced
        return result

    return Operator(product, part.shape[0])


def _densities(parts: Parts, found: Curvature, steps: int, draws: int) -> Densities:
    """Of all eigenvalues where they are known, else by quadrature."""
    if isinstance(parts.symmetric, np.ndarray):
        return Densities(*(spectral_density.of_eigenvalues(pairs.values) for pairs in found[:3]))
    watched = _watched(parts, "density", draws * steps)[:3]
    return Densities(
        *(spectral_density.density(spectral_density.quadratures(part, steps, draws), steps) for part in watched)
    )
