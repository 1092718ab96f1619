"""The training program: `python -m jare_tf.main --gin_file isotropic_gaussian/jare.gin --model_dir runs/jare`."""

import datetime
import functools
import os
import pathlib
import re
import shlex
import sys
import time
from collections.abc import Sequence
from typing import Any

from jare_tf import cli, command

if __name__ == "__main__":
    command.start(sys.argv)  # --help and a mistake in the flags end here, before TensorFlow is imported

import keras
import tensorflow as tf

from jare_tf import config, experiment
from jare_tf.errors import InputError, RunError, one_line
from jare_tf.output import say
from jare_tf.training import strategy

# The modes that look at a run.
_THEORY = experiment.spectrum, experiment.advise, experiment.landscape
MODES = {mode.__name__: mode for mode in (experiment.evaluate, experiment.sample, experiment.export, *_THEORY)}
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
    "allow the change": "--allow_config_change",
    "did not come within": "--wait_for_workers",
}
_ON_ONE_DEVICE = [mode for mode in MODES if mode != "evaluate"]
_WAIT = 5.0  # seconds between looks for a run that is to be watched


def dispatch(
    gin_files: Sequence[str],
    gin_params: Sequence[str],
    mode: str | None,
    model_dir: str | None,
    devices: tf.distribute.Strategy | None = None,
    allow_config_change: bool = False,
    profile: tuple[int, int] | None = None,
    watch: bool = False,
    trust_config: bool = False,
) -> int | None:
    """Does what the flags say, on one device by default; the signal that stopped it, if one did."""
    set_optimizer()
    # What ~/.keras/keras.json may say differently, and no record of a run has.
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    named_run = model_dir is not None
    model_dir = os.path.expanduser(model_dir or _default_model_dir((gin_files or ["quickstart"])[-1]))
    run = experiment.Run(model_dir)
    if watch:
        _wait_for(run.config_file)
    of_run = named_run and not gin_files
    if (of_run or (mode in MODES and not gin_files)) and not tf.io.gfile.exists(run.config_file):
        raise InputError(f"{run} holds no run; name an experiment with --gin_file")
    gin_files = gin_files or [run.config_file if of_run else "quickstart.gin"]
    trusted = trust_config or not of_run  # what lies in a run directory may come from somebody else
    if mode in MODES:
        if profile:
            raise InputError(f"--profile goes with training, not with --mode {mode}")
        _look(mode, gin_files, gin_params, run, named_run, devices, watch, trusted)
        return None

    train = functools.partial(
        _train, devices=devices, allow_config_change=allow_config_change, profile=profile, trusted=trusted
    )
    of_comparison = [param for param in gin_params if param.startswith("experiment.Comparison.")]
    of_runs = [param for param in gin_params if param not in of_comparison]
    config.parse(gin_files, of_comparison, trusted=trusted)
    if mode == "train" or (mode is None and not config.binds(experiment.Comparison)):
        return train(gin_files, of_runs, run)
    comparison = config.call(experiment.Comparison)
    config.check_used([experiment.Comparison])
    planned = comparison.planned(model_dir, of_runs)
    for one in planned:  # a mistake in the last one is told before the first one trains
        _configure([one.file], one.overrides, one.run, allow_config_change, trusted)
    begin = time.monotonic()
    for number, one in enumerate(planned):
        done = f", about {_left(begin, number, len(planned))} left" if number else ""
        say(f"{one.title}, run {number + 1} of {len(planned)}{done}")
        signal = train([one.file], one.overrides, one.run)
        if signal is not None:
            return signal
        picture = comparison.draw(model_dir, planned[: number + 1])  # a mistake in the tags is told after the first
    folder, runs = shlex.quote(model_dir), "*/*/" if comparison.seeds else "*/"
    look = [f"tensorboard --logdir {folder}", f"jare_tf report {folder}/{runs} --output report.html"]
    for line in ("", *comparison.table(model_dir, planned), "", picture, *look):
        say(line)
    return None


def _left(begin: float, done: int, total: int) -> datetime.timedelta:
    """The time that is left if what remains of the runs takes as long as those that are done."""
    return datetime.timedelta(seconds=round((time.monotonic() - begin) / done * (total - done)))


def _train(
    gin_files: Sequence[str],
    bindings: Sequence[str],
    run: experiment.Run,
    *,
    devices: tf.distribute.Strategy | None,
    allow_config_change: bool,
    profile: tuple[int, int] | None,
    trusted: bool,
) -> int | None:
    """Trains what a configuration says, or goes on with the run of the same configuration."""
    if changed := _configure(gin_files, bindings, run, allow_config_change, trusted):
        say(changed)
    record = config.record(experiment.Experiment, ROOTS)._replace(may_change=allow_config_change)
    pace, made = config.call(experiment.Pace), config.call(experiment.Experiment)
    with config.makers_named(experiment.train):
        return experiment.train(made, run, pace=pace, record=record, devices=devices, profile=profile)


def _configure(
    gin_files: Sequence[str], bindings: Sequence[str], run: experiment.Run, allow_config_change: bool, trusted: bool
) -> str:
    """Makes it the present configuration, once it is seen that a run can be trained by it; what `_check_run` says."""
    config.parse(gin_files, bindings, trusted=trusted)
    config.check_used(ROOTS)
    return _check_run(run, allow_config_change)


def _check_run(run: experiment.Run, allow_config_change: bool) -> str:
    """Raises InputError unless what the directory holds, if anything, is a run of the present configuration.

    One of another configuration goes on if that is allowed and it has a checkpoint to go on from; the line that says
    so, empty for none.
    """
    parts = run.parts()
    before = run.config()
    changes = config.changes(before, experiment.Experiment)
    if before and not changes:
        if "checkpoints" not in parts:
            _check_killed_early(run, before)
        return ""
    if not parts:
        return ""
    more = f" and {len(changes) - 3} more differences" if len(changes) > 3 else ""
    holds = f"{run} holds another experiment: {'; '.join(changes[:3])}{more}"
    if not before:
        holds = f"{run} holds a run, whose config.gin is missing or empty, so that nobody knows of what"
    goes_on = "checkpoints" in parts or "metrics.jsonl" not in parts
    if not goes_on:
        raise InputError(f"{holds}; there is no checkpoint to continue from: use another --model_dir")
    if not allow_config_change:
        raise InputError(
            f"{holds}; use another --model_dir or, where networks and optimizers are the same, pass "
            "--allow_config_change to continue"
        )
    return f"{run} continues as another experiment: {'; '.join(changes) or 'it had no config.gin'}"


def _check_killed_early(run: experiment.Run, configured: str) -> None:
    """Raises InputError where a run without a checkpoint must have had one: its rows would be lost if it began anew."""
    save_every = config.resolved(configured).get("experiment.Pace.save_every", "")
    last = max((row["step"] for row in run.rows()), default=0)
    if save_every.isdigit() and last > int(save_every):
        raise InputError(
            f"{run} has rows up to step {last} and no checkpoint to continue from: bring the checkpoints back, or use "
            "another --model_dir"
        )


def _look(
    mode: str,
    gin_files: Sequence[str],
    gin_params: Sequence[str],
    run: experiment.Run,
    named_run: bool,
    devices: tf.distribute.Strategy | None,
    watch: bool,
    trusted: bool,
) -> None:
    """Looks at a run in that mode."""
    config.parse(gin_files, gin_params, trusted=trusted)
    if not config.binds(experiment.Experiment):
        raise InputError(f"--mode {mode}: {gin_files[-1]} is not an experiment; name one with --gin_file")
    config.check_used(ROOTS)
    differences = config.changes(run.config(), experiment.Experiment) if named_run else None
    for line in differences or ():
        say(f"not as in the run: {line}")
    made = config.call(experiment.Experiment)
    given: dict[str, Any] = {"experiment": made, "run": run}
    if mode == "evaluate":
        config.check_same_data(experiment.Experiment, experiment.evaluate)
        given |= {"last_step": config.call(experiment.Pace).steps, "devices": devices, "watch": watch}
        given["differences"] = differences or ()
    if MODES[mode] in _THEORY:
        given |= {"differences": differences, "checksum": config.checksum(experiment.Experiment)}
    try:
        config.call(MODES[mode], **given)
    except (tf.errors.OpError, OSError) as error:
        raise RunError(f"{run}: {one_line(error)}") from error


def _wait_for(path: str) -> None:
    """Returns when there is such a file."""
    if not tf.io.gfile.exists(path):
        say(f"waiting for {path}")
    while not tf.io.gfile.exists(path):
        time.sleep(_WAIT)


def set_optimizer() -> None:
    """What TensorFlow may do to a step's graph."""
    if not tf.config.list_physical_devices("GPU"):
        # TensorFlow takes a CPU's memory for 256 MiB, and in a step that needs more it adds gradients up in order of
        # their arrival. Not so with this setting, by which XLA compiles nothing on a CPU.
        tf.config.optimizer.set_jit("autoclustering")


def _default_model_dir(gin_file: str) -> str:
    """runs/<folder>/<name> of a configuration in a folder, runs/<name> of one at the top."""
    path = pathlib.PurePath(gin_file)
    folders = [part for part in path.parts[-2:-1] if part not in ("gin_configs", "/", "..")]
    return str(pathlib.PurePath("runs", *folders, path.stem))


def main() -> None:
    """Does what the flags say, which are parsed (`command.parse`)."""
    cli.run("jare_tf", _command, _FLAGS, command.DEBUG.value)


def _command() -> int | None:
    if command.DATA_DIR.value:
        os.environ["TFDS_DATA_DIR"] = os.path.expanduser(command.DATA_DIR.value)
    if command.WATCH.value and command.MODE.value != "evaluate":
        raise InputError("--watch goes with --mode evaluate")
    profile = _steps(command.PROFILE.value)
    what = command.GIN_FILE.value, command.GIN_PARAM.value, command.MODE.value, command.MODEL_DIR.value
    how = command.ALLOW_CONFIG_CHANGE.value, profile, command.WATCH.value, command.TRUST_CONFIG.value
    return dispatch(*what, _devices(), *how)


def _steps(profile: str | None) -> tuple[int, int] | None:
    """The two steps that --profile names."""
    if profile is None:
        return None
    match = re.fullmatch(r"(\d+),(\d+)", profile)
    first, last = map(int, match.groups()) if match else (0, 0)
    if not 0 < first < last:
        raise InputError(f"--profile must be FIRST,LAST with 0 < FIRST < LAST, for instance 100,110, not {profile!r}")
    return first, last


def _devices() -> tf.distribute.Strategy:
    """Where the flags want to train."""
    if command.CPU_DEVICES.value:
        parts = [tf.config.LogicalDeviceConfiguration()] * command.CPU_DEVICES.value
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    on_one = command.MODE.value in _ON_ONE_DEVICE
    if on_one and (command.TPU.value or command.STRATEGY.value not in ("auto", "one_device")):
        raise InputError(f"--mode {command.MODE.value} runs on one device: drop --strategy and --tpu")
    name = "one_device" if on_one else command.STRATEGY.value
    place = command.MODEL_DIR.value or _default_model_dir((command.GIN_FILE.value or ["quickstart"])[-1])
    same = {"--model_dir": place if "://" in place else os.path.abspath(os.path.expanduser(place))}
    return strategy.make(name, command.TPU.value, same=same, limit=command.WAIT_FOR_WORKERS.value)


if __name__ == "__main__":
    main()
