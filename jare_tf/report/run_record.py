"""What runs have left in their directories, read back."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from jare_tf.errors import InputError, reason
from jare_tf.training.summaries import read_metrics

_END_OF_PNG = b"IEND\xaeB`\x82"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run.

    Args:
      label: a name that no other of the runs has.
      directory: the run directory, as it was named.
      rows: of metrics.jsonl.
      scores: rows of evaluation/metrics.jsonl, which also have strings that say how a score was computed.
      pictures: paths of the pictures of samples, by step.
      config: config.gin, empty where there is none.
      bindings: the values of config.gin by parameter.
    """

    label: str
    directory: str
    rows: list[dict]
    scores: list[dict]
    pictures: dict[int, str]
    config: str
    bindings: Mapping[str, str]


def read(directories: Sequence[str], bindings: Callable[[str], Mapping[str, str]]) -> list[RunRecord]:
    """The runs in these directories, which may still be going on.

    Args:
      directories: run directories.
      bindings: the values by parameter that a config.gin of this text binds.

    Raises:
      InputError: a directory holds no run or is named twice, or something in it cannot be read.
    """
    names = labels(directories)
    return [_read(directory, label, bindings) for directory, label in zip(directories, names, strict=True)]


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


def tags(rows: Sequence[dict]) -> list[str]:
    """The tags of rows, in the order in which they first appear."""
    found = {tag: None for row in rows for tag, value in row.items() if _is_number(value)}
    return [tag for tag in found if tag not in ("step", "seconds")]


def series(rows: Sequence[dict], tag: str) -> dict[int, float]:
    """The finite values of a tag by step; of several at one step the one written last."""
    values = {row["step"]: row[tag] for row in rows if _is_number(row.get(tag)) and math.isfinite(row[tag])}
    return dict(sorted(values.items()))


def _parts(directory: str) -> tuple[str, ...]:
    if "://" in directory:
        return tuple(part for part in directory.split("/") if part)
    return pathlib.PurePath(os.path.abspath(directory)).parts


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read(directory: str, label: str, bindings: Callable[[str], Mapping[str, str]]) -> RunRecord:
    directory = directory.rstrip("/") or "/"
    try:
        if not _is_run(directory):
            raise InputError(_no_run(directory))
        text = _config(directory)
        rows, scores = _rows(directory), _rows(f"{directory}/evaluation")
        pictures = _pictures(directory)
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the run in {directory}: {reason(error)}") from error
    return RunRecord(
        label=label,
        directory=directory,
        rows=rows,
        scores=scores,
        pictures=pictures,
        config=text,
        bindings=bindings(text),
    )


def _is_run(directory: str) -> bool:
    return any(tf.io.gfile.exists(f"{directory}/{name}") for name in ("metrics.jsonl", "config.gin"))


def _no_run(directory: str) -> str:
    if not tf.io.gfile.isdir(directory):
        return f"{directory} is no folder: name run directories, for instance runs/quickstart/JARE"
    inside = sorted(name.rstrip("/") for name in tf.io.gfile.listdir(directory))
    runs = [name for name in inside if _is_run(f"{directory}/{name}")]
    advice = f"it holds the runs {', '.join(runs)}: name {directory}/*/" if runs else "name run directories"
    return f"{directory} is no run, it has neither metrics.jsonl nor config.gin; {advice}"


def _config(directory: str) -> str:
    path = f"{directory}/config.gin"
    if not tf.io.gfile.exists(path):
        return ""
    with tf.io.gfile.GFile(path) as file:
        return file.read()


def _rows(directory: str) -> list[dict]:
    rows = read_metrics(directory)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not isinstance(row.get("step"), int):
            raise InputError(f"line {number} of {directory}/metrics.jsonl has no step: mend or remove it")
    return rows


def _pictures(directory: str) -> dict[int, str]:
    """By step; not the last one where it is just being written."""
    if not tf.io.gfile.isdir(f"{directory}/samples"):
        return {}
    steps = [name[:-4] for name in tf.io.gfile.listdir(f"{directory}/samples") if name.endswith(".png")]
    paths = {int(step): f"{directory}/samples/{step}.png" for step in steps if step.isdecimal()}
    paths = dict(sorted(paths.items()))
    if paths:
        with tf.io.gfile.GFile(paths[max(paths)], "rb") as file:
            complete = file.read().endswith(_END_OF_PNG)
        if not complete:
            del paths[max(paths)]
    return paths
