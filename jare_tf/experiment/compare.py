"""Several runs in one picture."""

import dataclasses
from collections.abc import Mapping, Sequence

from jare_tf.errors import InputError, shown
from jare_tf.report import curves
from jare_tf.training.run import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several runs in one picture, comparison.png.

    Args:
      configs: by label a configuration's file, or a list of a file and overrides as --gin_param takes them.
      tags: titles of the picture's panels by tag of metrics.jsonl.

    Raises:
      InputError: an argument is none of these.
    """

    configs: Mapping[str, str | Sequence[str]]
    tags: Mapping[str, str]

    def __post_init__(self):
        for name in ("configs", "tags"):
            value = getattr(self, name)
            if not isinstance(value, Mapping) or not value or not all(isinstance(key, str) for key in value):
                raise InputError(f"Comparison: {name} must be a dictionary with names for keys, not {shown(value)}")
        for label, entry in self.entries().items():
            if not isinstance(entry, list | tuple) or not entry or not all(isinstance(part, str) for part in entry):
                raise InputError(
                    f"Comparison: configs[{label!r}] must be a file or [file, override, ...], not {shown(entry)}"
                )
        for tag, title in self.tags.items():
            if not isinstance(title, str):
                raise InputError(f"Comparison: tags[{tag!r}] must be a title, not {shown(title)}")

    def entries(self) -> dict[str, Sequence[str]]:
        """By label [file, override, ...]."""
        return {label: [entry] if isinstance(entry, str) else entry for label, entry in self.configs.items()}

    def run(self, folder: str, label: str) -> Run:
        """The run directory of that label."""
        return Run(f"{folder}/{label}")

    def draw(self, folder: str) -> str:
        """Draws the runs, which lie in `folder`, in its comparison.png; the path of the picture."""
        picture = f"{folder}/comparison.png"
        curves.save(curves.draw({label: self.run(folder, label) for label in self.configs}, self.tags), picture)
        return picture
