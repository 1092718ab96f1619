"""Training."""

import contextlib

import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.data.dataset import Dataset
from jare_tf.dynamics.debiased import debiased
from jare_tf.dynamics.rule import within
from jare_tf.errors import InputError, RunError
from jare_tf.experiment.experiment import Experiment
from jare_tf.game import precision
from jare_tf.game.networks import batch_norm
from jare_tf.report import pictures
from jare_tf.training import strategy
from jare_tf.training.loop import Action, StepReport
from jare_tf.training.pace import Pace, Probe
from jare_tf.training.probes import ALWAYS, ParameterDistance, Periodic, SpectrumEstimate
from jare_tf.training.run import Record, Run
from jare_tf.training.summaries import RunLog
from jare_tf.training.trainer import Trainer
from jare_tf.types import each_player


def train(
    experiment: Experiment,
    run: Run,
    *,
    pace: Pace,
    record: Record = Record(),
    devices: tf.distribute.Strategy | None = None,
    profile: tuple[int, int] | None = None,
) -> int | None:
    """Trains a GAN, or resumes from the newest checkpoint in the run directory.

    Args:
      experiment: what is trained.
      run: where it is written; made when missing.
      pace: how long, and what when.
      record: what the run says of its configuration.
      devices: where it trains (`training.strategy.make`); by default on one device.
      profile: two steps between which TensorFlow is profiled, or None.

    Returns:
      The signal that came while it trained and made it stop, or None.

    Raises:
      InputError: what the run is made of does not fit together, or not with what the run directory holds.
      RunError: a loss, a gradient norm or a parameter is not finite any more, the run directory cannot be written to,
        or a device or another worker is lost.
    """
    devices = devices or tf.distribute.get_strategy()
    count = devices.num_replicas_in_sync
    parts = 2 * count if within(experiment.rule, debiased) and count > 1 else count  # debiased compares halves
    if experiment.batch_size % parts:
        raise InputError(
            f"batch_size = {experiment.batch_size} must be a multiple of {parts} for this rule on {count} devices"
        )
    try:
        with run.locked() if strategy.worker(devices) == 0 else contextlib.nullcontext(run) as run:
            with devices.scope(), precision.policy(experiment.precision):
                gan = experiment.gan()
                if experiment.synchronize_batch_norm and count > 1:
                    each_player(batch_norm.synchronize, gan.game.networks)
                gan.compile(*experiment.optimizers())
            draw = lambda run_log: _save_samples(experiment, run, gan, run_log)
            trainer = Trainer(run, gan, experiment.batch_size, pace, record, draw)
            probes = lambda dataset: _probes(experiment, pace, dataset)
            return trainer.train(lambda: experiment.data(gan), probes, profile)
    except (tf.errors.OpError, OSError) as error:
        raise RunError(f"{run}: {strategy.explain_error(devices, error)}") from error


def _probes(experiment: Experiment, pace: Pace, dataset: Dataset) -> list[Probe]:
    """What the rows of metrics have besides the step's own."""
    probes = [*ALWAYS, *pace.probes]
    if experiment.equilibrium is not None:
        probes.append(ParameterDistance(equilibrium=experiment.equilibrium))
    if pace.spectrum_every:
        estimate = SpectrumEstimate(dataset=dataset, batch_size=experiment.batch_size)
        probes.append(Periodic(probe=estimate, every=pace.spectrum_every))
    return probes


def _save_samples(experiment: Experiment, run: Run, gan, run_log: RunLog) -> Action:
    """An action that draws samples from unchanging latent vectors to samples/<step>.png and to TensorBoard."""
    tf.io.gfile.makedirs(run.samples)

    def action(report: StepReport) -> None:
        image = experiment.picture.draw(np.asarray(gan.pictured(experiment.picture.samples)))
        files.replace(f"{run.samples}/{report.step:07d}.png", pictures.png(image))
        run_log.image(report.step, "samples", image)

    return action
