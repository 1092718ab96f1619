"""Stopping a run when asked to."""

import signal


class StopSignals:
    """While entered, the first SIGINT or SIGTERM is remembered in `received`; a second one acts at once.

    Python runs a handler between two of its own instructions, so that a compiled call under way is finished first.
    """

    def __init__(self):
        self.received: int | None = None
        self._before: dict = {}

    def __enter__(self):
        self._before = {number: signal.signal(number, self._remember) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number, _frame):
        self.received = number
        signal.signal(number, self._before[number])
        print(f"{signal.Signals(number).name}: finishing the call under way, then saving", flush=True)
