"""Which of a run's scores may be compared, and which of them is the best."""

from collections.abc import Iterable, Mapping, Sequence

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


def best(way: str, values: Iterable[float]) -> float:
    """The best of several scores."""
    return min(values) if way == "lower" else max(values)


def best_point(way: str, points: Mapping[int, float]) -> tuple[int, float]:
    """(step, value) where a score was best, the first time that it was."""
    value = best(way, points.values())
    return next(step for step in points if points[step] == value), value
