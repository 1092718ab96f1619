"""Scoring the checkpoints of a run, while it goes on or afterwards."""

import time
from collections.abc import Mapping, Sequence

import tensorflow as tf

from jare_tf.errors import InputError
from jare_tf.evaluation.metric import lower_is_better
from jare_tf.training import checkpoints, run_directory
from jare_tf.training.gan import GAN
from jare_tf.training.probes import Probe
from jare_tf.training.summaries import append_metrics, read_metrics, write_metrics

_PAUSE = 10.0  # seconds between looks for a new checkpoint
_PATIENCE = 60.0  # seconds after which nobody trains any more; a job that starts again takes some


class Evaluator:
    """Scores checkpoints into model_dir/evaluation: a row each in metrics.jsonl, and TensorBoard scalars.

    A row has `step`, `seconds` (that the scoring took), `checkpoint` (a checksum), what the scores depend on (the
    probes' labels, all of them strings) and the scores. A checkpoint with a row of the same step, checksum and labels
    is scored.

    Args:
      model_dir: the run directory.
      gan: of the run's experiment.
      probes: what gives scores; one may have a method `labels`.
      best_by: the beginning of a score's tag: the checkpoint with the best one so far is kept in model_dir/best, where
        rows with other labels do not count. None for none.

    Raises:
      InputError: two probes have different values for a label.
    """

    def __init__(self, model_dir: str, gan: GAN, probes: Sequence[Probe], best_by: str | None):
        self._model_dir, self._gan, self._probes, self._best_by = model_dir, gan, probes, best_by
        self._folder = f"{model_dir}/evaluation"
        self._labels = _joined([probe.labels(gan) for probe in probes if hasattr(probe, "labels")])
        self._rows = read_metrics(self._folder)
        write_metrics(self._folder, self._rows)  # without a torn last line
        self._unreadable: set[str | int | None] = set()
        self._writer = tf.summary.create_file_writer(self._folder)
        with self._writer.as_default(0):
            tf.summary.text("scores", "\n".join(f"    {name}: {value}" for name, value in self._labels.items()))

    def run(self, last_step: int, watch: bool) -> None:
        """Scores what is not scored; if `watch`, until the run is at `last_step` or nobody has trained for a minute.

        Where nobody can know who trains, in gs://... and without locks, a watch ends at `last_step` alone.
        """
        idle_since = time.monotonic()
        while True:
            trained = run_directory.in_use(self._model_dir)
            steps = checkpoints.steps_of(self._model_dir)
            unscored = [step for step in steps if not self._is_scored(step)]
            for number, step in enumerate(unscored):
                print(f"{self._model_dir}: checkpoint {number + 1} of {len(unscored)}, step {step}", flush=True)
                self._score(step)
            if self._best_by:
                self._keep_best()
            if not watch or (steps and steps[-1] >= last_step):
                print(f"{self._model_dir}: all checkpoints up to step {steps[-1]} are scored", flush=True)
                return
            if unscored or trained is not False:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= _PATIENCE:
                step = max(steps, default=0)
                print(f"{self._model_dir}: training has stopped at step {step} of {last_step}", flush=True)
                return
            time.sleep(_PAUSE)

    def _is_scored(self, step: int) -> bool:
        key = self._key(self._model_dir, step)
        if key["checkpoint"] in (None, *self._unreadable):
            return True
        return any(key.items() <= row.items() for row in self._rows)

    def _key(self, folder: str, step: int) -> dict[str, str | int | None]:
        return {"step": step, "checkpoint": checkpoints.identity(folder, step), **self._labels}

    def _score(self, step: int) -> None:
        """Scores a copy, which the run does not remove, and keeps it if it is the best."""
        advice = "raise SAVE_EVERY or experiment.train.keep_checkpoints"
        if not checkpoints.copy(self._model_dir, step, self._folder):
            print(f"{self._model_dir}: step {step} was removed before it could be scored: {advice}", flush=True)
            return
        try:
            self._score_copy(step)
        except checkpoints.UnreadableError as error:
            self._unreadable.add(self._key(self._folder, step)["checkpoint"])
            print(f"{self._model_dir}: step {step} is left out: {error}", flush=True)
        tf.io.gfile.rmtree(f"{self._folder}/checkpoints")

    def _score_copy(self, step: int) -> None:
        start = time.monotonic()
        checkpoints.restore_networks(self._folder, self._gan, step)
        measured = {tag: value for probe in self._probes for tag, value in probe(self._gan).items()}
        row = {**self._key(self._folder, step), "seconds": round(time.monotonic() - start, 3), **measured}
        append_metrics(self._folder, row)
        self._rows.append(row)
        with self._writer.as_default(step):
            for tag, value in measured.items():
                tf.summary.scalar(tag, value)
        self._writer.flush()
        print("  ".join(f"{tag} {value:.5g}" for tag, value in measured.items()), flush=True)
        if self._best_by:
            self._keep_best()

    def _keep_best(self) -> None:
        """Copies the best of the checkpoints that are still somewhere to model_dir/best, unless it is there."""
        best = f"{self._model_dir}/best"
        rows = [row for row in self._rows if self._labels.items() <= row.items()]
        tags = [tag for row in rows for tag in row if tag.startswith(self._best_by)]
        if rows and not tags:
            raise InputError(f"experiment.evaluate.best_by: no score begins with {self._best_by!r}")
        kept = [
            (row[tags[0]], row["step"], folder)
            for folder in (best, self._folder, self._model_dir)
            for row in rows
            if tags[0] in row and checkpoints.identity(folder, row["step"]) == row["checkpoint"]
        ]
        if not kept:
            return
        value, step, folder = (min if lower_is_better(tags[0]) else max)(kept, key=lambda one: one[0])
        if folder != best and checkpoints.copy(folder, step, best):
            print(f"{best}: step {step}, {tags[0]} {value:.5g}", flush=True)


def _joined(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    joined = {}
    for one in labels:
        for name, value in one.items():
            if joined.setdefault(name, value) != value:
                raise InputError(f"scores of two kinds, {name} {joined[name]!r} and {value!r}: evaluate one at a time")
    return joined
