"""What a training step takes: its time, first call, peak memory and arithmetic, for every setting and method.

Time: what the training program calls, `training.loop.compiled`, without XLA ("graph") or with it ("xla": the step, and
the whole loop on data that XLA can draw), is called for each method in turn, in rounds. A call is a step on images
and the configured STEPS_PER_CALL in two dimensions, or the next multiple of the rule's period: of `lazy` whole periods
are measured. First call: tracing, compiling and one step.

Arithmetic: `theory.arithmetic.operations`, the same in both modes.

Peak memory: on a GPU the most that TensorFlow had allocated there during a call, less what it had before the networks
were made. On a CPU under Linux the most that was resident in the process (VmHWM) during a call, less what was resident
(VmRSS) before the networks were made, both after `malloc_trim`: parameters, the optimizers' variables, graph and
compiled code, and what a step holds on to at once; not what only tracing and compiling needed. Freed memory that is
used again and code that the system pages out make it good to tens of megabytes. Elsewhere null.
"""

import ctypes
import gc
import math
import os
import pathlib
import platform
import re
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from jare_tf import config, experiment, main
from jare_tf.data.dataset import Dataset
from jare_tf.data.in_memory import InMemory
from jare_tf.errors import NOT_FINITE_ADVICE, RunError
from jare_tf.game import precision
from jare_tf.output import complain
from jare_tf.report import step_times
from jare_tf.report.step_times import StepTime
from jare_tf.theory import arithmetic
from jare_tf.training import loop
from jare_tf.training.gan import GAN

METHODS = {
    "gan": "GAN",
    "sngan": "SN-GAN",
    "conopt": "ConOpt",
    "jare": "JARE",
    "adversarial_extrapolation": "adversarial extrapolation",
    "lazy": "lazy JARE (every 8)",
    "generator_only": "generator only",
    "unrolled": "unrolled",
}
# The rule that takes the place of JARE's in JARE's configuration.
EXCHANGED = {
    "adversarial_extrapolation": [
        "experiment.Experiment.rule = @rules.adversarial_extrapolation()",
        "rules.adversarial_extrapolation.gamma = %GAMMA",
    ],
    "lazy": [
        "experiment.Experiment.rule = @rules.lazy()",
        "rules.lazy.rule = @rules.jare()",
        "rules.lazy.every = 8",
    ],
}
# By setting the configuration of every method.
SETTINGS = {
    **{
        setting: {
            **{method: f"cifar10/{setting.lower()}_{method}.gin" for method in ("gan", "sngan", "conopt", "jare")},
            **{method: f"cifar10/{setting.lower()}_jare.gin" for method in EXCHANGED},
        }
        for setting in "ABCDEF"
    },
    **{
        game: {method: f"{game}/{file}.gin" for method, file in methods.items()}
        for game, methods in {
            "isotropic_gaussian": {"gan": "simgd", "conopt": "conopt", "jare": "jare"},
            "mixture_jare_paper": {"gan": "simgd", "conopt": "conopt", "jare": "jare"},
            "mixture_conopt_paper": {"gan": "simgd", "conopt": "conopt"},
            "mixture_gradreg_paper": {"gan": "gan", "generator_only": "generator_only", "unrolled": "unrolled"},
        }.items()
    },
}
MODES = {"graph": False, "xla": True}
NOISE = 256  # images of random pixels


class Configuration(NamedTuple):
    """A configuration's file and what else is bound."""

    file: str
    bindings: Sequence[str]


class Measured(NamedTuple):
    """What a configuration makes, as far as a step needs it; steps are those of one compiled call."""

    gan: GAN
    dataset: Dataset
    batch_size: int
    steps: int


def build(configuration: Configuration) -> Measured:
    """The experiment at its initialisation."""
    config.parse([configuration.file], configuration.bindings)
    config.check_used(main.ROOTS)
    made, pace = config.call(experiment.Experiment), config.call(experiment.Pace)
    with precision.policy(made.precision):
        gan = made.gan()
        gan.compile(*made.optimizers())
    images = len(gan.sample_shape) == 3
    if images:
        pixels = np.random.default_rng(0).integers(0, 256, (NOISE, *gan.sample_shape), np.uint8)
        dataset = InMemory("noise", pixels)
    else:
        dataset = made.data(gan)
    period = gan.rule.period
    steps = period * math.ceil((1 if images else pace.steps_per_call) / period)
    return Measured(gan, dataset, made.batch_size, steps)


def warm_up(modes: Sequence[str]) -> None:
    """Pays for what only the first graph of a process pays for, in time and memory, with training's graph options."""
    main.set_optimizer()
    for mode in modes:
        first = build(Configuration("cifar10/c_gan.gin", ["FILTERS = 1", "BATCH_SIZE = 1"]))
        run(loop.compiled(first.gan, first.dataset, first.batch_size, MODES[mode]), 1)


def measure(
    setting: str, mode: str, configurations: dict[str, Configuration], rounds: int, operations: dict[str, float]
) -> list[StepTime]:
    """A row for each configuration, by its name; `operations` keeps their arithmetic, to count it once."""
    experiments: dict[str, Measured] = {}
    calls, first_calls, memory = {}, {}, {}
    for name, configuration in configurations.items():
        before = memory_in_use()
        made = experiments[name] = build(configuration)
        begin = time.perf_counter()
        call = loop.compiled(made.gan, made.dataset, made.batch_size, MODES[mode])
        run(call, 1)
        first_calls[name] = time.perf_counter() - begin
        calls[name] = lambda call=call, steps=made.steps: run(call, steps)
        peak = peak_memory(calls[name])
        memory[name] = None if before is None or peak is None else max(0, peak - before)
        if name not in operations:
            operations[name] = step_operations(made)
        complain(f"{setting} {mode}: {name} ready, first call {first_calls[name]:.1f} s")
    step_times.in_turn(calls, 1)  # the first round after so much building is slower
    measured = step_times.in_turn(calls, rounds)
    rows = []
    for name, (gan, _, batch_size, steps) in experiments.items():
        if gan.step != 1 + (2 + rounds) * steps:  # a call ends early at a number that is not finite
            raise RunError(f"{setting} {mode}: {name} is not finite after {gan.step} steps; {NOT_FINITE_ADVICE}")
        median, (first, third) = measured[name]
        rows.append(
            StepTime(
                setting=setting,
                method=name,
                mode=mode,
                images=len(gan.sample_shape) == 3,
                batch_size=batch_size,
                milliseconds=median / steps,
                quartiles=(first / steps, third / steps),
                first_call_seconds=first_calls[name],
                peak_memory_bytes=memory[name],
                operations=operations[name],
            )
        )
        complain(f"{setting} {mode}: {name} {median / steps:,.3g} ms")
    return rows


def run(call: Callable, steps: int) -> None:
    """Training steps, ended by reading a number: until then a GPU may still be at work."""
    float(call(tf.constant(steps))["loss/generator"])


def step_operations(made: Measured) -> float:
    """Floating-point operations of a step, over all moves of its schedule."""
    gan = made.gan
    batch = gan.batch(made.dataset.batch(0, made.batch_size, 0), 0)
    return sum(arithmetic.operations(gan.rule, gan.game, batch, movers) for movers in gan.schedule.moves)


def memory_in_use() -> int | None:
    """Bytes, see the top; None where they cannot be measured."""
    gc.collect()
    if tf.config.list_logical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["current"]
    try:
        ctypes.CDLL(None).malloc_trim(0)
        return resident("VmRSS")
    except (OSError, AttributeError, TypeError, IndexError):  # not Linux, or another C library
        return None


def peak_memory(function: Callable[[], None]) -> int | None:
    """The most bytes in use while the function runs, see the top."""
    before = memory_in_use()
    on_gpu = bool(tf.config.list_logical_devices("GPU"))
    if on_gpu:
        tf.config.experimental.reset_memory_stats("GPU:0")
    elif before is not None:
        try:
            pathlib.Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
        except OSError:
            before = None
    function()
    if before is None:
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] if on_gpu else resident("VmHWM")


def resident(name: str) -> int:
    """VmRSS or VmHWM of this process, bytes."""
    return 1024 * int(re.findall(rf"^{name}:\s*(\d+) kB", pathlib.Path("/proc/self/status").read_text(), re.M)[0])


def device() -> dict[str, str | int | None]:
    """What computes: TensorFlow's version, the GPU's or else the CPU's name, and threads of an operation."""
    gpus = tf.config.list_physical_devices("GPU")
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "tensorflow": tf.__version__,
        "device": tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else cpu_name(),
        "threads": threads or cores,
    }


def cpu_name() -> str:
    """What the system calls the processor."""
    try:
        return re.findall(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
