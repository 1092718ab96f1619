"""HTML that is escaped unless it was made here."""

import html
from collections.abc import Iterable

_VOID = frozenset(["img", "meta", "wbr"])


class Markup(str):
    """Text that is HTML already."""


def escaped(text: str) -> Markup:
    """`text` as HTML that shows it."""
    return text if isinstance(text, Markup) else Markup(html.escape(text))


def joined(parts: Iterable[str]) -> Markup:
    """One after the other, a part a line."""
    return Markup("\n".join(map(escaped, parts)))


def element(name: str, /, *content: str, **attributes: str | bool) -> Markup:
    """<name attributes>content</name>.

    Args:
      name: of an HTML element.
      content: text, which is escaped, and other elements.
      attributes: an underscore at a name's end is left out and others become hyphens (class_, aria_label); True stands
        alone, False leaves the attribute out.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(value)}"')
        for key, value in attributes.items()
        if value is not False
    )
    inside = "".join(map(escaped, content))
    return Markup(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{inside}</{name}>")


def breakable(text: str) -> Markup:
    """`text`, which may go on in a new line after each of / . _"""
    return Markup("".join(escaped(letter) + ("<wbr>" if letter in "/._" else "") for letter in text))


def table(head: Iterable[str], rows: Iterable[Iterable[str]], numbers_from: int | None = None) -> Markup:
    """A table that scrolls by itself where it is too wide.

    Args:
      head: what stands above the columns.
      rows: of `th` and `td` elements.
      numbers_from: the first column of numbers, which go on to the last.
    """
    cells = [
        element(
            "th", cell, scope="col", class_="above" if numbers_from is not None and index >= numbers_from else False
        )
        for index, cell in enumerate(head)
    ]
    head = element("tr", *cells)
    body = joined(element("tr", *row) for row in rows)
    return element("div", element("table", element("thead", head), element("tbody", body)), class_="wide")
