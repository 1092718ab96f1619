"""One colour, dash and marker for each method, in every picture and in any order of runs.

Colours are those of Okabe & Ito (2008), chosen for readers with any colour vision, without yellow and with gray for
black: each shows on white and on black. Where two colours of a picture are still close, dashes and markers differ.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

GRAY, BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE = (
    "#808080", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00",
)  # fmt: skip
_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, GRAY, ORANGE, SKY)
_DASHES = ("solid", "dashed", "dashdot", "dotted")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


class Style(NamedTuple):
    """How a curve is drawn, in Matplotlib's words."""

    color: str
    linestyle: str
    marker: str


_SIM_GD = Style(GRAY, "dotted", "^")
_ALT_GD = Style(PURPLE, "dashed", "v")
_CON_OPT = Style(VERMILLION, "dashed", "s")
_JARE = Style(BLUE, "solid", "o")
_GENERATOR = Style(GREEN, "dashdot", "D")
_METHODS = {
    "simgd": _SIM_GD,
    "simga": _SIM_GD,
    "gan": _SIM_GD,
    "traditional": _SIM_GD,
    "altgd": _ALT_GD,
    "altga": _ALT_GD,
    "conopt": _CON_OPT,
    "jare": _JARE,
    "generatoronly": _GENERATOR,
    "gradientregularised": _GENERATOR,
    "ganregularised": _GENERATOR,
    "discriminatoronly": Style(ORANGE, "solid", "P"),
    "smoothing": Style(SKY, "dotted", "X"),
    "sngan": Style(SKY, "dashdot", "v"),
    "unrolled": Style(ORANGE, "dashed", "s"),
    "10unrolled": Style(ORANGE, "dashed", "s"),
    "gradientnorm": Style(PURPLE, "dashdot", "X"),
}


def of(labels: Iterable[str]) -> dict[str, Style]:
    """The style of every label of a picture, whatever their order.

    A label belongs to the method that one of its parts names, in any spelling: "sim_gd", "SimGD, seed 1", "runs/JARE".
    In alphabetical order, the first label of a method has the method's style, the others its colour with other dashes
    and markers; labels that name no method have the styles that are left.
    """
    labels = sorted(set(labels))
    method = {label: _method(label) for label in labels}
    styles: dict[str, Style] = {}
    for label in labels:
        if style := method[label]:
            styles[label] = _unused(style, styles)
    taken = {style.color for style in styles.values()}
    spare = [colour for colour in _COLOURS if colour not in taken] or list(_COLOURS)
    for number, label in enumerate(label for label in labels if not method[label]):
        turn = number // len(spare)
        wanted = Style(
            spare[number % len(spare)], _DASHES[(number + turn) % len(_DASHES)], _MARKERS[number % len(_MARKERS)]
        )
        styles[label] = _unused(wanted, styles)
    return styles


def _method(label: str) -> Style | None:
    for part in re.split(r"[/,(=]", label):
        found = _METHODS.get(re.sub(r"[^a-z0-9]", "", part.casefold()))
        if found:
            return found
    return None


def _unused(style: Style, others: dict[str, Style]) -> Style:
    """The style, or with its colour the next dashes and marker that no other has with that colour."""
    colour, dash, marker = style
    used = [(other.linestyle, other.marker) for other in others.values() if other.color == colour]
    first_dash, first_marker = _DASHES.index(dash), _MARKERS.index(marker)
    for turn in range(len(_DASHES) * len(_MARKERS)):
        shift = turn + turn // len(_DASHES)
        pair = _DASHES[(first_dash + turn) % len(_DASHES)], _MARKERS[(first_marker + shift) % len(_MARKERS)]
        if pair not in used:
            return Style(colour, *pair)
    return style
