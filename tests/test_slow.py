"""The plugin `tests.slow`, in a suite of its own."""

import re
import subprocess
import sys

from tests.processes import ROOT

SUITE = """
import time
import pytest

def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

@pytest.fixture(scope="module")
def made():
    work(0.4)

def test_fixture(made):
    pass

def test_quick(made):
    pass

def test_call():
    work(0.4)

def test_waits():
    time.sleep(0.4)

def test_child():
    import subprocess, sys
    subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.4: pass"], check=True)

@pytest.mark.slow
def test_marked():
    work(0.4)

@pytest.mark.parametrize("value", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_cases(value):
    pass
"""


def outcomes(folder, *options):
    """By test what became of it, and all that pytest printed."""
    (folder / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-p", "tests.slow", "-rA", "--longest=0.3", *options, str(folder)]
    text = subprocess.run([*command, f"--rootdir={folder}"], capture_output=True, text=True, cwd=ROOT).stdout
    lines = [line.split() for line in text.splitlines() if line.startswith(("PASSED ", "FAILED ")) and "::" in line]
    return {name.rpartition("::")[2]: outcome for outcome, name, *_ in lines}, text


def test_what_takes_long_fails_unless_it_is_marked(tmp_path):
    quick, text = outcomes(tmp_path)
    assert quick == {
        "test_fixture": "FAILED",
        "test_quick": "PASSED",
        "test_call": "FAILED",
        "test_waits": "PASSED",
        "test_child": "FAILED",
        "test_cases[1]": "PASSED",
    }
    assert "2 deselected" in text and "tests marked slow are left out" in text
    took = r"test_suite.py::test_fixture took 0\.\d s with its fixtures, over 0.3 s: make it faster, or mark it slow"
    assert re.search(took, text)
    every, _ = outcomes(tmp_path, "--slow", "--numprocesses=2")
    assert every == {**quick, "test_marked": "PASSED", "test_cases[2]": "PASSED"}
