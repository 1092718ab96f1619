"""Whether this machine computes update rules right, and how fast: a page of Markdown, to paste into an issue.

    python tools/check_accelerator.py > check.md
    python tools/check_accelerator.py --run runs/c_jare --settings C > check.md

Directions: of every rule on the networks of setting C of JARE section 7, in all precisions, with XLA and without,
beside float64 on the CPU: `jare_tf.reproduction.exactness`. At the initialisation and on random pixels, or with --run
at a run's newest checkpoint and on its data. Steps: time, peak memory and first call of GAN, ConOpt and JARE in
settings A to F, as `tools/benchmark.py` measures them.

What it finds is on the device that TensorFlow takes, a GPU where there is one. Half an hour on a GPU, hours on a CPU,
where `--settings C` and `--gin_param "FILTERS = 16"` make it short. Exit code 1 if a direction is wrong.
"""

import argparse
import platform
from collections.abc import Sequence

from jare_tf import cli


def parser() -> cli.Parser:
    made = cli.Parser("check_accelerator", __doc__)
    made.add_argument("--run", metavar="DIR", help="a run of images, for its parameters and data; by default none")
    made.add_argument("--settings", help="whose steps are timed, as in C,E; by default all of A to F")
    made.add_argument("--precisions", help="such as float32,mixed_bfloat16; by default all")
    made.add_argument("--rounds", type=int, default=5, help="measurements of each step; %(default)s by default")
    made.add_argument(
        "--gin_param", action="append", default=[], help='overrides, for instance "FILTERS = 16"; none by default'
    )
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

import keras
import numpy as np
import tensorflow as tf

import jare_tf
from jare_tf import config, experiment
from jare_tf import main as program
from jare_tf.data.dataset import as_floats
from jare_tf.errors import InputError, RunError
from jare_tf.experiment.checkpoint import restore
from jare_tf.output import show
from jare_tf.report import step_times
from jare_tf.reproduction import exactness, step_cost
from jare_tf.settings import Count, check

METHODS = ("gan", "conopt", "jare")
BATCH_SIZE = 64
# With γ of setting C, and steps that do not leave the neighbourhood.
RULES = {
    str(rule): rule
    for rule in (
        jare_tf.sim_gd(),
        jare_tf.jare(gamma=100.0),
        jare_tf.con_opt(gamma=10.0),
        jare_tf.generator_only(gamma=100.0),
        jare_tf.discriminator_only(gamma=100.0),
        jare_tf.smoothing(gamma=100.0),
        jare_tf.debiased(jare_tf.jare(gamma=100.0)),
        jare_tf.adversarial_extrapolation(0.1),
        jare_tf.extragradient(0.1),
        jare_tf.extrapolation_from_the_past(0.1),
        jare_tf.optimistic(),
        jare_tf.heun(0.1),
        jare_tf.runge_kutta4(0.1),
        jare_tf.momentum(jare_tf.jare(gamma=100.0), -0.5),
        jare_tf.symplectic_gradient_adjustment(10.0),
        jare_tf.unrolled(steps=2, step=0.1),
        jare_tf.lola(100.0),
        jare_tf.stable_opponent_shaping(100.0),
        jare_tf.hamiltonian(),
        jare_tf.competitive(0.1),
        jare_tf.adaptive_competitive(1e-3),
        jare_tf.drift_cancellation(1e-4, 1e-4),
        jare_tf.follow_the_ridge(damping=1.0),
        jare_tf.local_symplectic_surgery(),
        jare_tf.clipped(jare_tf.jare(gamma=100.0), norm=0.1),
        jare_tf.lazy(jare_tf.jare(gamma=100.0), every=8),
    )
}


def machine() -> str:
    """What computes, as a table."""
    gpus = tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    rows = {
        **step_cost.device(),
        "jare_tf": jare_tf.__version__,
        "Keras": keras.__version__,
        "Python": platform.python_version(),
        "CPU": step_cost.cpu_name(),
        "compute capability": ".".join(map(str, details.get("compute_capability", ()))) or "–",
        "TF32": "on" if gpus and tf.config.experimental.tensor_float_32_execution_enabled() else "off",
        "16 bits of the CPU": ", ".join(step_cost.sixteen_bits()) or "–",
    }
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])


def directions(run: str | None, bindings: Sequence[str], precisions: Sequence[str]) -> list[exactness.Exactness]:
    """At a run's newest checkpoint, or at the initialisation of setting C."""
    kept = experiment.Run(run) if run else None
    if kept and not tf.io.gfile.exists(kept.config_file):
        raise InputError(f"--run {run} holds no run")
    config.parse([kept.config_file if kept else step_cost.SETTINGS["C"]["gan"]], bindings, trusted=not kept)
    config.check_used(program.ROOTS)
    made = config.call(experiment.Experiment)
    gan = made.gan()
    if len(gan.sample_shape) != 3:
        raise InputError(f"--run {run} is none of images")
    if kept:
        restore(kept, gan, "newest")
        pixels = made.data(gan).batch(0, BATCH_SIZE, 0)
    else:
        pixels = tf.constant(np.random.default_rng(0).integers(0, 256, (BATCH_SIZE, *gan.sample_shape), np.uint8))
    real = np.asarray(as_floats(pixels), np.float64)
    return exactness.compare(made.gan, RULES, real, precisions, (False, True), gan)


def check_accelerator(given: argparse.Namespace) -> None:
    check("--rounds", Count, given.rounds)
    precisions = cli.chosen("--precisions", given.precisions, step_cost.PRECISIONS)
    settings = cli.chosen("--settings", given.settings, list("ABCDEF"))
    step_cost.warm_up(step_cost.MODES)
    show(f"## Machine\n\n{machine()}\n\n## Directions\n")
    found = directions(given.run, given.gin_param, precisions)
    wrong = sum(not one.right for one in found)
    bounds = ", ".join(f"{exactness.BOUNDS[policy]} in {policy}" for policy in precisions)
    show(
        f"{exactness.table(found)}\n\nRelative error, cosine, beside float64 on the CPU; right up to an error of "
        f"{bounds}. {wrong or 'None'} of {len(found)} wrong.\n\n## Steps\n"
    )
    rows = []
    for setting in settings:
        methods = {
            step_cost.METHODS[method]: step_cost.Configuration(step_cost.SETTINGS[setting][method], given.gin_param)
            for method in METHODS
        }
        rows += step_cost.measure(setting, methods, given.rounds, list(step_cost.MODES), precisions)
    show(step_times.table(rows))
    if wrong:
        raise RunError(f"{wrong} of {len(found)} directions are wrong")


def main(arguments: Sequence[str] | None = None) -> None:
    parser().run(check_accelerator, arguments)


if __name__ == "__main__":
    main()
