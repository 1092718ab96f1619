"""Rows as columns of numbers, which take a tenth of their memory."""

import array
import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from jare_tf.training.rows import is_number


@dataclasses.dataclass(frozen=True)
class Series:
    """The values of a tag.

    Args:
      steps: increasing.
      values: finite.
    """

    steps: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def last(self) -> tuple[int, float]:
        """Its last step and the value there."""
        return int(self.steps[-1]), float(self.values[-1])


class Columns:
    """The numbers of rows, which are read once.

    Rows with the same tags share arrays, so that a tag that few rows have takes little.

    Args:
      rows: of a metrics.jsonl.

    Attributes:
      count: how many rows there are.
      step: of the last row, 0 where there is none.
      seconds: of the last row, None where it has none.
    """

    def __init__(self, rows: Iterable[Mapping] = ()):
        self.count, self.step, self.seconds = 0, 0, None
        # By the tags of a row: the rows' numbers and steps, and the values of each tag.
        self._groups: dict[tuple[str, ...], tuple[array.array, array.array, list[array.array]]] = {}
        for row in rows:
            self.step, self.seconds = row["step"], row.get("seconds")
            numbers = {tag: value for tag, value in row.items() if tag not in ("step", "seconds") and is_number(value)}
            group = self._groups.get(tags := tuple(numbers))
            if group is None:
                group = self._groups[tags] = array.array("q"), array.array("q"), [array.array("d") for _ in tags]
            group[0].append(self.count)
            group[1].append(self.step)
            for column, value in zip(group[2], numbers.values(), strict=True):
                column.append(value)
            self.count += 1

    @property
    def tags(self) -> list[str]:
        """In the order in which they first appear."""
        return list(dict.fromkeys(tag for tags in self._groups for tag in tags))

    def series(self, tag: str) -> Series:
        """The finite values of a tag; of several at one step the one written last."""
        groups = [(group, tags.index(tag)) for tags, group in self._groups.items() if tag in tags]
        if not groups:
            return Series(np.zeros(0, np.int64), np.zeros(0))
        numbers, steps = (np.concatenate([group[part] for group, _ in groups]) for part in (0, 1))
        values = np.concatenate([group[2][index] for group, index in groups])
        order = np.lexsort((numbers, steps))
        order = order[np.isfinite(values[order])]
        steps, values = steps[order], values[order]
        last = np.append(steps[1:] != steps[:-1], np.ones(min(len(steps), 1), bool))
        return Series(steps[last], values[last])
