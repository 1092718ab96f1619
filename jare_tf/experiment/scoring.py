"""Scores of a run's checkpoints."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from jare_tf.errors import InputError
from jare_tf.evaluation.evaluator import Evaluator
from jare_tf.experiment.parts import kept_steps, say_differences
from jare_tf.training import run_directory, strategy
from jare_tf.training.gan import GAN
from jare_tf.training.probes import ParameterDistance, Probe
from jare_tf.types import Players


def evaluate(
    *,
    model_dir: str,
    watch: bool,
    devices: tf.distribute.Strategy,
    check_config: Callable[[], Sequence[str]],
    make_gan: Callable[[], GAN],
    steps: int,
    equilibrium: Players | None = None,
    scores: Sequence[Probe] = (),
    best_by: str | None = None,
) -> None:
    """Scores every checkpoint of a run that is not scored yet, into model_dir/evaluation (see `evaluator.Evaluator`).

    Args:
      model_dir: the run directory; another process may train in it.
      watch: go on until the run has reached its last step, or nobody trains in model_dir any more.
      devices: where it computes.
      check_config: called when everything has been made; raises InputError for a binding that nothing used, and
        returns how the configuration differs from that of the run in model_dir.
      make_gan: makes the experiment's GAN.
      steps: the last step, as the experiment binds it for `train`.
      equilibrium: as for `train`; the distance to it is a score.
      scores: what is computed, for instance `image_scores.ImageScores` or `mode_coverage.ModeCoverage`.
      best_by: the beginning of a score's tag, for instance "fid"; the checkpoint with the best one is kept in
        model_dir/best, for `sample` and `export`.

    Raises:
      InputError: there is nothing to score or to score by, or another process scores this run.
    """
    if strategy.workers(devices) > 1:
        raise InputError("--mode evaluate runs in one process, on all of its devices: leave TF_CONFIG away")
    if equilibrium is not None:
        scores = [*scores, ParameterDistance(equilibrium=equilibrium)]
    if not scores:
        raise InputError("nothing to score: the configuration binds no experiment.evaluate.scores")
    if not watch:
        kept_steps(model_dir)
    with devices.scope():
        gan = make_gan()
    say_differences(check_config())
    with run_directory.held(f"{model_dir}/evaluation"):
        Evaluator(model_dir, gan, scores, best_by).run(steps, watch)
