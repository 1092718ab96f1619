"""What a training step takes, for every setting and method of CIFAR-10 (JARE Fig. 4), and in two dimensions.

    python tools/benchmark.py --output benchmark
    python tools/benchmark.py --settings C,E --methods gan,jare --modes graph --precisions float32,mixed_bfloat16
    python tools/benchmark.py --settings C --methods gan,conopt,jare --modes graph,pytorch
    python tools/benchmark.py cifar10/c_gan.gin cifar10/c_jare.gin --gin_param "BATCH_SIZE = 16"
    python tools/benchmark.py --from benchmark/benchmark.json other/benchmark.json

Prints a table in Markdown, or with --from that of earlier measurements; --output also writes benchmark.json and
benchmark.png, after each setting. No data are needed: images are random pixels, on which a step takes as long.

Each step stands beside the time that its convolutions take alone, the least that it can take, and with the mode
pytorch beside the same step in PyTorch, which has to be installed (pip install torch). What is measured, and how, is in
`jare_tf.reproduction.step_cost`.
"""

import argparse
import json
import pathlib
from collections.abc import Sequence

from jare_tf import cli


def parser() -> cli.Parser:
    made = cli.Parser("benchmark", __doc__)
    made.add_argument("configs", nargs="*", metavar="CONFIG", help="gin files, in place of settings; none by default")
    made.add_argument("--settings", help="of JARE section 7, as in C,E, and games in two dimensions; by default all")
    made.add_argument("--methods", help="such as gan,conopt,jare; by default all")
    made.add_argument("--modes", help="of graph, xla and pytorch; graph,xla by default")
    made.add_argument("--precisions", help="such as float32,mixed_bfloat16; float32 by default")
    made.add_argument("--rounds", type=int, default=7, help="measurements of each; %(default)s by default")
    made.add_argument(
        "--gin_param", action="append", default=[], help='overrides, for instance "FILTERS = 16"; none by default'
    )
    made.add_argument("--output", metavar="DIR", help="for benchmark.json and benchmark.png; by default not written")
    made.add_argument(
        "--from", dest="from_json", nargs="+", metavar="FILE", help="show these, measure nothing; none by default"
    )
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

import tensorflow as tf

from jare_tf import files
from jare_tf.errors import InputError, one_line
from jare_tf.output import show
from jare_tf.report import curves, step_times
from jare_tf.report.step_times import StepTime
from jare_tf.reproduction import pytorch_process
from jare_tf.reproduction.step_cost import (
    EXCHANGED,
    METHODS,
    MODES,
    PRECISIONS,
    PYTORCH,
    SETTINGS,
    Configuration,
    device,
    measure,
    warm_up,
)
from jare_tf.settings import Count, check
from jare_tf.training.run import Run


def plan(arguments: argparse.Namespace) -> dict[str, dict[str, Configuration]]:
    """By setting the configurations to compare, by the name of their method."""
    if arguments.configs:
        return {"–": {file: Configuration(file, arguments.gin_param) for file in arguments.configs}}
    methods = cli.chosen("--methods", arguments.methods, list(METHODS))
    settings = {
        setting: {
            METHODS[method]: Configuration(
                SETTINGS[setting][method], [*EXCHANGED.get(method, ()), *arguments.gin_param]
            )
            for method in methods
            if method in SETTINGS[setting]
        }
        for setting in cli.chosen("--settings", arguments.settings, list(SETTINGS))
    }
    settings = {setting: configurations for setting, configurations in settings.items() if configurations}
    if not settings:
        raise InputError("no setting has one of the methods")
    return settings


def read(paths: Sequence[str]) -> list[StepTime]:
    """The rows of files that --output wrote, setting by setting."""
    rows = []
    for path in paths:
        try:
            rows += step_times.from_json(json.loads(pathlib.Path(path).read_text())["rows"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InputError(f"--from {path} is no benchmark.json: {one_line(error)}") from error
    settings = list(dict.fromkeys(row.setting for row in rows))
    return sorted(rows, key=lambda row: settings.index(row.setting))


def write(folder: str, rows: Sequence[StepTime]) -> None:
    try:
        tf.io.gfile.makedirs(folder)
        record = {**device(), "rows": step_times.to_json(rows)}
        files.replace(f"{folder}/benchmark.json", json.dumps(record, indent=1) + "\n")
        curves.save(step_times.draw(rows), f"{folder}/benchmark.png")
    except (tf.errors.OpError, OSError) as error:
        raise InputError(f"cannot write to --output {folder}: {one_line(error)}") from error


def benchmark(arguments: argparse.Namespace) -> None:
    if arguments.from_json:
        show(step_times.table(read(arguments.from_json)))
        return
    check("--rounds", Count, arguments.rounds)
    modes = cli.chosen("--modes", arguments.modes, [*MODES, PYTORCH], default=list(MODES))
    precisions = cli.chosen("--precisions", arguments.precisions, PRECISIONS, default=["float32"])
    settings = plan(arguments)
    in_pytorch = [
        set(settings[name]) & set(pytorch_process.METHODS) for name in settings if name in pytorch_process.SETTINGS
    ]
    if PYTORCH in modes and not any(in_pytorch):
        raise InputError("PyTorch has none of these steps: it has GAN, ConOpt and JARE in settings A to F")
    if arguments.output:
        Run(arguments.output).make()
    warm_up(modes)
    rows: list[StepTime] = []
    for setting, configurations in settings.items():
        rows += measure(setting, configurations, arguments.rounds, modes, precisions)
        if arguments.output:
            write(arguments.output, rows)
    show(step_times.table(rows))


def main(arguments: Sequence[str] | None = None) -> None:
    parser().run(benchmark, arguments, {"cannot write to": "--output"})


if __name__ == "__main__":
    main()
