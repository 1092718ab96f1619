"""What of an experiment is analysed: the game, at a point, on a batch."""

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.data.dataset import Dataset, as_floats
from jare_tf.errors import InputError
from jare_tf.experiment.experiment import Experiment
from jare_tf.game import precision as precisions
from jare_tf.game.game import TwoPlayerGame
from jare_tf.training.checkpoints import restore_networks, restore_optimizers
from jare_tf.training.gan import GAN
from jare_tf.training.run import Run
from jare_tf.types import Batch, Players, Point

Where = Literal["checkpoint", "equilibrium", "initialisation"]


class Subject(NamedTuple):
    """A game and what is needed to analyse it.

    game: in float64 where the analysis is dense.
    batch: the samples that stand for the expectations.
    points: by where they are, those that there are.
    where: of these the one that is asked for.
    step: of the checkpoint among the points, None where there is none.
    dense: whether all eigenvalues are looked for.
    gan: at its initialisation, or with the networks of the checkpoint.
    optimizers: the experiment's, as of that step; they are built if the checkpoint has their slots.
    dataset: the real samples.
    """

    game: TwoPlayerGame
    batch: Batch
    points: dict[str, Point]
    where: str
    step: int | None
    dense: bool
    gan: GAN
    optimizers: Players
    dataset: Dataset

    @property
    def title(self) -> str:
        """Where, for pictures and lines."""
        return f"after {self.step} iterations" if self.where == "checkpoint" else f"at the {self.where}"

    def record(self, checksum: int, differences: Sequence[str] | None) -> dict[str, Any]:
        """What a file of an analysis says of where it comes from."""
        return {
            "configuration": checksum,
            "at": self.where,
            "step": self.step or 0,
            "not_as_in_the_run": list(differences or ()) if self.step else [],
        }

    def point(self, where: str) -> Point:
        """A point, in the game's precision."""
        return self.cast(self.points[where])

    def cast(self, point: Point) -> Point:
        """A point of `gan`, in the game's precision."""
        return tf.nest.map_structure(lambda value, like: tf.cast(value, like.dtype), point, self.game.point())


def prepare(
    mode: str, experiment: Experiment, run: Run, at: Where | None, of_run: bool, samples: int, dense_up_to: int
) -> Subject:
    """Makes the subject of an analysis.

    A game of up to `dense_up_to` parameters is analysed in float64, with all eigenvalues, and on `samples` samples that
    have the exact mean and covariance where the data are Gaussian. A larger one in float32, on a batch as in training.

    Args:
      mode: what asks, for messages.
      experiment: what is analysed.
      run: where a checkpoint may be.
      at: where; by default the checkpoint if that may be and there is one, else the equilibrium if it is known, else
        the initialisation.
      of_run: whether the newest checkpoint may be the default.
      samples: samples of each distribution in a dense analysis.
      dense_up_to: most parameters of both networks together for a dense analysis.

    Raises:
      InputError: what the experiment is made of does not fit together, or there is nothing at `at`.
    """
    gan = experiment.gan()
    optimizers = experiment.optimizers()
    dataset = experiment.data(gan)
    run.make()
    points, step = _points(experiment, run, gan, at, of_run)
    where = at or list(points)[-1]
    if where not in points:
        raise InputError(f"{mode}: at = {where!r}: there is only the {' and the '.join(points)} in {run}")
    dense = sum(np.size(leaf) for leaf in tf.nest.flatten(gan.game.point().parameters)) <= dense_up_to
    if dense:
        game, batch = _exact(experiment, gan, dataset, samples)
    else:
        game, batch = gan.game, gan.batch(dataset.batch(0, experiment.batch_size, gan.seed), 0)
    if step is not None:
        optimizers = _as_of(step, optimizers, experiment, run, gan)
    return Subject(game, batch, points, where, step, dense, gan, optimizers, dataset)


def check_same_configuration(path: str, what: str, checksum: int) -> None:
    """Raises InputError where a JSON file is there and is of a configuration with another checksum."""
    if tf.io.gfile.exists(path) and _checksum(path) != checksum:
        raise InputError(f"{path} is the {what} of another configuration: remove it, or use another directory")


def _checksum(path: str) -> int | None:
    """The checksum in a file, None where it has none."""
    try:
        return json.loads(b"".join(files.chunks(path)))["configuration"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _points(
    experiment: Experiment, run: Run, gan: GAN, at: str | None, of_run: bool
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
    return points, kept[-1]


def _as_of(step: int, optimizers: Players, experiment: Experiment, run: Run, gan: GAN) -> Players:
    """The optimizers of a checkpoint, or those given where its slots are of others."""
    gan.compile(*experiment.optimizers())
    if restore_optimizers(run, gan, step):
        return gan.optimizers
    for optimizer in optimizers:
        optimizer.iterations.assign(step)  # for a schedule of learning rates
    return optimizers


def _exact(experiment: Experiment, gan: GAN, dataset: Dataset, samples: int) -> tuple[TwoPlayerGame, Batch]:
    """The game in float64, and samples that stand for the distributions."""
    real = dataset.expectation(samples, gan.first_seed)
    latent = gan.latent_prior.expectation(samples, gan.latent_dim, gan.first_seed)
    with precisions.float64():
        game = experiment.gan().game
    return game, Batch(*(tf.cast(as_floats(tf.convert_to_tensor(part)), tf.float64) for part in (real, latent)))
