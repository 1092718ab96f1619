"""Runs of the program inside a test: the same code as `python -m jare_tf.main`, without a new process."""

import functools
import json
import shutil
import tempfile

import tensorflow as tf
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from jare_tf import main
from jare_tf.training.pace import Pace

GAME = ["isotropic_gaussian/jare.gin"]
SHORT = ["STEPS = 20", "LOG_EVERY = 5", "SAVE_EVERY = 10", "SAMPLE_EVERY = 20", "STEPS_PER_CALL = 7", "JIT = False"]
XLA = "JIT = 'auto'"  # as the configurations have it; compiling takes longer than all that short runs do


def run(model_dir, *params, files=GAME, short=SHORT, mode=None, **options):
    """Runs a configuration in model_dir; the result of `main.dispatch`."""
    return main.dispatch(list(files), [*short, *params], mode, str(model_dir), **options)


def pace(steps, steps_per_call, jit_compile=False):
    """So many steps, for `loop.train`, to which nothing else matters."""
    every = {"log_every": steps, "save_every": steps, "sample_every": steps}
    return Pace(steps=steps, steps_per_call=steps_per_call, jit_compile=jit_compile, **every)


def copied(model_dir, *params, files=GAME, short=SHORT):
    """The same run in model_dir, trained once in a process and then copied; for tests of what comes after."""
    shutil.copytree(_trained(params, tuple(files), tuple(short)).name, model_dir, dirs_exist_ok=True)


@functools.cache
def _trained(params, files, short):
    folder = tempfile.TemporaryDirectory(prefix="trained-")
    run(folder.name, *params, files=files, short=short)
    return folder


def metrics(model_dir):
    """The rows of metrics.jsonl."""
    return [json.loads(line) for line in (model_dir / "metrics.jsonl").read_text().splitlines()]


def summaries(folder):
    """(step, plugin, tag, value) of everything that the TensorBoard files of a folder hold, in order."""
    for path in sorted(folder.glob("events*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                yield event.step, value.metadata.plugin_data.plugin_name, value.tag, tf.make_ndarray(value.tensor)


def hyperparameters(model_dir):
    """What TensorBoard's HParams tab is told of a run."""
    found = {}
    for record in tf.data.TFRecordDataset(str(model_dir / "events.out.tfevents.hparams")):
        for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
            content = HParamsPluginData.FromString(value.metadata.plugin_data.content)
            for name, one in content.session_start_info.hparams.items():
                found[name] = getattr(one, one.WhichOneof("kind"))
    return found


def without_time(rows):
    """Rows without what differs from run to run."""
    varying = ("seconds", "steps_per_second", "images_per_second", "memory_bytes/")
    return [{tag: value for tag, value in row.items() if not tag.startswith(varying)} for row in rows]
