"""Several runs in one picture."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Annotated

from jare_tf.errors import InputError
from jare_tf.report import curves
from jare_tf.report.columns import Columns
from jare_tf.settings import checked
from jare_tf.training.run import Run

_PICTURE = "comparison.png"
Entry = Annotated[str | Sequence[str], "a file or [file, override, ...]"]


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several runs in one picture, comparison.png.

    Args:
      configs: by label a configuration's file, or a list of a file and overrides as --gin_param takes them.
      tags: titles of the picture's panels by tag of metrics.jsonl.

    Raises:
      InputError: an argument is none of these.
    """

    configs: Mapping[str, Entry]
    tags: Mapping[str, str]

    def __post_init__(self):
        for name, values in (("configs", [*self.configs, *self.entries().values()]), ("tags", list(self.tags))):
            if not values or not all(values):
                raise InputError(f"Comparison: {name} must not be empty, nor anything in it")
        curves.check_titles([*self.tags.values(), *self.configs])
        for label in self.configs:
            outside = os.path.isabs(label) or label.startswith(("~", ".")) or os.path.normpath(label) != label
            inside = [one for one in self.configs if label.startswith(f"{one}/")]
            if outside or inside or label == _PICTURE:
                raise InputError(f"Comparison: configs: {label!r} is no name for a folder of its own in --model_dir")

    def entries(self) -> dict[str, Sequence[str]]:
        """By label [file, override, ...]."""
        return {label: [entry] if isinstance(entry, str) else entry for label, entry in self.configs.items()}

    def run(self, folder: str, label: str) -> Run:
        """The run directory of that label."""
        return Run(f"{folder}/{label}")

    def draw(self, folder: str, labels: Sequence[str]) -> str:
        """Draws those runs in `folder` in its comparison.png; the path of the picture.

        Raises:
          InputError: a run has no row with one of the tags.
        """
        picture = f"{folder}/{_PICTURE}"
        curves.save(curves.draw({label: self.run(folder, label) for label in labels}, self.tags), picture)
        return picture

    def table(self, folder: str) -> list[str]:
        """Lines of text: for each of the tags its last value in each run."""
        columns = {label: Columns(self.run(folder, label).rows()) for label in self.configs}
        last = lambda tag: [f"{of.series(tag).last[1]:.4g}" for of in columns.values()]
        rows = [["at the end", *columns], *([title, *last(tag)] for tag, title in self.tags.items())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
