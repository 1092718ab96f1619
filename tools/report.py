"""One page of HTML about one or several runs: their progress, configurations, curves, scores and samples.

    python tools/report.py runs/quickstart/*/ --output report.html

The page needs no other file and no network. Runs may still be going on.
"""

import argparse

from jare_tf import cli


def parser() -> cli.Parser:
    made = cli.Parser("report", __doc__)
    made.add_argument("runs", nargs="+", metavar="RUN", help="a run directory")
    made.add_argument("--output", default="report.html", help="the page, a file; %(default)s by default")
    made.add_argument(
        "--pictures", type=int, help="how many of the samples of each run; by default up to 6, in all up to a megabyte"
    )
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

import tensorflow as tf

from jare_tf import config, files
from jare_tf.errors import InputError, one_line
from jare_tf.output import show
from jare_tf.report import page, run_summary
from jare_tf.settings import Count, check


def write(given: argparse.Namespace) -> None:
    output, pictures = given.output, given.pictures
    if pictures is not None:
        check("--pictures", Count, pictures)
    text = page.html(run_summary.read(given.runs, config.resolved), pictures)
    if tf.io.gfile.isdir(output):
        raise InputError(f"--output {output} is a folder: name a file")
    try:
        files.replace(output, text)
    except (tf.errors.OpError, OSError) as error:
        raise InputError(f"cannot write --output {output}: {one_line(error)}") from error
    show(output)


def main(arguments: list[str] | None = None) -> None:
    parser().run(write, arguments)


if __name__ == "__main__":
    main()
