"""What asks the program to end: Ctrl-C (SIGINT), SIGTERM, and SIGHUP when a terminal closes."""

import signal
from collections.abc import Callable

_AGAIN = (signal.SIGINT, signal.SIGTERM)  # a closing terminal may send SIGHUP twice, and means it once


def handle(handler: Callable[[int], None]) -> Callable[[], None]:
    """Lets the first of these signals call `handler`; a second SIGINT or SIGTERM does what it did before.

    SIGHUP is left alone where it is ignored: that is what `nohup` does. A handler should not print to stdout, as it may
    come while something is printed there.

    Returns:
      What undoes it.
    """
    numbers = [*_AGAIN, getattr(signal, "SIGHUP", signal.SIGTERM)]  # Windows has none
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in numbers}
    if before[numbers[-1]] is signal.SIG_IGN:
        del before[numbers[-1]]

    def first(number, _frame):
        for one in before:
            signal.signal(one, before[one] if one in _AGAIN else signal.SIG_IGN)
        handler(number)

    def undo():
        for one, action in before.items():
            signal.signal(one, action)

    for number in before:
        signal.signal(number, first)
    return undo


class StopSignals:
    """While entered, the first signal is remembered in `received`; a second one acts as before.

    Python runs a handler between two of its own instructions, so that a compiled call under way is finished first.
    """

    def __init__(self):
        self.received: int | None = None

    def __enter__(self):
        self._undo = handle(self._remember)
        return self

    def __exit__(self, *_):
        self._undo()

    def _remember(self, number):
        self.received = number
