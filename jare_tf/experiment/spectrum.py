"""What the theory says about an experiment."""

import json
from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.data.dataset import Dataset, as_floats
from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.dynamics.rule import Rule
from jare_tf.errors import InputError
from jare_tf.experiment.experiment import Experiment
from jare_tf.game import precision as precisions
from jare_tf.game.game import TwoPlayerGame
from jare_tf.output import say
from jare_tf.report import curves, spectra
from jare_tf.settings import Count, checked
from jare_tf.theory.analysis import Analysis, analyse
from jare_tf.training.checkpoints import restore_networks
from jare_tf.training.gan import GAN
from jare_tf.training.run import Run
from jare_tf.types import Batch, Players, Point


@checked
def spectrum(
    experiment: Experiment,
    run: Run,
    differences: Sequence[str] | None,
    checksum: int,
    *,
    at: Literal["checkpoint", "equilibrium", "initialisation"] | None = None,
    samples: Count = 512,
    dense_up_to: Count = 4000,
) -> None:
    """Writes what the theory says about an experiment: spectrum.json and spectrum.png in the run directory.

    A game of up to `dense_up_to` parameters is analysed in float64, with all eigenvalues, and on `samples` samples that
    have the exact mean and covariance where the data are Gaussian: at the equilibrium of the isotropic Gaussian the
    expectations are exact. A larger one is analysed at the ends of its spectrum, in float32, on one batch as in
    training.

    Args:
      experiment: what is analysed.
      run: where the files go, and where a checkpoint may be.
      differences: how the configuration differs from that of the run; None where `at` may not be the newest checkpoint
        by default.
      checksum: of the configuration (`Record.checksum`); what was written for another one is not overwritten.
      at: "checkpoint", "equilibrium" or "initialisation". By default the checkpoint if that may be and there is one,
        else the equilibrium if it is known, else the initialisation.
      samples: samples of each distribution in a dense analysis.
      dense_up_to: most parameters of both networks together for a dense analysis.

    Raises:
      InputError: what the experiment is made of does not fit together, there is nothing at `at`, or the directory has a
        spectrum of another configuration.
    """
    written = f"{run}/spectrum.json"
    if tf.io.gfile.exists(written) and _checksum(written) != checksum:
        raise InputError(f"{written} is the spectrum of another configuration: remove it, or use another directory")
    gan = experiment.gan()
    optimizers = experiment.optimizers()
    dataset = experiment.data(gan)
    run.make()
    points, step = _points(experiment, run, gan, optimizers, at, differences is not None)
    where = at or list(points)[-1]
    if where not in points:
        raise InputError(f"spectrum: at = {where!r}: there is only the {' and the '.join(points)} in {run}")

    dense = sum(np.size(leaf) for leaf in tf.nest.flatten(gan.game.point().parameters)) <= dense_up_to
    if dense:
        game, batch = _exact(experiment, gan, dataset, samples)
    else:
        game, batch = gan.game, gan.batch(dataset.batch(0, experiment.batch_size, gan.seed), 0)

    def analysed(one: Rule, point: Point) -> Analysis:
        cast = tf.nest.map_structure(lambda value, like: tf.cast(value, like.dtype), point, game.point())
        return analyse(game, one, cast, batch, schedule=gan.schedule, optimizers=optimizers, dense=dense)

    title = {"checkpoint": f"after {step} iterations"}.get(where, f"at the {where}")
    points_shown = (
        {"before training": points["initialisation"], title: points[where]}
        if where == "checkpoint"
        else {title: points[where]}
    )
    rules = [gan.rule] if gan.rule == sim_gd() else [sim_gd(), gan.rule]
    rows = {name: [analysed(one, point) for one in rules] for name, point in points_shown.items()}
    result = rows[title][-1]
    shown = [{"point": point, **one.to_json()} for point, row in rows.items() for one in row]
    record = {
        "configuration": checksum,
        "at": where,
        "step": step or 0,
        "not_as_in_the_run": list(differences or ()) if step else [],
        **result.to_json(),
    }
    record["shown"] = shown
    files.replace(written, json.dumps(record) + "\n")
    curves.save(spectra.draw(rows), f"{run}/spectrum.png")
    for line in (*result.summary().splitlines(), written, f"{run}/spectrum.png"):
        say(line)


def _points(
    experiment: Experiment, run: Run, gan: GAN, optimizers: Players, at: str | None, of_run: bool
) -> tuple[dict[str, Point], int | None]:
    """Where the game can be analysed, and the step of the checkpoint among them; the usual one last."""
    points = {"initialisation": gan.game.point()}
    if experiment.equilibrium is not None:
        points["equilibrium"] = points["initialisation"]._replace(parameters=experiment.equilibrium)
    kept = run.steps() if at == "checkpoint" or (at is None and of_run) else []
    if not kept:
        return points, None
    restore_networks(run, gan, kept[-1])
    points["checkpoint"] = gan.game.point()
    for optimizer in optimizers:
        optimizer.iterations.assign(kept[-1])  # for a schedule of learning rates
    return points, kept[-1]


def _checksum(path: str) -> int | None:
    """The checksum in a spectrum.json, None where it has none."""
    try:
        return json.loads(b"".join(files.chunks(path)))["configuration"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _exact(experiment: Experiment, gan: GAN, dataset: Dataset, samples: int) -> tuple[TwoPlayerGame, Batch]:
    """The game in float64, and samples that stand for the distributions."""
    real = dataset.expectation(samples, gan.first_seed)
    latent = gan.latent_prior.expectation(samples, gan.latent_dim, gan.first_seed)
    with precisions.float64():
        game = experiment.gan().game
    return game, Batch(*(tf.cast(as_floats(tf.convert_to_tensor(part)), tf.float64) for part in (real, latent)))
