"""Bars of several groups in one picture."""

from collections.abc import Mapping
from typing import NamedTuple

from matplotlib.figure import Figure

from jare_tf.report import legends, styles


class Bar(NamedTuple):
    """A value, and the range that a whisker on it shows."""

    height: float
    range: tuple[float, float] | None = None


def draw(panels: Mapping[str, Mapping[str, Mapping[str, Bar]]], ylabel: str) -> Figure:
    """Panels one below the other; in each a group of bars for each place on the x axis, in it a bar for each label.

    Args:
      panels: bars by title of the panel, by place, and by label, which has one colour in every picture. Labels stand in
        the order in which they come; a place need not have all.
      ylabel: what the heights are.
    """
    labels = list(dict.fromkeys(label for groups in panels.values() for group in groups.values() for label in group))
    places = max(map(len, panels.values()))
    figure = Figure(figsize=(max(5, 1.1 * places + 2), 3.2 * len(panels) + 0.6), dpi=130, layout="constrained")
    width = 0.8 / len(labels)
    colours = {label: style.color for label, style in styles.of(labels).items()}
    shown = {}
    for axes, (title, groups) in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels.items(), strict=True):
        for place, group in enumerate(groups.values()):
            for index, label in enumerate(label for label in labels if label in group):
                at, bar = place + (index - (len(group) - 1) / 2) * width, group[label]
                shown[label] = axes.bar(at, bar.height, width, color=colours[label])
                if bar.range:
                    axes.vlines(at, *bar.range, color="#555555", linewidth=1)
        axes.set_xticks(range(len(groups)), list(groups))
        axes.set(ylabel=ylabel, title=title, ylim=(0, None))
        axes.grid(axis="y", alpha=0.3)
        axes.set_axisbelow(True)
    legends.below(figure, [shown[label] for label in labels], labels)
    return figure
