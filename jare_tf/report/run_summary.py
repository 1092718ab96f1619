"""What a report shows of runs."""

import dataclasses
import os
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from jare_tf import files
from jare_tf.errors import InputError, one_line
from jare_tf.report.columns import Columns
from jare_tf.training.run import Run

_REFERENCE = re.compile(r"(?<![\w'\"])@(?:[\w/]+/)?([\w.]+)(?:\(\))?")
_MOST_CALLS, _LONGEST = 20, 200  # what a page spells out of a reference: calls, and letters
_END_OF_PNG = b"IEND\xaeB`\x82"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run, as far as it is now.

    Args:
      label: a name that no other of the runs has.
      directory: the run directory, as it was named.
      rows: the numbers of metrics.jsonl.
      scores: rows of evaluation/metrics.jsonl, which also have strings that say how a score was computed.
      pictures: paths of the pictures of samples, by step.
      config: config.gin, empty where there is none.
      bindings: the values of config.gin by parameter.
    """

    label: str
    directory: str
    rows: Columns
    scores: list[dict]
    pictures: dict[int, str]
    config: str
    bindings: Mapping[str, str]

    @property
    def method(self) -> str:
        """The update rule with its arguments, and the schedule where there is one; empty where neither is known."""
        parts = (self._called(f"experiment.Experiment.{name}") for name in ("rule", "schedule"))
        return ", ".join(part for part in parts if part)

    @property
    def data(self) -> str:
        """The data set: its name or folder where it has one, else as `method` is written."""
        selector = self.bindings.get("experiment.Experiment.dataset", "").removeprefix("@").removesuffix("()")
        named = self.bindings.get(f"{selector}.name") or self.bindings.get(f"{selector}.path")
        return named.strip("'\"") if named else self._called("experiment.Experiment.dataset")

    def _called(self, parameter: str) -> str:
        """The value of a parameter; what it refers to is written as a call: jare(gamma=10.0)."""
        text = self.bindings.get(parameter, "")
        for _ in range(_MOST_CALLS):
            text = _REFERENCE.sub(self._call, text, count=1)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

    def _call(self, reference: re.Match) -> str:
        prefix = f"{reference[1]}."
        names = [name for name in self.bindings if name.startswith(prefix)]
        arguments = ", ".join(f"{name.removeprefix(prefix)}={self.bindings[name]}" for name in names)
        return f"{prefix.split('.')[-2]}({arguments})"


def read(directories: Sequence[str], bindings: Callable[[str], Mapping[str, str]]) -> list[RunSummary]:
    """The runs in these directories, which may still be going on.

    Args:
      directories: run directories.
      bindings: the values by parameter that a config.gin of this text binds.

    Raises:
      InputError: a directory holds no run or is named twice, or something in it cannot be read.
    """
    names = labels(directories)
    return [_read(Run(path.rstrip("/") or "/"), name, bindings) for path, name in zip(directories, names, strict=True)]


def labels(directories: Sequence[str]) -> list[str]:
    """Of each path the shortest part that tells it from the others.

    Raises:
      InputError: a directory is named twice.
    """
    parts = [_parts(directory) for directory in directories]
    for index, path in enumerate(parts):
        if path in parts[:index]:
            raise InputError(f"{directories[index]} is named twice: name each run once")
    deepest = max(map(len, parts))
    length = next(k for k in range(1, deepest + 1) if len({path[-k:] for path in parts}) == len(parts))
    parts = [path[-length:] for path in parts]
    while len(parts) > 1 and len({path[-1] for path in parts}) == 1:
        parts = [path[:-1] for path in parts]
    return ["/".join(path) for path in parts]


def _parts(directory: str) -> tuple[str, ...]:
    if "://" in directory:
        return tuple(part for part in directory.split("/") if part)
    return pathlib.PurePath(os.path.abspath(directory)).parts


def _read(run: Run, label: str, bindings: Callable[[str], Mapping[str, str]]) -> RunSummary:
    try:
        if not run.parts():
            raise InputError(_no_run(run))
        text = run.config()
        return RunSummary(
            label=label,
            directory=run.path,
            rows=Columns(run.rows()),
            scores=list(run.evaluation.rows()),
            pictures=_complete(run.pictures()),
            config=text,
            bindings=bindings(text),
        )
    except (tf.errors.OpError, OSError) as error:
        raise InputError(f"cannot read the run in {run}: {one_line(error)}") from error


def _no_run(run: Run) -> str:
    if not tf.io.gfile.isdir(run.path):
        return f"{run} is not a folder: name run directories, for instance runs/quickstart/JARE"
    inside = [os.path.basename(path) for path in files.named(run.path, "") if Run(path).parts()]
    advice = f"runs inside: {', '.join(inside)}; pass {run}/*/" if inside else "name run directories"
    return f"{run} is not a run directory (no config.gin, metrics.jsonl or checkpoint); {advice}"


def _complete(paths: dict[int, str]) -> dict[int, str]:
    """Pictures but for the last one where it is just being written."""
    if paths:
        with files.opened(paths[max(paths)]) as file:
            complete = file.read().endswith(_END_OF_PNG)
        if not complete:
            del paths[max(paths)]
    return paths
