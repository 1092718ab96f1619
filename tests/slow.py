"""A pytest plugin: tests marked `slow` run with --slow, and one that takes long must be marked."""

import argparse
import contextlib
import glob
import os
import time
from collections.abc import Iterator

import pytest


def pytest_addoption(parser):
    group = parser.getgroup("time")
    group.addoption("--slow", action="store_true", help="run the tests marked slow too")
    group.addoption("--longest", type=float, default=20.0, metavar="S", help="s that others may take; %(default)s")


_options = argparse.Namespace(slow=False)


def chosen() -> bool:
    """Whether --slow was given."""
    return _options.slow


def pytest_configure(config):
    _options.slow = config.option.slow
    config.addinivalue_line("markers", "slow: takes long, and runs with --slow only")


def pytest_report_header(config):
    return None if config.option.slow else "tests marked slow are left out; --slow runs them too"


def pytest_collection_modifyitems(config, items):
    if config.option.slow:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    items[:] = [item for item in items if not item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)


_BEGUN = pytest.StashKey[tuple[float, float]]()


def _clocks() -> tuple[float, float]:
    """Wall time, and the processor time of this process and its children, in seconds.

    A test takes the less of the two. Where other programs keep the processors busy wall time is too long, and where
    there are many of them threads and processes spend processor time side by side.
    """
    return time.monotonic(), sum(os.times()[:4]) + sum(_of_children())


def _of_children() -> Iterator[float]:
    """Processor time of the children that run, each with what it has waited for; of none where there is no /proc."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(path) as file:
            _, parent, *numbers = file.read().rpartition(") ")[2].split()
            if int(parent) == os.getpid():
                yield sum(map(int, numbers[9:13])) / os.sysconf("SC_CLK_TCK")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    item.stash[_BEGUN] = _clocks()  # before its fixtures: the first test that wants one pays for it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    took = min(now - begun for begun, now in zip(item.stash[_BEGUN], _clocks(), strict=True))
    longest = item.config.option.longest
    if report.when == "call" and report.passed and took > longest and not item.get_closest_marker("slow"):
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} took {took:.1f} s with its fixtures, over {longest:g} s: make it faster, or mark it slow"
        )
    return report
