"""The training program: `python -m jare_tf.main --gin_file isotropic_gaussian/jare.gin --model_dir runs/jare`."""

import functools
import inspect
import os
import pathlib
import re
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from absl import app, flags, logging

from jare_tf import config, experiment
from jare_tf.errors import InputError, RunError, reason
from jare_tf.training import strategy

# The modes that look at a run, by the root that does: what is bound for `train` is theirs too.
_READERS = {
    mode.__name__: mode for mode in (experiment.evaluate, experiment.sample, experiment.export, experiment.spectrum)
}
_ON_ONE_DEVICE = ("spectrum", "sample", "export")
_WAIT = 5.0  # seconds between looks for a run that is to be watched

_GIN_FILE = flags.DEFINE_multi_string(
    "gin_file",
    [],
    "The experiment: a file or one of the package's own; by default what --model_dir holds, or the quickstart.",
)
_GIN_PARAM = flags.DEFINE_multi_string("gin_param", [], 'Overrides, for instance --gin_param "STEPS = 200".')
_MODE = flags.DEFINE_enum(
    "mode", None, ["train", "compare", *_READERS], "By default what the configuration is made for."
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "The run directory; a run that it holds goes on. By default runs/ and the configuration's name."
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
    "allow_config_change", False, "Go on with a run although its configuration has changed."
)
_PROFILE = flags.DEFINE_string(
    "profile", None, "FIRST,LAST, for instance 100,110: a profile from after the first step until after the last."
)
_WATCH = flags.DEFINE_bool("watch", False, "With --mode evaluate: score new checkpoints until training ends.")
_DEBUG = flags.DEFINE_bool("debug", False, "Show a traceback for an error.")


def run(
    gin_files: Sequence[str],
    gin_params: Sequence[str],
    mode: str | None,
    model_dir: str | None,
    devices: tf.distribute.Strategy | None = None,
    allow_config_change: bool = False,
    profile: tuple[int, int] | None = None,
    watch: bool = False,
) -> int | None:
    """Runs what the flags say, on one device by default; the signal that stopped it, if one did."""
    set_optimizer()
    use_checkpoint = model_dir is not None or not gin_files
    if watch:
        _wait_for(f"{model_dir or _default_model_dir((gin_files or ['quickstart'])[-1])}/config.gin")
    if not gin_files:
        recorded = f"{model_dir}/config.gin"
        if mode in _READERS and model_dir and not tf.io.gfile.exists(recorded):
            raise InputError(f"--model_dir {model_dir} holds no run; name an experiment with --gin_file")
        gin_files = [recorded if model_dir and tf.io.gfile.exists(recorded) else "quickstart.gin"]
    model_dir = model_dir or _default_model_dir(gin_files[-1])

    of_compare = [param for param in gin_params if param.startswith("experiment.compare.")]
    of_runs = [param for param in gin_params if param not in of_compare]

    record = functools.partial(config.record, allow_change=allow_config_change)
    where = {"record_config": record, "devices": devices or tf.distribute.get_strategy(), "profile": profile}

    def train(files: Sequence[str], directory: str, overrides: Sequence[str] = ()) -> int | None:
        config.parse(files, [*overrides, *of_runs])
        return config.call(experiment.train, model_dir=directory, **where)

    if mode in _READERS:
        if profile:
            raise InputError(f"--profile goes with training, not with --mode {mode}")
        own = {"model_dir": model_dir, "devices": devices or tf.distribute.get_strategy(), "watch": watch}
        return _read(mode, gin_files, gin_params, {**own, "use_checkpoint": use_checkpoint})
    config.parse(gin_files, of_compare)
    if (mode or ("compare" if "experiment.compare.configs" in config.bound() else "train")) == "train":
        return train(gin_files, model_dir)
    others = [name for name in sorted(config.bound()) if not name.startswith("experiment.compare.")]
    if others:
        raise InputError(f"{gin_files[-1]} compares other configurations: bind {', '.join(others)} in those")
    train_config = lambda file, overrides, directory: train([file], directory, overrides)
    return config.call(experiment.compare, model_dir=model_dir, train_config=train_config)


def _read(mode: str, gin_files: Sequence[str], gin_params: Sequence[str], given: dict[str, Any]) -> None:
    """The root of that mode with what is given, its own bindings and what the experiment binds for experiment.train."""
    config.parse(gin_files, gin_params)
    if not any(name.startswith("experiment.train.") for name in config.bound()):
        raise InputError(f"--mode {mode}: {gin_files[-1]} is no experiment; name one with --gin_file")
    bound = lambda function: config.arguments(experiment.train, only=inspect.signature(function).parameters)
    root, make_gan = _READERS[mode], functools.partial(experiment.make_gan, **bound(experiment.make_gan))

    def check_config() -> list[str]:
        used = config.check_used(given_out="experiment.train")
        differing = config.differences(given["model_dir"], used) if given["use_checkpoint"] else {}
        scoring = config.of_other_modes() if mode != "spectrum" else ()
        return [line for name, line in differing.items() if name not in scoring]

    given = {**given, "check_config": check_config, "make_gan": make_gan}
    taken = {name: value for name, value in given.items() if name in inspect.signature(root).parameters}
    if mode == "evaluate":
        config.check_same_data()
    try:
        config.call(root, **taken, **bound(root))
    except (tf.errors.OpError, OSError) as error:
        raise RunError(f"{given['model_dir']}: {reason(error)}") from error


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
        logging.set_verbosity(logging.FATAL)  # gin and TFDS log every place where they look for a file
    if _DATA_DIR.value:
        os.environ["TFDS_DATA_DIR"] = _DATA_DIR.value
    try:
        if _WATCH.value and _MODE.value != "evaluate":
            raise InputError("--watch goes with --mode evaluate")
        profile = _steps(_PROFILE.value)
        what = _GIN_FILE.value, _GIN_PARAM.value, _MODE.value, _MODEL_DIR.value
        stopped_by = run(*what, _devices(), _ALLOW_CONFIG_CHANGE.value, profile, _WATCH.value)
    except (InputError, RunError) as error:
        if _DEBUG.value:
            raise
        print(f"jare_tf: {str(error).splitlines()[0]}", file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)
    except KeyboardInterrupt:
        print("jare_tf: interrupted; the last checkpoint stays", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    if stopped_by is not None:
        sys.exit(128 + stopped_by)


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
        raise InputError(f"--mode {_MODE.value} runs on one device: leave --strategy and --tpu away")
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
