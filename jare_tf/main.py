"""The training program: `python -m jare_tf.main --gin_file isotropic_gaussian/jare.gin --model_dir runs/jare`."""

import functools
import os
import pathlib
import re
import sys
import time
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from absl import app, flags, logging

from jare_tf import cli, config, experiment
from jare_tf.errors import InputError, RunError, one_line
from jare_tf.training import strategy

# The modes that look at a run.
MODES = {
    mode.__name__: mode for mode in (experiment.evaluate, experiment.sample, experiment.export, experiment.spectrum)
}
# What a configuration is for: a binding that none of them reaches is a mistake.
ROOTS = (experiment.Experiment, experiment.Pace, *MODES.values())
# What messages of the library speak of, and how it is called here.
_FLAGS = {
    "embedding.load": "EMBEDDING_PATH",
    "data_dir": "--data_dir",
    "the TPU": "--tpu",
    "a TPU goes": "--tpu, --strategy",
    "strategy '": "--strategy",
    "is in use by": "--model_dir",
}
_ON_ONE_DEVICE = ("spectrum", "sample", "export")
_WAIT = 5.0  # seconds between looks for a run that is to be watched

_GIN_FILE = flags.DEFINE_multi_string(
    "gin_file",
    [],
    "The experiment: a file or one of the package's own; by default what --model_dir holds, or the quickstart.",
)
_GIN_PARAM = flags.DEFINE_multi_string("gin_param", [], 'Overrides, for instance --gin_param "STEPS = 200".')
_MODE = flags.DEFINE_enum("mode", None, ["train", "compare", *MODES], "By default what the configuration is made for.")
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "The run directory; a run in it is resumed. By default runs/ and the configuration's name."
)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TFDS data lie or are put; by default $TFDS_DATA_DIR.")
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "auto",
    strategy.NAMES,
    "Where to train. auto: --tpu, the workers of TF_CONFIG, or all GPUs; mirrored: all GPUs or all --cpu_devices.",
)
_TPU = flags.DEFINE_string("tpu", None, "'local' for the TPU of this machine, the name of one, or grpc://its address.")
_CPU_DEVICES = flags.DEFINE_integer(
    "cpu_devices", None, "Split the CPU into so many devices, to try --strategy mirrored without GPUs.", lower_bound=1
)
_ALLOW_CONFIG_CHANGE = flags.DEFINE_bool(
    "allow_config_change", False, "Resume a run although its configuration changed."
)
_PROFILE = flags.DEFINE_string(
    "profile", None, "FIRST,LAST, for instance 100,110: a profile from after the first step until after the last."
)
_WATCH = flags.DEFINE_bool("watch", False, "With --mode evaluate: score new checkpoints until training ends.")
_DEBUG = flags.DEFINE_bool("debug", False, "Show a traceback for an error.")


def dispatch(
    gin_files: Sequence[str],
    gin_params: Sequence[str],
    mode: str | None,
    model_dir: str | None,
    devices: tf.distribute.Strategy | None = None,
    allow_config_change: bool = False,
    profile: tuple[int, int] | None = None,
    watch: bool = False,
) -> int | None:
    """Does what the flags say, on one device by default; the signal that stopped it, if one did."""
    set_optimizer()
    named_run = model_dir is not None or not gin_files
    model_dir = os.path.expanduser(model_dir or _default_model_dir((gin_files or ["quickstart"])[-1]))
    run = experiment.Run(model_dir)
    if watch:
        _wait_for(run.config_file)
    if not gin_files:
        recorded = named_run and tf.io.gfile.exists(run.config_file)
        if mode in MODES and not recorded:
            raise InputError(f"{run} holds no run; name an experiment with --gin_file")
        gin_files = [run.config_file if recorded else "quickstart.gin"]
    if mode in MODES:
        if profile:
            raise InputError(f"--profile goes with training, not with --mode {mode}")
        _look(mode, gin_files, gin_params, run, named_run, devices, watch)
        return None

    train = functools.partial(_train, devices=devices, allow_config_change=allow_config_change, profile=profile)
    of_comparison = [param for param in gin_params if param.startswith("experiment.Comparison.")]
    of_runs = [param for param in gin_params if param not in of_comparison]
    config.parse(gin_files, of_comparison)
    if mode == "train" or (mode is None and not config.binds(experiment.Comparison)):
        return train(gin_files, of_runs, run)
    comparison = config.call(experiment.Comparison)
    config.check_used([experiment.Comparison])
    for label, (file, *overrides) in comparison.entries().items():
        signal = train([file], [*overrides, *of_runs], comparison.run(model_dir, label))
        if signal is not None:
            return signal
    print(f"the picture: {comparison.draw(model_dir)}", flush=True)
    return None


def _train(
    gin_files: Sequence[str],
    bindings: Sequence[str],
    run: experiment.Run,
    *,
    devices: tf.distribute.Strategy | None,
    allow_config_change: bool,
    profile: tuple[int, int] | None,
) -> int | None:
    """Trains what a configuration says, or goes on with the run of the same configuration."""
    config.parse(gin_files, bindings)
    config.check_used(ROOTS)
    _check_run(run, allow_config_change)
    record = config.record(experiment.Experiment, ROOTS)._replace(may_change=allow_config_change)
    pace, made = config.call(experiment.Pace), config.call(experiment.Experiment)
    with config.makers_named(experiment.train):
        return experiment.train(made, run, pace=pace, record=record, devices=devices, profile=profile)


def _check_run(run: experiment.Run, allow_config_change: bool) -> None:
    """Raises InputError unless what the directory holds, if anything, is a run of the present configuration.

    One of another configuration goes on if that is allowed and it has a checkpoint to go on from.
    """
    parts = run.parts()
    before = run.config()
    changes = config.changes(before, experiment.Experiment)
    if not parts or (before and not changes):
        return
    more = f" and {len(changes) - 3} more differences" if len(changes) > 3 else ""
    holds = f"{run} holds another experiment: {'; '.join(changes[:3])}{more}"
    if not before:
        holds = f"{run} holds a run, whose config.gin is missing or empty, so that nobody knows of what"
    goes_on = "checkpoints" in parts or "metrics.jsonl" not in parts
    if not goes_on:
        raise InputError(f"{holds}; there is no checkpoint to continue from: use another --model_dir")
    if not allow_config_change:
        raise InputError(f"{holds}; use another --model_dir, or pass --allow_config_change to continue anyway")
    print(f"{run} continues as another experiment: {'; '.join(changes) or 'it had no config.gin'}", flush=True)


def _look(
    mode: str,
    gin_files: Sequence[str],
    gin_params: Sequence[str],
    run: experiment.Run,
    named_run: bool,
    devices: tf.distribute.Strategy | None,
    watch: bool,
) -> None:
    """Looks at a run in that mode."""
    config.parse(gin_files, gin_params)
    if not config.binds(experiment.Experiment):
        raise InputError(f"--mode {mode}: {gin_files[-1]} is not an experiment; name one with --gin_file")
    config.check_used(ROOTS)
    differences = config.changes(run.config(), experiment.Experiment) if named_run else None
    for line in differences or ():
        print(f"not as in the run: {line}", flush=True)
    made = config.call(experiment.Experiment)
    given: dict[str, Any] = {"experiment": made, "run": run}
    if mode == "evaluate":
        config.check_same_data(experiment.Experiment, experiment.evaluate)
        given |= {"last_step": config.call(experiment.Pace).steps, "devices": devices, "watch": watch}
    if mode == "spectrum":
        given |= {"differences": differences}
    try:
        config.call(MODES[mode], **given)
    except (tf.errors.OpError, OSError) as error:
        raise RunError(f"{run}: {one_line(error)}") from error


def _wait_for(path: str) -> None:
    """Returns when there is such a file."""
    if not tf.io.gfile.exists(path):
        print(f"waiting for {path}", flush=True)
    while not tf.io.gfile.exists(path):
        time.sleep(_WAIT)


def set_optimizer() -> None:
    """What TensorFlow may do to a step's graph."""
    # Its remapper fails on leaky ReLU differentiated twice, and says so; where it works it saves no time.
    tf.config.optimizer.set_experimental_options({"remapping": False})
    if not tf.config.list_physical_devices("GPU"):
        # TensorFlow takes a CPU's memory for 256 MiB, and in a step that needs more it adds gradients up in order of
        # their arrival. Not so with this setting, by which XLA compiles nothing on a CPU.
        tf.config.optimizer.set_jit("autoclustering")


def _default_model_dir(gin_file: str) -> str:
    """runs/<folder>/<name> of a configuration in a folder, runs/<name> of one at the top."""
    name = pathlib.PurePath(gin_file).with_suffix("")
    parts = [part for part in name.parts[-2:] if part not in ("gin_configs", "/", "..")]
    return str(pathlib.PurePath("runs", *parts))


def _main(_) -> None:
    if not _DEBUG.value:
        logging.set_verbosity(logging.FATAL)  # TFDS logs every place where it looks for a file
    if _DATA_DIR.value:
        os.environ["TFDS_DATA_DIR"] = os.path.expanduser(_DATA_DIR.value)
    cli.run("jare_tf", _command, _FLAGS, _DEBUG.value)


def _command() -> int | None:
    if _WATCH.value and _MODE.value != "evaluate":
        raise InputError("--watch goes with --mode evaluate")
    profile = _steps(_PROFILE.value)
    what = _GIN_FILE.value, _GIN_PARAM.value, _MODE.value, _MODEL_DIR.value
    return dispatch(*what, _devices(), _ALLOW_CONFIG_CHANGE.value, profile, _WATCH.value)


def _steps(profile: str | None) -> tuple[int, int] | None:
    """The two steps that --profile names."""
    if profile is None:
        return None
    match = re.fullmatch(r"(\d+),(\d+)", profile)
    first, last = map(int, match.groups()) if match else (0, 0)
    if not 0 < first < last:
        raise InputError(f"--profile wants FIRST,LAST, two steps with 0 < FIRST < LAST as in 100,110, not {profile!r}")
    return first, last


def _devices() -> tf.distribute.Strategy:
    """Where the flags want to train."""
    if _CPU_DEVICES.value:
        parts = [tf.config.LogicalDeviceConfiguration()] * _CPU_DEVICES.value
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    on_one = _MODE.value in _ON_ONE_DEVICE
    if on_one and (_TPU.value or _STRATEGY.value not in ("auto", "one_device")):
        raise InputError(f"--mode {_MODE.value} runs on one device: drop --strategy and --tpu")
    name = "one_device" if on_one else _STRATEGY.value
    return strategy.make(name, _TPU.value)


def _parse_flags(arguments: Sequence[str]) -> list[str]:
    try:
        rest = flags.FLAGS(arguments)
    except flags.Error as error:
        print(f"jare_tf: {error}; --help lists the flags", file=sys.stderr)
        sys.exit(2)
    if len(rest) > 1:
        print(f"jare_tf: unexpected {rest[1]!r}; --help lists the flags", file=sys.stderr)
        sys.exit(2)
    return rest


def main() -> None:
    """The command `jare_tf`."""
    app.run(_main, flags_parser=_parse_flags)


if __name__ == "__main__":
    main()
