"""What a training step takes: its time, first call, peak memory and arithmetic, for every setting and method.

Time: what the training program calls, `training.loop.compiled`, without XLA ("graph") or with it ("xla": the step, and
the whole loop on data that XLA can draw), is called for each method, mode and precision of a setting in turn.
A call is a step on images and the configured STEPS_PER_CALL in two dimensions, or the next multiple of the rule's
period: of `lazy` whole periods are measured. First call: tracing, compiling and one step. In mode "pytorch" it is
`pytorch_steps`, in a process of its own, in the same rounds.

The limit: what the convolutions of a call take alone, without XLA (`reproduction.convolutions`), in the same rounds.

Arithmetic: `theory.arithmetic.operations`, the same in all modes.

Peak memory: on a GPU the most that TensorFlow had allocated there during a call, less what it had before the networks
were made. On a CPU under Linux the most that was resident in the process (VmHWM) during a call, less what was resident
(VmRSS) before the networks were made, both after `malloc_trim`: parameters, the optimizers' variables, graph and
compiled code, and what a step holds on to at once; not what only tracing and compiling needed. Freed memory that is
used again and code that the system pages out make it good to tens of megabytes. Elsewhere null.
"""

import collections
import contextlib
import ctypes
import functools
import gc
import itertools
import math
import os
import pathlib
import platform
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args

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
from jare_tf.reproduction import convolutions, pytorch_process
from jare_tf.reproduction.convolutions import Convolution
from jare_tf.reproduction.pytorch_process import PyTorchProcess
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
            "mixture_jare_code": {"gan": "simgd", "conopt": "conopt", "jare": "jare"},
            "mixture_conopt_paper": {"gan": "simgd", "conopt": "conopt"},
            "mixture_gradreg_paper": {"gan": "gan", "generator_only": "generator_only", "unrolled": "unrolled"},
        }.items()
    },
}
MODES = {"graph": False, "xla": True}  # whether XLA compiles
PYTORCH = "pytorch"
PRECISIONS = get_args(precision.Precision)
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
        if mode in MODES:
            first = build(Configuration("cifar10/c_gan.gin", ["FILTERS = 1", "BATCH_SIZE = 1"]))
            run(loop.compiled(first.gan, first.dataset, first.batch_size, MODES[mode]), 1)


class Prepared(NamedTuple):
    """A row without its time, and what is timed: a call, of so many steps; `steps_done` counts those of all calls."""

    row: StepTime
    call: Callable[[], None]
    steps: int
    steps_done: Callable[[], int] | None = None


class Work(NamedTuple):
    """What a call computes: floating-point operations, and a function that does its convolutions alone."""

    operations: float
    convolutions: Callable[[], None] | None


def measure(
    setting: str,
    configurations: Mapping[str, Configuration],
    rounds: int,
    modes: Sequence[str] = ("graph",),
    precisions: Sequence[str] = ("float32",),
) -> list[StepTime]:
    """A row for each mode, precision and configuration; configurations by name, of which PyTorch has some.

    Raises:
      InputError: PyTorch is asked for and missing.
      RunError: a step is not finite, or PyTorch fails.
    """
    work: dict[tuple[str, str], Work] = {}
    prepared: list[Prepared] = []
    with contextlib.ExitStack() as processes:
        for mode, policy in itertools.product(modes, precisions):
            chosen = {
                name: one._replace(bindings=[*one.bindings, f"experiment.Experiment.precision = '{policy}'"])
                for name, one in configurations.items()
            }
            if mode == PYTORCH:
                prepared += processes.enter_context(_in_pytorch(setting, policy, chosen))
            else:
                prepared += (_prepare(setting, mode, policy, name, one, work) for name, one in chosen.items())
        calls: dict[Any, Callable[[], None]] = {index: one.call for index, one in enumerate(prepared)}
        calls |= {key: one.convolutions for key, one in work.items() if one.convolutions}
        step_times.in_turn(calls, 1)  # the first round after so much building is slower
        measured = step_times.in_turn(calls, rounds)
    rows = []
    for index, (row, _, steps, steps_done) in enumerate(prepared):
        name = f"{setting} {row.mode} {row.precision}: {row.method}"
        if steps_done and steps_done() != 1 + (2 + rounds) * steps:  # a call ends early at a number that is not finite
            raise RunError(f"{name} is not finite after {steps_done()} steps; {NOT_FINITE_ADVICE}")
        median, (first, third) = measured[index]
        alone = measured.get((row.method, row.precision)) if row.mode in MODES else None
        rows.append(
            row._replace(
                milliseconds=median / steps,
                quartiles=(first / steps, third / steps),
                convolutions_milliseconds=alone and alone[0] / steps,
            )
        )
        complain(f"{name} {median / steps:,.3g} ms")
    return rows


def _prepare(
    setting: str,
    mode: str,
    policy: str,
    name: str,
    configuration: Configuration,
    work: dict[tuple[str, str], Work],
) -> Prepared:
    """A configuration, its first call done; `work` keeps what is the same in all modes, by name and precision."""
    before = memory_in_use()
    made = build(configuration)
    begin = time.perf_counter()
    compiled = loop.compiled(made.gan, made.dataset, made.batch_size, MODES[mode])
    run(compiled, 1)
    first_call = time.perf_counter() - begin
    call = lambda: run(compiled, made.steps)
    peak = peak_memory(call)
    if (name, policy) not in work:
        work[name, policy] = call_work(made)
    row = StepTime(
        setting=setting,
        method=name,
        mode=mode,
        images=len(made.gan.sample_shape) == 3,
        batch_size=made.batch_size,
        milliseconds=math.nan,
        quartiles=(math.nan, math.nan),
        first_call_seconds=first_call,
        peak_memory_bytes=None if before is None or peak is None else max(0, peak - before),
        operations=work[name, policy].operations / made.steps,
        precision=policy,
    )
    complain(f"{setting} {mode} {policy}: {name} ready, first call {first_call:.1f} s")
    return Prepared(row, call, made.steps, lambda: made.gan.step)


@contextlib.contextmanager
def _in_pytorch(setting: str, policy: str, configurations: Mapping[str, Configuration]) -> Iterator[list[Prepared]]:
    """The same steps in PyTorch, as far as `pytorch_steps` has them."""
    methods = [name for name in configurations if name in pytorch_process.METHODS]
    if not methods or setting not in pytorch_process.SETTINGS:
        yield []
        return
    made = build(configurations[methods[0]])
    first_kernel = made.gan.game.networks.discriminator.trainable_variables[0]
    with PyTorchProcess(setting, methods, policy, made.batch_size, filters=first_kernel.shape[-1]) as process:
        yield [
            Prepared(
                StepTime(
                    setting=setting,
                    method=name,
                    mode=PYTORCH,
                    images=True,
                    batch_size=made.batch_size,
                    milliseconds=math.nan,
                    quartiles=(math.nan, math.nan),
                    first_call_seconds=process.first_calls[index],
                    precision=policy,
                ),
                functools.partial(process.step, index),
                steps=1,
            )
            for index, name in enumerate(methods)
        ]


def run(call: Callable, steps: int) -> None:
    """Training steps, ended by reading a number: until then a GPU may still be at work."""
    float(call(tf.constant(steps))["loss/generator"])


def call_work(made: Measured) -> Work:
    """What a call does, over its steps and all moves of a schedule."""
    gan = made.gan
    batch = gan.batch(made.dataset.batch(0, made.batch_size, 0), 0)
    operations, counts = 0.0, collections.defaultdict[Convolution, float](float)
    for movers in gan.schedule.moves:
        for part, graph in arithmetic.graphs(gan.rule, gan.game, batch, movers):
            operations += made.steps * part * arithmetic.count(graph)
            for one, count in convolutions.found(graph).items():
                counts[one] += made.steps * part * count
    whole = {one: round(count) for one, count in counts.items()}
    return Work(operations, convolutions.alone(whole) if whole else None)


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


def sixteen_bits() -> list[str]:
    """The CPU's instructions for convolutions in 16 bits, of amx_bf16, amx_fp16, avx512_bf16 and avx512_fp16."""
    try:
        flags = re.findall(r"^flags\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[0].split()
    except (OSError, IndexError):
        return []
    return [name for name in ("amx_bf16", "amx_fp16", "avx512_bf16", "avx512_fp16") if name in flags]
