"""Scores of a run's checkpoints."""

from collections.abc import Sequence

import tensorflow as tf

from jare_tf.errors import InputError
from jare_tf.evaluation.evaluator import Evaluator
from jare_tf.experiment.checkpoint import kept_steps
from jare_tf.experiment.experiment import Experiment
from jare_tf.settings import checked
from jare_tf.training import strategy
from jare_tf.training.pace import Probe
from jare_tf.training.probes import ParameterDistance
from jare_tf.training.run import Run


@checked
def evaluate(
    experiment: Experiment,
    run: Run,
    last_step: int,
    *,
    devices: tf.distribute.Strategy | None = None,
    watch: bool = False,
    differences: Sequence[str] = (),
    scores: Sequence[Probe] = (),
    best_by: str | None = None,
) -> None:
    """Scores every checkpoint of a run that is not scored yet, into run.evaluation (see `evaluator.Evaluator`).

    Args:
      experiment: what the run trains; the distance to its equilibrium, where there is one, is a score.
      run: the run; another process may train in it.
      last_step: the step at which the run ends.
      devices: where it computes.
      watch: go on until the run has reached its last step, or nobody trains in it any more.
      differences: how the configuration differs from that of the run; scores of another one are told apart.
      scores: what is computed, for instance `evaluation.ImageScores` or `evaluation.ModeCoverage`.
      best_by: the beginning of a score's tag, for instance "fid"; the checkpoint with the best one is kept in
        run.best, for `sample` and `export`.

    Raises:
      InputError: there is nothing to score or to score by, or another process scores this run.
    """
    devices = devices or tf.distribute.get_strategy()
    if strategy.workers(devices) > 1:
        raise InputError("evaluate runs in one process, on all of its devices: unset TF_CONFIG")
    if experiment.equilibrium is not None:
        scores = [*scores, ParameterDistance(equilibrium=experiment.equilibrium)]
    if not scores:
        raise InputError("nothing to score: the configuration binds no experiment.evaluate.scores")
    if not watch:
        kept_steps(run)
    with devices.scope():
        gan = experiment.gan()
    Evaluator(run, gan, scores, best_by, differences).score(last_step, watch)
