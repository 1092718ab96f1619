"""Steps a second against STEPS_PER_CALL, with XLA and without, as a table in Markdown.

    python tools/steps_per_call.py isotropic_gaussian/jare.gin 1 10 100 1000
    python tools/steps_per_call.py cifar10/c_jare.gin 1 10 --calls 3

Every combination trains for twice --calls calls (at least --steps steps), and the second half counts; ROUNDS times in
turn in one process, of which the median is printed.
"""

import argparse
import contextlib
import io
import json
import pathlib
import statistics
import tempfile

from jare_tf import cli


def parser() -> cli.Parser:
    made = cli.Parser("steps_per_call", __doc__)
    made.add_argument("config", help="a gin file, as for --gin_file")
    made.add_argument("steps_per_call", nargs="+", type=int, help="what to compare")
    made.add_argument("--calls", type=int, default=20, help="whose steps are timed; %(default)s by default")
    made.add_argument("--steps", type=int, default=1, help="timed at least; %(default)s by default")
    made.add_argument(
        "--gin_param", action="append", default=[], help='overrides, for instance "BATCH_SIZE = 16"; none by default'
    )
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

from jare_tf.main import dispatch
from jare_tf.output import show
from jare_tf.settings import Count, check

ROUNDS = 3


def steps_per_second(config: str, steps_per_call: int, jit: bool, half: int, gin_params: list[str]) -> float:
    pace = [f"STEPS = {2 * half}", f"LOG_EVERY = {half}", f"STEPS_PER_CALL = {steps_per_call}", f"JIT = {jit}"]
    rare = ["SAVE_EVERY = 100000000", "SAMPLE_EVERY = 100000000"]
    with tempfile.TemporaryDirectory() as model_dir, contextlib.redirect_stdout(io.StringIO()):
        dispatch([config], [*pace, *rare, *gin_params], "train", model_dir)
        rows = (pathlib.Path(model_dir) / "metrics.jsonl").read_text().splitlines()
    return json.loads(rows[-1])["steps_per_second"]


def measure(arguments: argparse.Namespace) -> None:
    for name, values in vars(arguments).items():
        if name in ("steps_per_call", "calls", "steps"):
            for value in values if isinstance(values, list) else [values]:
                check(name, Count, value)
    measured: dict[tuple[bool, int], list[float]] = {}
    for _ in range(ROUNDS):
        for jit in (False, True):
            for count in arguments.steps_per_call:
                half = max(arguments.calls * count, arguments.steps // count * count)
                speed = steps_per_second(arguments.config, count, jit, half, arguments.gin_param)
                measured.setdefault((jit, count), []).append(speed)
    show(f"| {arguments.config} | " + " | ".join(map(str, arguments.steps_per_call)) + " |")
    show("| --- |" + " --- |" * len(arguments.steps_per_call))
    for jit in (False, True):
        speeds = (statistics.median(measured[jit, count]) for count in arguments.steps_per_call)
        show(f"| XLA {'on' if jit else 'off'} | " + " | ".join(f"{speed:,.3g}" for speed in speeds) + " |")


def main(arguments: list[str] | None = None) -> None:
    parser().run(measure, arguments)


if __name__ == "__main__":
    main()
