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
from jare_tf.main import dispatch

ROUNDS = 3


def steps_per_second(config: str, steps_per_call: int, jit: bool, half: int, gin_params: list[str]) -> float:
    pace = [f"STEPS = {2 * half}", f"LOG_EVERY = {half}", f"STEPS_PER_CALL = {steps_per_call}", f"JIT = {jit}"]
    rare = ["SAVE_EVERY = 100000000", "SAMPLE_EVERY = 100000000"]
    with tempfile.TemporaryDirectory() as model_dir, contextlib.redirect_stdout(io.StringIO()):
        dispatch([config], [*pace, *rare, *gin_params], "train", model_dir)
        rows = (pathlib.Path(model_dir) / "metrics.jsonl").read_text().splitlines()
    return json.loads(rows[-1])["steps_per_second"]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="a gin file, as for --gin_file")
    parser.add_argument("steps_per_call", nargs="+", type=int)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--gin_param", action="append", default=[], help='overrides, for instance "BATCH_SIZE = 16"')
    given = parser.parse_args(arguments)
    cli.run("steps_per_call", lambda: measure(given))


def measure(arguments: argparse.Namespace) -> None:
    measured: dict[tuple[bool, int], list[float]] = {}
    for _ in range(ROUNDS):
        for jit in (False, True):
            for count in arguments.steps_per_call:
                half = max(arguments.calls * count, arguments.steps // count * count)
                speed = steps_per_second(arguments.config, count, jit, half, arguments.gin_param)
                measured.setdefault((jit, count), []).append(speed)
    print(f"| {arguments.config} | " + " | ".join(map(str, arguments.steps_per_call)) + " |")
    print("| --- |" + " --- |" * len(arguments.steps_per_call))
    for jit in (False, True):
        speeds = (statistics.median(measured[jit, count]) for count in arguments.steps_per_call)
        print(f"| XLA {'on' if jit else 'off'} | " + " | ".join(f"{speed:,.3g}" for speed in speeds) + " |")


if __name__ == "__main__":
    main()
