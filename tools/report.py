"""One page of HTML about one or several runs: their progress, configurations, curves, scores and samples.

    python tools/report.py runs/quickstart/*/ --output report.html

The page needs no other file and no network. Runs may still be going on.
"""

import argparse

import tensorflow as tf

from jare_tf import cli, config, files
from jare_tf.errors import InputError, check_integer, one_line
from jare_tf.report import page, run_summary


def write(directories: list[str], output: str, pictures: int | None) -> None:
    if pictures is not None:
        check_integer("--pictures", pictures, 1)
    text = page.html(run_summary.read(directories, config.resolved), pictures)
    if tf.io.gfile.isdir(output):
        raise InputError(f"--output {output} is a folder: name a file")
    try:
        files.replace(output, text)
    except (tf.errors.OpError, OSError) as error:
        raise InputError(f"cannot write --output {output}: {one_line(error)}") from error


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run directory")
    parser.add_argument("--output", default="report.html", help="the page; report.html by default")
    parser.add_argument(
        "--pictures", type=int, help="of samples a run; by default up to 6, as many as the page has room for"
    )
    given = parser.parse_args(arguments)
    cli.run("report", lambda: write(given.runs, given.output, given.pictures))
    print(given.output)


if __name__ == "__main__":
    main()
