"""Which of a run's scores may be compared, and which of them is the best."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from jare_tf.report.columns import Series

_NO_CONDITION = frozenset(["checkpoint"])  # the string of a row that says what was scored, not how

Conditions = tuple[tuple[str, str], ...]


def by_conditions(rows: Sequence[dict]) -> dict[Conditions, list[dict]]:
    """Rows that were computed alike together: with one embedding, one way of resizing, one protocol."""
    groups: dict[Conditions, list[dict]] = {}
    for row in rows:
        strings = {name: value for name, value in row.items() if isinstance(value, str) and name not in _NO_CONDITION}
        groups.setdefault(tuple(sorted(strings.items())), []).append(row)
    return groups


def better(rows: Iterable[Mapping]) -> dict[str, str]:
    """By tag whether a "lower" or a "higher" score is better, as far as the rows say."""
    return {tag: way for row in rows for tag, way in row.get("better", {}).items()}


def best_point(way: str, points: Series) -> tuple[int, float]:
    """(step, value) where a score was best, the first time that it was."""
    index = (np.argmin if way == "lower" else np.argmax)(points.values)
    return int(points.steps[index]), float(points.values[index])
