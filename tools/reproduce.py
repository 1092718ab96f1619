"""A figure or table of the three papers made anew, with its data and the paper's claims about it as checks; or a league
table, in which every method has as much arithmetic.

    python tools/reproduce.py jare-fig1
    python tools/reproduce.py all --scale smoke
    python tools/reproduce.py --list
    python tools/reproduce.py --claims

Trains or computes what is missing, and writes OUT/SCALE/FIGURE/picture.png in the paper's layout, data.csv with what it
shows, and claims.json: each claim of the paper's text with what was measured and whether that reproduces it. Runs are
kept in OUT/SCALE/runs, shared by the figures, gone on with after an interruption and reused.
"""

import argparse
import os

from jare_tf import cli


def parser() -> cli.Parser:
    made = cli.Parser("reproduce", __doc__)
    made.add_argument("figures", nargs="*", metavar="FIGURE", help="as --list names them, or all")
    made.add_argument("--scale", choices=("smoke", "cpu", "paper"), default="cpu", help="%(default)s by default")
    made.add_argument("--out", default="reproduction", help="a folder; %(default)s by default")
    made.add_argument(
        "--embedding", metavar="FILE", help="what image scores see through, for EMBEDDING_PATH; none by default"
    )
    made.add_argument("--data_dir", help="where TFDS data lie or are put; by default $TFDS_DATA_DIR")
    made.add_argument("--list", action="store_true", help="show the figures with what they cost, by default not")
    made.add_argument(
        "--claims", action="store_true", help="show the claims of the figures made so far, by default not"
    )
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

from jare_tf.errors import InputError
from jare_tf.output import say, show
from jare_tf.reproduction import figures
from jare_tf.reproduction.workspace import Stopped, Workspace


def reproduce(names: list[str], workspace: Workspace) -> None:
    """Makes figures; of several those that cannot be made for want of data are passed over, and said."""
    for name in names:
        say(f"{name}: {figures.FIGURES[name].shows}")
        try:
            record = figures.make(name, workspace)
        except InputError as error:
            if len(names) == 1:
                raise
            say(f"{name}: not made: {str(error).splitlines()[0]}")
            continue
        say(f"{name}: {workspace.out}/{name}")
        if "not_run" in record:
            say(f"  not made: {record['not_run']}")
        for claim in record["claims"]:
            measured = ", ".join(f"{what} {_short(value)}" for what, value in claim["measured"].items())
            say(f"  {figures.in_words(claim['reproduced'])}: {claim['claim']} ({claim['source']}): {measured}")


def _short(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def act(given: argparse.Namespace) -> int | None:
    """What the arguments ask for; the signal that stopped a run, if one did."""
    out = f"{given.out}/{given.scale}"
    if given.list:
        return show(figures.costs_table())
    if given.claims:
        return show(figures.claims_table(out, given.scale))
    if given.data_dir:
        os.environ["TFDS_DATA_DIR"] = given.data_dir
    return _make(given.figures, out, given.scale, given.embedding)


def _make(named: list[str], out: str, scale: str, embedding: str | None) -> int | None:
    """Makes the figures named; the signal that stopped a run, if one did."""
    unknown = [name for name in named if name not in (*figures.FIGURES, "all")]
    if unknown or not named:
        missing = f"no figure {unknown[0]!r}" if unknown else "no figure named"
        raise InputError(f"{missing}: take all, or some of {', '.join(figures.FIGURES)}")
    try:
        reproduce(list(figures.FIGURES) if "all" in named else named, Workspace(out, scale, embedding))
    except Stopped as stop:
        return stop.signal
    return None


def main(arguments: list[str] | None = None) -> None:
    parser().run(act, arguments, {"cannot write to": "--out", "embedding.load": "--embedding"})


if __name__ == "__main__":
    main()
