"""What a run writes down while it trains: metrics.jsonl and TensorBoard events."""

import time
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.plugins.hparams.api import hparams_pb
from tensorboard.plugins.scalar.summary_v2 import scalar_pb

from jare_tf import files
from jare_tf.training.run import Run, Value


class RunLog:
    """The record of one run: `metrics.jsonl` and TensorBoard events in `train/`, with the same tags.

    Args:
      run: the run.
      step: where the run begins; rows and events of later steps, written by a run that was killed, are dropped.
    """

    def __init__(self, run: Run, step: int):
        self._run = run
        run.check_held()
        for path in files.named(run.events, "events"):
            _drop_events(path, after=step if step else -1)
        tf.io.gfile.makedirs(run.events)  # which says where it fails, as the writer does not
        self._writer = tf.summary.create_file_writer(run.events)
        self._start = time.monotonic() - run.drop_rows(after=step).get("seconds", 0.0)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """One row of metrics.jsonl, with the seconds that the run has taken, and a TensorBoard scalar for each tag."""
        row = {"step": step, "seconds": round(time.monotonic() - self._start, 3), **values}
        self._run.append_row(row)
        self._event(step, [scalar_pb(tag, value) for tag, value in values.items()])

    def histograms(self, step: int, values: Mapping[str, np.ndarray]) -> None:
        """A TensorBoard histogram for each tag."""
        self._event(step, [histogram_pb(tag, value) for tag, value in values.items()])

    def _event(self, step: int, summaries: Iterable[Summary]) -> None:
        """One event for all of them: tf.summary.scalar takes a fifth of a millisecond for each."""
        summary = Summary(value=[value for one in summaries for value in one.value])
        with self._writer.as_default(step):
            tf.summary.experimental.write_raw_pb(summary.SerializeToString())
        self._writer.flush()

    def close(self) -> None:
        """Ends the TensorBoard file."""
        self._writer.close()

    def image(self, step: int, tag: str, image) -> None:
        """A TensorBoard image from a uint8 array [height, width, channels]."""
        with self._writer.as_default(step):
            tf.summary.image(tag, image[None])
        self._writer.flush()

    def text(self, step: int, tag: str, text: str) -> None:
        """A TensorBoard text, shown as it is."""
        with self._writer.as_default(step):
            tf.summary.text(tag, "\n".join(f"    {line}" for line in text.splitlines()))
        self._writer.flush()


def write_hyperparameters(run: Run, values: Mapping[str, Value]) -> None:
    """Writes what TensorBoard's HParams tab shows of a run, whose metrics are those of the folders in its directory."""
    version = Event(wall_time=time.time(), file_version="brain.Event:2")
    # Without an id of its own a run is called by its folder, and runs of equal values stay apart.
    session = Event(wall_time=time.time(), summary=hparams_pb(dict(values), trial_id=""))
    path = f"{run.path}/events.out.tfevents.hparams"
    with files.fresh(path) as new, tf.io.TFRecordWriter(new) as writer:
        for event in (version, session):
            writer.write(event.SerializeToString())


def _drop_events(path: str, after: int) -> None:
    """Removes the events of steps beyond `after` from a TensorBoard file, and what cannot be read at its end."""
    if all(stays for stays, _ in _events(path, after)):
        return
    with files.fresh(path) as new, tf.io.TFRecordWriter(new) as writer:
        for stays, record in _events(path, after):
            if stays:
                writer.write(record)


def _events(path: str, after: int) -> Iterator[tuple[bool, bytes]]:
    """Whether an event stays, and its record; one that does not stands for what cannot be read."""
    files.opened(path).close()  # TensorFlow would wait for a pipe
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            yield Event.FromString(record).step <= after, record
    except (tf.errors.DataLossError, DecodeError):
        yield False, b""
