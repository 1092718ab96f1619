"""The workers that TF_CONFIG lists, and their meeting before TensorFlow connects them.

TensorFlow waits for the others for up to an hour, without a word, and neither Ctrl-C nor SIGTERM ends that. So all of
them meet before: each one connects to worker 0, at the address that TensorFlow uses afterwards, and says who it is;
worker 0 lets them go on together, or says to all what is wrong.
"""

import contextlib
import errno
import json
import os
import re
import select
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from jare_tf.errors import InputError, RunError, shown
from jare_tf.output import say

_EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
_KINDS = ("chief", "worker")
_REPORT = 10.0  # seconds between two lines that say who is missing
_ANSWER = 3.0  # seconds in which a process that meets the others answers
_REACH = 30.0  # seconds that something has to answer
_LONGEST = 2**16  # bytes of a line


class Cluster(NamedTuple):
    """The workers.

    addresses: of all, "host:port", the first one's the chief's.
    own: the number of this worker.
    """

    addresses: tuple[str, ...]
    own: int

    def name(self, index: int) -> str:
        """A worker in a message."""
        return f"worker {index} ({self.addresses[index]})"


def cluster() -> Cluster:
    """What TF_CONFIG says, no addresses where it is not set.

    Raises:
      InputError: it is not as TensorFlow documents it.
    """
    text = os.environ.get("TF_CONFIG") or "{}"

    def check(holds: bool, what: str) -> None:
        if not holds:
            raise InputError(f"TF_CONFIG: {what}; it must look like {_EXAMPLE}, not {shown(text)}")

    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        config = None
    check(isinstance(config, dict), "it is not a JSON object")
    tasks, task = config.get("cluster", {}), config.get("task")
    check(isinstance(tasks, dict), "its cluster is not a JSON object")
    others = [kind for kind in tasks if kind not in _KINDS]
    check(not others, f"this program has no tasks of the type {', '.join(map(repr, others))}, only chief and worker")
    for kind, listed in tasks.items():
        strings = isinstance(listed, list) and all(isinstance(one, str) for one in listed)
        check(strings and bool(listed), f"its {kind} is not a list of addresses")
    check(len(tasks.get("chief", [])) < 2, "it lists several chiefs")
    addresses = tuple(address for kind in _KINDS for address in tasks.get(kind, []))
    for address in addresses:
        port = re.fullmatch(r".+:(\d{1,5})", address)
        check(port is not None and 0 < int(port[1]) < 2**16, f"{address!r} is not host:port")
    check(len(set(addresses)) == len(addresses), "it lists an address twice")
    if not addresses:
        return Cluster(addresses, 0)
    check(isinstance(task, dict), "it does not say which task this one is")
    kind, index = task.get("type"), task.get("index")
    check(isinstance(kind, str) and kind in tasks, f"this task's type is none of {', '.join(tasks)}")
    number = int(index) if isinstance(index, int | str) and re.fullmatch(r"\d{1,9}", str(index)) else -1
    check(0 <= number < len(tasks[kind]), f"this task's index is none of 0 to {len(tasks[kind]) - 1}")
    return Cluster(addresses, number + (len(tasks.get("chief", [])) if kind == "worker" else 0))


def meet(workers: Cluster, same: Mapping[str, str], limit: float) -> None:
    """Returns when all workers are there, in all of them at once.

    Args:
      workers: of more than one.
      same: what must be the same for all of them, by name.
      limit: seconds to wait.

    Raises:
      InputError: an address cannot be resolved or is another worker's too, the port is in use, two workers have one
        index, or they differ.
      RunError: not all came within `limit`.
    """
    _check_addresses(workers)
    hello = {"index": workers.own, "addresses": list(workers.addresses), "same": dict(same), "in_use": False}
    port = _place(workers.addresses[workers.own])[1]
    say(f"waiting for the workers of TF_CONFIG, {len(workers.addresses)} in all")
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        server = socket.create_server(("", port), family=family, dualstack_ipv6=both)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            with contextlib.suppress(RunError):
                _join(workers, {**hello, "in_use": True}, _ANSWER)
            me = workers.name(workers.own)
            raise InputError(f"port {port} is in use, by another program or another {me}") from None
        raise InputError(f"port {port} cannot be used: {os.strerror(error.errno or 0)}") from None
    with server:
        if workers.own:
            _join(workers, hello, limit)
        else:
            _Meeting(workers, hello, server, limit).hold()


class _Meeting:
    """What worker 0 does: it lets all go on together."""

    def __init__(self, workers: Cluster, hello: Mapping[str, Any], server: socket.socket, limit: float):
        self._workers, self._hello, self._server, self._limit = workers, hello, server, limit
        self._begin = time.monotonic()
        self._others: dict[socket.socket, int | None] = {}  # the index of each, once it has said it

    def hold(self) -> None:
        """Returns when all are there."""
        reported = self._begin
        with contextlib.ExitStack() as stack:
            while missing := self._missing():
                now = time.monotonic()
                if now - self._begin > self._limit:
                    self._end(RunError(f"{missing} did not come within {self._limit:g} s: start all workers again"))
                if now - reported > _REPORT:
                    reported = now
                    say(self._state())
                    self._tell(f"wait {self._state()}", self._others)
                for ready in select.select([self._server, *self._others], [], [], 0.5)[0]:
                    if ready is self._server:
                        self._others[stack.enter_context(self._server.accept()[0])] = None
                    else:
                        self._hear(ready)
            self._tell("go", self._others)
            for one in self._others:  # until they have closed it, so that nothing of the port stays behind here
                with contextlib.suppress(OSError):
                    one.settimeout(_ANSWER)
                    one.recv(1)

    def _missing(self) -> str:
        there = {0, *self._others.values()}
        missing = [self._workers.name(index) for index in range(len(self._workers.addresses)) if index not in there]
        more = f" and {len(missing) - 3} others" if len(missing) > 3 else ""
        return ", ".join(missing[:3]) + more

    def _state(self) -> str:
        return f"waiting for {self._missing()}, {time.monotonic() - self._begin:.0f} of {self._limit:g} s"

    def _hear(self, other: socket.socket) -> None:
        """Answers a process that says who it is, or forgets one that has gone."""
        line = next(_lines(other, _ANSWER), "")
        try:
            hello = json.loads(line)
            index = int(hello["index"])
            wrong = self._wrong(index, hello)
        except (ValueError, TypeError, LookupError, RecursionError):  # gone, or no worker
            del self._others[other]
            other.close()
            return
        self._others[other] = index
        if wrong:
            self._end(InputError(wrong))
        if self._missing():
            self._tell(f"wait {self._state()}", [other])

    def _wrong(self, index: int, hello: Mapping[str, Any]) -> str | None:
        if index in (0, *self._others.values()):
            return f"TF_CONFIG: two workers have the index of {self._workers.name(index)}"
        if hello["addresses"] != self._hello["addresses"]:
            return "TF_CONFIG: the workers list different addresses"
        if hello["in_use"]:
            return f"the port of {self._workers.name(index)} is in use there"
        for name, value in self._hello["same"].items():
            if hello["same"][name] != value:
                return f"the workers have different {name}: {shown(value)}, worker {index} {shown(hello['same'][name])}"
        return None

    def _tell(self, line: str, others: Iterable[socket.socket]) -> None:
        for one in others:
            with contextlib.suppress(OSError):
                one.sendall(f"{line}\n".encode())

    def _end(self, error: InputError | RunError) -> NoReturn:
        """Says what is wrong to all that are there, and for a moment to those who come now, and raises it."""
        line = f"{'no' if isinstance(error, InputError) else 'late'} {error}"
        for one in [one for one, index in self._others.items() if index is None]:
            next(_lines(one, _ANSWER), "")  # a connection closed with something unread loses what was said last
        self._tell(line, self._others)
        told, end = len(self._others), time.monotonic() + _ANSWER
        while told < len(self._workers.addresses) - 1 and isinstance(error, InputError):
            if not select.select([self._server], [], [], max(0, end - time.monotonic()))[0]:
                break
            with self._server.accept()[0] as one:
                next(_lines(one, _ANSWER), "")
                self._tell(line, [one])
            told += 1
        raise error


def _join(workers: Cluster, hello: Mapping[str, Any], limit: float) -> None:
    """What the other workers do: they wait for what worker 0 says."""
    begin = reported = time.monotonic()
    while (now := time.monotonic()) - begin < limit:
        why = "it does not answer as one that waits"
        try:
            with socket.create_connection(_place(workers.addresses[0]), timeout=_ANSWER) as connection:
                connection.sendall(f"{json.dumps(hello)}\n".encode())
                for line in _lines(connection, _ANSWER):
                    connection.settimeout(3 * _REPORT)  # it answers at once, and then speaks whenever it reports
                    word, _, text = line.partition(" ")
                    if word == "go":
                        return
                    if word in ("no", "late"):
                        raise InputError(text) if word == "no" else RunError(text)
                    if word != "wait":
                        break
                    say(text)
        except OSError as error:
            why = error.strerror or str(error)
        if now - reported > _REPORT:
            reported = now
            say(f"waiting for {workers.name(0)}, {now - begin:.0f} of {limit:g} s ({why})")
        time.sleep(0.2)
    raise RunError(f"{workers.name(0)} did not come within {limit:g} s ({why}): start all workers again")


def reach(address: str) -> None:
    """Returns once something answers at an address; raises OSError where nothing does within 30 seconds."""
    end = time.monotonic() + _REACH
    while True:
        try:
            return socket.create_connection(_place(address), timeout=_REACH).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _lines(connection: socket.socket, timeout: float) -> Iterator[str]:
    """The lines that come, until the connection is closed or there is none for `timeout` seconds."""
    connection.settimeout(timeout)
    with contextlib.suppress(OSError), connection.makefile("rb") as file:
        while (line := file.readline(_LONGEST)).endswith(b"\n"):
            yield line.decode(errors="replace").rstrip("\n")


def _place(address: str) -> tuple[str, int]:
    """Host and port; an IPv6 address is in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _check_addresses(workers: Cluster) -> None:
    """That every host has an address, and no two workers one place."""
    seen: dict[tuple, int] = {}
    for index, address in enumerate(workers.addresses):
        try:
            found = {info[4][:2] for info in socket.getaddrinfo(*_place(address), type=socket.SOCK_STREAM)}
        except (OSError, UnicodeError) as error:
            raise InputError(f"TF_CONFIG: the host of {workers.name(index)} cannot be resolved: {error}") from error
        for place in found:
            other = seen.setdefault(place, index)
            if other != index:
                raise InputError(f"TF_CONFIG: {workers.name(other)} and {workers.name(index)} have the same address")
