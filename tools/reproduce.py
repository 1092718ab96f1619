"""A figure or table of the three papers made anew, with its data and the paper's claims about it as checks.

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
from jare_tf.errors import InputError
from jare_tf.reproduction import figures
from jare_tf.reproduction.workspace import SCALES, Stopped, Workspace


def list_figures() -> None:
    print("| figure | shows | --scale cpu, two cores | --scale paper |\n| --- | --- | --- | --- |")
    for name, figure in figures.FIGURES.items():
        print(f"| {name} | {figure.shows} | {figure.cpu} | {figure.paper} |")


def reproduce(names: list[str], workspace: Workspace) -> None:
    """Makes figures; of several those that cannot be made for want of data are passed over, and said."""
    for name in names:
        print(f"{name}: {figures.FIGURES[name].shows}", flush=True)
        try:
            record = figures.make(name, workspace)
        except InputError as error:
            if len(names) == 1:
                raise
            print(f"{name}: not made: {str(error).splitlines()[0]}", flush=True)
            continue
        print(f"{name}: {workspace.out}/{name}", flush=True)
        if "not_run" in record:
            print(f"  not made: {record['not_run']}", flush=True)
        for claim in record["claims"]:
            verdict = {True: "reproduced", False: "differs"}.get(claim["reproduced"], claim["reproduced"])
            measured = ", ".join(f"{what} {_short(value)}" for what, value in claim["measured"].items())
            print(f"  {verdict}: {claim['claim']} ({claim['source']}): {measured}", flush=True)


def _short(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help="as --list names them, or all")
    parser.add_argument("--scale", choices=SCALES, default="cpu", help="%(default)s by default")
    parser.add_argument("--out", default="reproduction", help="a folder; %(default)s by default")
    parser.add_argument("--embedding", metavar="FILE", help="what image scores see through, for EMBEDDING_PATH")
    parser.add_argument("--data_dir", help="where TFDS data lie or are put; by default $TFDS_DATA_DIR")
    parser.add_argument("--list", action="store_true", help="the figures, with what they cost")
    parser.add_argument("--claims", action="store_true", help="the claims of all figures made so far, in Markdown")
    given = parser.parse_args(arguments)
    out = f"{given.out}/{given.scale}"
    if given.list:
        return list_figures()
    if given.claims:
        return print(figures.claims_table(out))
    if given.data_dir:
        os.environ["TFDS_DATA_DIR"] = given.data_dir
    cli.run("reproduce", lambda: _make(given.figures, out, given.scale, given.embedding))


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


if __name__ == "__main__":
    main()
