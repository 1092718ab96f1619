"""Milliseconds a training step takes, for one or several configurations, in one process.

    python tools/time_steps.py cifar10/c_gan.gin cifar10/c_sngan.gin cifar10/c_conopt.gin cifar10/c_jare.gin

Runs each for --steps steps, one a compiled call, ROUNDS times in turn, and prints the median over all steps but each
run's first, which compiles, and the ratio to the first configuration.
"""

import argparse
import contextlib
import io
import json
import pathlib
import statistics
import tempfile

from jare_tf import main

ROUNDS = 2
SINGLE = ["STEPS_PER_CALL = 1", "LOG_EVERY = 1", "SAVE_EVERY = 1000000", "SAMPLE_EVERY = 1000000"]


def milliseconds(config: str, steps: int, gin_params: list[str]) -> list[float]:
    """Of every step but the first of one run."""
    with tempfile.TemporaryDirectory() as model_dir, contextlib.redirect_stdout(io.StringIO()):
        main.run([config], [*SINGLE, f"STEPS = {steps}", *gin_params], "train", model_dir)
        rows = [json.loads(line) for line in (pathlib.Path(model_dir) / "metrics.jsonl").read_text().splitlines()]
    return [1e3 / row["steps_per_second"] for row in rows if "steps_per_second" in row]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="+", help="gin files, as for --gin_file")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--gin_param", action="append", default=[], help='overrides, for instance "JIT = True"')
    arguments = parser.parse_args()
    times: dict[str, list[float]] = {config: [] for config in arguments.configs}
    for _ in range(ROUNDS):
        for config, measured in times.items():
            measured += milliseconds(config, arguments.steps, arguments.gin_param)
    medians = {config: statistics.median(measured) for config, measured in times.items()}
    for config, median in medians.items():
        print(f"{config:32} {median:8.1f} ms  {median / medians[arguments.configs[0]]:5.2f}")
