"""How far a long piece of work is."""

import datetime
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from jare_tf.output import say

_One = TypeVar("_One")


class ProgressLine:
    """Prints, at most once every two seconds and at the end, how many of `total` things are done and what is left.

    Args:
      what: how the line begins.
      total: how many there are.
      things: what they are, "images" for instance.
    """

    def __init__(self, what: str, total: int, things: str):
        self._what, self._total, self._things = what, total, things
        self._start = self._printed = time.monotonic()
        self._done = 0

    def over(self, things: Iterable[_One]) -> Iterator[_One]:
        """Yields them; each is done when the next one is asked for."""
        for one in things:
            yield one
            self.advance(1)

    def advance(self, count: int) -> None:
        """So many more are done."""
        self._done += count
        now = time.monotonic()
        if now - self._printed < 2 and self._done < self._total:
            return
        self._printed = now
        rate = self._done / max(now - self._start, 1e-9)
        left = datetime.timedelta(seconds=round((self._total - self._done) / rate))
        counted = f"{self._done:,} of {self._total:,} {self._things}"
        say(f"{self._what}: {counted}  {rate:,.4g} a second  {left} left")
