"""Rows of metrics: one JSON object a line, read line by line, so that a run of any length takes no memory."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from jare_tf import files

_STEPS = range(2**63)
_DIGITS = 400  # more than any integer has that fits a float


class Line(NamedTuple):
    """A line of such a file.

    number: from 1 on.
    end: how many bytes of the file it and the lines before it are.
    text: what stands there, its end included.
    row: the row, None where the line is none.
    fault: why it is none.
    """

    number: int
    end: int
    text: bytes
    row: dict | None
    fault: str


def lines(path: str) -> Iterator[Line]:
    """The lines of a file but for an unfinished last one."""
    end = 0
    with files.opened(path) as file:
        for number, text in enumerate(file, start=1):
            if not text.endswith(b"\n"):
                return
            end += len(text)
            row, fault = _parsed(text)
            yield Line(number, end, text, row, fault)


def encoded(row: Mapping) -> bytes:
    """A row as a line."""
    return (json.dumps(row) + "\n").encode()


def is_number(value) -> bool:
    """Whether a field of a row is a number; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parsed(text: bytes) -> tuple[dict | None, str]:
    """(the row, "") or (None, why there is none)."""
    try:
        row = json.loads(text.decode(), parse_int=_integer)
        if b"\\u" in text:
            json.dumps(row, ensure_ascii=False).encode()  # half a pair of surrogates is JSON and no text
        fault = _fault(row)
    except UnicodeError:
        fault = "not UTF-8"
    except json.JSONDecodeError as error:
        fault = f"not JSON: {error.msg}"
    except OverflowError:
        fault = "a number does not fit a float"
    except RecursionError:
        fault = "too many brackets"
    return (None, fault) if fault else (row, "")


def _integer(text: str) -> int:
    """An integer that fits a float, as whoever computes with a row expects."""
    if len(text) > _DIGITS:
        raise OverflowError
    value = int(text)
    float(value)
    return value


def _fault(row) -> str:
    """What is wrong with what the program reads of a row; everything else in it may be as it likes."""
    if not isinstance(row, dict):
        return "a row is an object"
    step, seconds, better = row.get("step"), row.get("seconds", 0), row.get("better", {})
    if not isinstance(step, int) or isinstance(step, bool) or step not in _STEPS:
        return "step must be an integer of at least 0 and below 2^63"
    if not is_number(seconds) or not 0 <= seconds < math.inf:
        return "seconds must be a finite number, at least 0"
    if not isinstance(better, dict) or not {*map(str, better.values())} <= {"lower", "higher"}:
        return "better must have 'lower' or 'higher' for each score"
    return ""
