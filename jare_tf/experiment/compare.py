"""Several runs in one picture and one table."""

import dataclasses
import datetime
import os
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from jare_tf import files
from jare_tf.errors import InputError, shown
from jare_tf.report import curves
from jare_tf.report.columns import Columns
from jare_tf.settings import CountFromZero, checked
from jare_tf.training.run import Run

_PICTURE, _TABLE = "comparison.png", "comparison.md"
_HEAD_WIDTH = 16  # letters of a line above a column of the printed table
Entry = Annotated[str | Sequence[str], "a file or [file, override, ...]"]


class Planned(NamedTuple):
    """One run of a comparison.

    label: of its configuration.
    title: the label, and the seed where there are several.
    file: the configuration's.
    overrides: as --gin_param takes them.
    run: its directory.
    """

    label: str
    title: str
    file: str
    overrides: list[str]
    run: Run


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several runs in one picture, comparison.png, and in one table, comparison.md.

    Args:
      configs: by label a configuration's file, or a list of a file and overrides as --gin_param takes them.
      tags: titles of the picture's panels by tag of metrics.jsonl.
      seeds: each configuration is trained with every one of these as its SEED, in folders seed_0, ... of its own; the
        picture has the median and the range of its seeds, the table mean and standard deviation. None by default: one
        run of each with the seed that it has.

    Raises:
      InputError: an argument is none of these.
    """

    configs: Mapping[str, Entry]
    tags: Mapping[str, str]
    seeds: Sequence[CountFromZero] = ()

    def __post_init__(self):
        for name, values in (("configs", [*self.configs, *self._entries().values()]), ("tags", list(self.tags))):
            if not values or not all(values):
                raise InputError(f"Comparison: {name} must not be empty, nor anything in it")
        if len(set(self.seeds)) < len(self.seeds):
            raise InputError(f"Comparison: seeds must all differ, not {shown(self.seeds)}")
        curves.check_titles([*self.tags.values(), *self.configs])
        for label in self.configs:
            outside = os.path.isabs(label) or label.startswith(("~", ".")) or os.path.normpath(label) != label
            inside = [one for one in self.configs if label.startswith(f"{one}/")]
            if outside or inside or label in (_PICTURE, _TABLE):
                raise InputError(f"Comparison: configs: {label!r} cannot be the name of a folder in --model_dir")

    def planned(self, folder: str, overrides: Sequence[str] = ()) -> list[Planned]:
        """All runs in `folder`, every configuration with the first seed before any with the second.

        Args:
          folder: for the runs' directories.
          overrides: of every run, after its own.

        Raises:
          InputError: a configuration or an override has a SEED beside `seeds`.
        """
        runs = []
        for seed in self.seeds or (None,):
            for label, (file, *own) in self._entries().items():
                given = [*own, *overrides]
                if seed is None:
                    runs.append(Planned(label, label, file, given, Run(f"{folder}/{label}")))
                    continue
                if others := [one for one in given if one.partition("=")[0].strip() == "SEED"]:
                    raise InputError(f"Comparison: {label}: {others[0]}, but seeds has every run's seed: drop one")
                title, run = f"{label}, seed {seed}", Run(f"{folder}/{label}/seed_{seed}")
                runs.append(Planned(label, title, file, [*given, f"SEED = {seed}"], run))
        return runs

    def _entries(self) -> dict[str, Sequence[str]]:
        return {label: [entry] if isinstance(entry, str) else entry for label, entry in self.configs.items()}

    def draw(self, folder: str, runs: Sequence[Planned]) -> str:
        """Draws those runs in the comparison.png of `folder`; the path of the picture.

        Raises:
          InputError: a run has no row with one of the tags.
        """
        picture = f"{folder}/{_PICTURE}"
        curves.save(curves.draw(_by_label(runs), self.tags), picture)
        return picture

    def table(self, folder: str, runs: Sequence[Planned]) -> list[str]:
        """Lines of text: for each configuration the last value of each of the tags, of several seeds mean ± standard
        deviation, and the time that a run took. In Markdown they are the comparison.md of `folder`."""
        head, rows = ["at the end", *self.tags.values(), "time"], []
        for label, of_label in _by_label(runs).items():
            columns = [Columns(run.rows()) for run in of_label]
            last = [_mean([one.series(tag).last[1] for one in columns]) for tag in self.tags]
            seconds = statistics.fmean(one.seconds or 0.0 for one in columns)
            rows.append([label, *last, str(datetime.timedelta(seconds=round(seconds)))])
        lines = [head, ["---"] * len(head), *rows]
        files.replace(f"{folder}/{_TABLE}", "".join(f"| {' | '.join(line)} |\n" for line in lines).encode())
        return _aligned(head, rows)


def _by_label(runs: Sequence[Planned]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for one in runs:
        found.setdefault(one.label, []).append(one.run)
    return found


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as lines of text, with what is above a column broken into several."""
    broken = [textwrap.wrap(cell, _HEAD_WIDTH) for cell in head]
    above = zip(*([""] * (max(map(len, broken)) - len(cell)) + cell for cell in broken), strict=True)
    lines = [*above, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _mean(values: Sequence[float]) -> str:
    """A value, or the mean of several ± their standard deviation (of n − 1)."""
    mean = f"{statistics.fmean(values):.4g}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.2g}"
