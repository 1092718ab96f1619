"""What training steps take: measured in turn, as a table in Markdown, and as bars (JARE Fig. 4)."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from matplotlib.figure import Figure

from jare_tf.report import bars
from jare_tf.report.bars import Bar

_Name = TypeVar("_Name")
_TIMES = "setting", "method", "mode", "precision", "time of a step", "quartiles", "samples a second"
_COSTS = (
    "time / first method's",
    "time / its convolutions'",
    "arithmetic / first method's",
    "10⁶ operations",
    "first call, s",
    "peak memory, MB",
)


class StepTime(NamedTuple):
    """What a training step of one configuration takes.

    setting: the game, within which methods are compared.
    method: the update rule and what else belongs to it.
    mode: what computes it: "graph", "xla" or "pytorch".
    precision: the Keras policy of the networks.
    images: whether samples are images.
    batch_size: real samples of a step.
    milliseconds: of a step, the median.
    quartiles: of the same, the first and the third.
    first_call_seconds: of tracing, compiling and the first step.
    peak_memory_bytes: None where it cannot be measured.
    operations: floating-point operations of a step; None where they were not counted.
    convolutions_milliseconds: what the step's convolutions take alone; None where they were not measured.
    """

    setting: str
    method: str
    mode: str
    images: bool
    batch_size: int
    milliseconds: float
    quartiles: tuple[float, float]
    first_call_seconds: float
    peak_memory_bytes: int | None = None
    operations: float | None = None
    precision: str = "float32"
    convolutions_milliseconds: float | None = None


def in_turn(runs: Mapping[_Name, Callable[[], Any]], rounds: int) -> dict[_Name, tuple[float, tuple[float, float]]]:
    """By name the median and the quartiles of the milliseconds that each run takes, one after the other in a round."""
    measured: dict[_Name, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            begin = time.perf_counter()
            run()
            measured[name].append(1e3 * (time.perf_counter() - begin))
    quartiles = {name: np.percentile(times, [25, 50, 75]).tolist() for name, times in measured.items()}
    return {name: (median, (first, third)) for name, (first, median, third) in quartiles.items()}


def _compared(row: StepTime) -> tuple[str, str, str]:
    """What rows have in common whose times are set in relation."""
    return row.setting, row.mode, row.precision


def _ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value and base else None


def to_json(rows: Sequence[StepTime]) -> list[dict[str, Any]]:
    """The rows with what follows from them: samples a second, and ratios to the first method beside them."""
    records = []
    for row in rows:
        base = next(other for other in rows if _compared(other) == _compared(row))
        derived = {
            "samples_per_second": 1e3 * row.batch_size / row.milliseconds,
            "time_ratio": row.milliseconds / base.milliseconds,
            "operations_ratio": _ratio(row.operations, base.operations),
            "convolutions_ratio": _ratio(row.milliseconds, row.convolutions_milliseconds),
        }
        records.append({**row._asdict(), **derived})
    return records


def from_json(records: Sequence[Mapping[str, Any]]) -> list[StepTime]:
    """The rows of which `to_json` made the records."""
    return [StepTime(**{name: record[name] for name in StepTime._fields if name in record}) for record in records]


def table(rows: Sequence[StepTime]) -> str:
    """The rows in Markdown."""
    header = [*_TIMES, *_COSTS]
    lines = [header, ["---"] * len(header), *(_cells(record) for record in to_json(rows))]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(record: Mapping[str, Any]) -> list[str]:
    scale, unit = (1e3, "µs") if record["milliseconds"] < 1 else (1, "ms")
    number = lambda value, digits, unit=1: "–" if value is None else f"{value / unit:,.{digits}f}"
    return [
        record["setting"],
        record["method"],
        record["mode"],
        record["precision"],
        f"{scale * record['milliseconds']:,.1f} {unit}",
        " – ".join(f"{scale * value:,.1f}" for value in record["quartiles"]),
        number(record["samples_per_second"], 0),
        number(record["time_ratio"], 2),
        number(record["convolutions_ratio"], 2),
        number(record["operations_ratio"], 2),
        number(record["operations"], 0 if record["images"] else 4, 1e6),
        number(record["first_call_seconds"], 1),
        number(record["peak_memory_bytes"], 0, 1e6),
    ]


def draw(rows: Sequence[StepTime]) -> Figure:
    """Bars as in JARE Fig. 4: a group for each setting, in it a bar for each method; a panel for mode and precision.

    Settings of images alone, where there are any: the others' steps are a thousand times shorter.
    """
    panels: dict[str, dict[str, dict[str, Bar]]] = {}
    for row in [row for row in rows if row.images] or rows:
        groups = panels.setdefault(f"{row.mode}, {row.precision}", {})
        # Milliseconds a step are seconds for a thousand.
        groups.setdefault(row.setting, {})[row.method] = Bar(row.milliseconds, row.quartiles)
    return bars.draw(panels, ylabel="seconds per 1K iterations")
