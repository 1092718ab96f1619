"""Every figure and table of the three papers that shows something to compute, two league tables beyond them, and how
one is made and written down."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.errors import InputError
from jare_tf.report import curves, pictures
from jare_tf.reproduction import conopt, gradreg, jare, jare_images, league, theory_figures
from jare_tf.reproduction.workspace import Claim, NotRun, Result, Workspace
from jare_tf.training.run import Run


class Figure(NamedTuple):
    """A figure or table that can be made anew.

    make: makes it; its docstring says what it shows.
    cpu: what it costs at scale "cpu" on two cores, in words; more where others have not made its runs yet.
    paper: at scale "paper".
    of_papers: whether it is theirs, with claims.
    """

    make: Callable[[Workspace], Result]
    cpu: str
    paper: str
    of_papers: bool = True

    def cost(self, scale: str) -> str:
        """What it costs at a scale."""
        return {"smoke": "seconds", "cpu": self.cpu, "paper": self.paper}[scale]

    @property
    def shows(self) -> str:
        return str(self.make.__doc__).splitlines()[0]


UNJUDGED = "smoke scale: not judged"  # a claim, after four steps
FIGURES: dict[str, Figure] = {
    "jare-fig1": Figure(jare.fig1, "1 min", "1 min"),
    "jare-fig2": Figure(jare.fig2, "8 min", "12 min"),
    "jare-fig3": Figure(jare_images.fig3, "1.5 h", "24 runs of 500,000 steps on a GPU"),
    "jare-fig4": Figure(jare_images.fig4, "8 min", "10 min on a GPU"),
    "jare-fig5": Figure(jare.fig5, "3 min", "3 min"),
    "jare-fig6": Figure(jare.fig6, "3 min", "3 min"),
    "jare-fig7": Figure(jare.fig7, "25 min", "25 min"),
    "jare-fig8": Figure(jare.fig8, "25 min", "25 min"),
    "jare-fig9": Figure(jare_images.fig9, "none beyond jare-fig3", "as jare-fig3"),
    "jare-fig10": Figure(jare_images.fig10, "needs a GPU", "5 runs of 500,000 steps on a GPU"),
    "jare-table1": Figure(jare.table1, "seconds", "seconds"),
    "jare-table2": Figure(jare_images.table2, "seconds", "seconds"),
    "jare-table3": Figure(jare_images.table3, "seconds", "seconds"),
    "jare-table4": Figure(jare_images.table4, "seconds", "seconds"),
    "jare-table5": Figure(jare_images.table5, "seconds", "seconds"),
    "jare-theorem2": Figure(theory_figures.theorem2, "seconds", "seconds"),
    "jare-section4": Figure(theory_figures.iterations, "seconds", "seconds"),
    "jare-section6": Figure(theory_figures.section6, "seconds", "seconds"),
    "jare-appendix-b": Figure(theory_figures.appendix_b, "seconds", "seconds"),
    "jare-appendix-c": Figure(theory_figures.appendix_c, "seconds", "seconds"),
    "conopt-fig1": Figure(conopt.fig1, "seconds", "seconds"),
    "conopt-fig2": Figure(conopt.fig2, "3 min", "3 min"),
    "conopt-fig3": Figure(conopt.fig3, "2 min", "2 min"),
    "conopt-fig4": Figure(conopt.fig4, "15 min", "150,000 and 1,500,000 steps on a GPU"),
    "conopt-fig5": Figure(conopt.fig5, "15 min", "2 runs of 150,000 steps on a GPU"),
    "conopt-fig6": Figure(conopt.fig6, "2 h", "12 runs of 150,000 steps on a GPU"),
    "conopt-fig7": Figure(conopt.fig7, "2.5 h, with conopt-fig6", "16 runs of 150,000 steps on a GPU"),
    "conopt-fig8": Figure(conopt.fig8, "2.5 h", "16 runs of 150,000 steps on a GPU"),
    "conopt-fig9": Figure(conopt.fig9, "1 h", "5 runs of 150,000 steps on a GPU"),
    "conopt-fig10": Figure(conopt.fig10, "needs a GPU", "2 runs of 150,000 and 1 of 1,500,000 steps on a GPU"),
    "conopt-fig11": Figure(conopt.fig11, "20 min", "2 runs of 150,000 steps on a GPU"),
    "conopt-fig12": Figure(conopt.fig12, "1 h", "8 runs of 150,000 steps on a GPU"),
    "conopt-fig13": Figure(conopt.fig13, "1.5 h", "8 runs of 150,000 steps on a GPU"),
    "conopt-fig14": Figure(conopt.fig14, "1.5 h", "8 runs of 150,000 steps on a GPU"),
    "gradreg-fig1": Figure(gradreg.fig1, "25 min", "2 h"),
    "gradreg-fig2": Figure(gradreg.fig2, "10 min", "an hour on two cores"),
    "gradreg-fig3": Figure(gradreg.fig3, "2 min", "2 min"),
    "gradreg-fig4": Figure(gradreg.fig4, "none beyond gradreg-fig2", "as gradreg-fig2"),
    "gradreg-appendix-d": Figure(gradreg.appendix_d, "1 min", "1 min"),
    "gradreg-theorem3": Figure(theory_figures.theorems_3, "seconds", "seconds"),
    "league-mixture": Figure(league.mixture, "3 h", "3 h", of_papers=False),
    "league-cifar10": Figure(league.cifar10, "2 h", "2 h", of_papers=False),
}


def make(name: str, workspace: Workspace) -> dict[str, Any]:
    """Makes a figure into workspace.out/<name>: picture.png, data.csv and claims.json; the record in the last.

    Where it cannot be made at this scale there is only claims.json, which says why.

    Raises:
      InputError, RunError: of the runs that it needs.
      workspace.Stopped: a signal stopped one.
    """
    figure, folder = FIGURES[name], f"{workspace.out}/{name}"
    Run(folder).make()
    embedding = " --embedding FILE" if workspace.embedding else ""
    record: dict[str, Any] = {
        "figure": name,
        "shows": figure.shows,
        "scale": workspace.scale,
        "command": f"python tools/reproduce.py {name} --scale {workspace.scale}{embedding}",
    }
    try:
        result = figure.make(workspace)
    except NotRun as error:
        record = {**record, "not_run": str(error), "claims": []}
        _write_json(folder, record)
        return record
    picture = result.picture
    if isinstance(picture, np.ndarray):
        files.replace(f"{folder}/picture.png", pictures.png(picture))
    else:
        curves.save(picture, f"{folder}/picture.png")
    files.replace(f"{folder}/data.csv", _csv(result.data))
    meaningful = workspace.scale != "smoke"
    claims = [{**claim._asdict(), "reproduced": _verdict(claim) if meaningful else UNJUDGED} for claim in result.claims]
    _write_json(folder, {**record, "claims": claims})
    return {**record, "claims": claims}


def _verdict(claim: Claim) -> bool | str:
    return claim.reproduced if isinstance(claim.reproduced, str) else bool(claim.reproduced)


def in_words(verdict: bool | str) -> str:
    """The "reproduced" of a record: "reproduced", "differs", or what it says itself."""
    if isinstance(verdict, str):
        return verdict
    return "reproduced" if verdict else "differs"


def in_markdown(verdict: bool | str) -> str:
    """The same, with "differs" in bold."""
    return f"**{in_words(verdict)}**" if verdict is False else in_words(verdict)


def costs_table() -> str:
    """Every figure in Markdown, with what it costs."""
    rows = [f"| {name} | {one.shows} | {one.cost('cpu')} | {one.cost('paper')} |" for name, one in FIGURES.items()]
    return "\n".join(
        ["| figure | shows | --scale cpu, two cores | --scale paper |", "| --- | --- | --- | --- |", *rows]
    )


def claims_table(folder: str, scale: str) -> str:
    """Every claim in Markdown, with the verdict of the figures made into a folder, and of the others what they cost.

    Args:
      folder: <out>/<scale>, where `make` has written.
      scale: at which the others would be made.

    Raises:
      InputError: a claims.json is broken.
    """
    rows = ["| figure | the paper says | here |", "| --- | --- | --- |"]
    for name, figure in FIGURES.items():
        if not figure.of_papers:
            continue
        record = read(name, folder)
        if record is None or "not_run" in record:
            cost = figure.cost(scale)
            why = cost if record else f"not made yet ({cost})"
            rows.append(f"| {name} | {figure.shows.removesuffix('.')} | {why} |")
        else:
            rows += [f"| {name} | {of['claim']} | {in_markdown(of['reproduced'])} |" for of in record["claims"]]
    return "\n".join(rows)


def read(name: str, folder: str) -> dict[str, Any] | None:
    """claims.json of a figure that was made into a folder, None where it was not.

    Raises:
      InputError: it is broken.
    """
    path = f"{folder}/{name}/claims.json"
    if not tf.io.gfile.exists(path):
        return None
    try:
        with tf.io.gfile.GFile(path) as file:
            record = json.loads(file.read())
        [(claim["claim"], hash(claim["reproduced"])) for claim in record["claims"]]
    except (ValueError, LookupError, TypeError, RecursionError, tf.errors.OpError) as error:
        raise InputError(f"{path} is no record of a figure: remove it, and make {name} anew") from error
    return record


def _write_json(folder: str, record: Mapping[str, Any]) -> None:
    files.replace(f"{folder}/claims.json", json.dumps(record, indent=1, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    """A NumPy number as Python's."""
    return value.item()


def _csv(rows) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()} for row in rows
    )
    return text.getvalue()
