"""Output is not the run: signals end every command with one line, and a lost stdout ends no work."""

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from jare_tf import cli, output
from tests.processes import ROOT, Forked, ended, program
from tests.runs import GAME, SHORT, metrics

LONG = [*SHORT, "STEPS = 1000000", "SAVE_EVERY = 1000000", "SAMPLE_EVERY = 1000000"]


def full_disk(monkeypatch):
    """A stream as stdout that cannot be written to."""
    monkeypatch.setattr(output, "_lost", False)
    monkeypatch.setattr(sys, "stdout", open("/dev/full", "w"))  # noqa: SIM115


def test_progress_that_cannot_be_printed_is_said_once(monkeypatch, capsys):
    full_disk(monkeypatch)
    for line in "abc":
        output.say(line)
    assert capsys.readouterr().err == "stdout: No space left on device: the work continues without output\n"
    output.discard()


def test_a_result_that_cannot_be_printed_ends_the_command(monkeypatch, capsys):
    full_disk(monkeypatch)
    output.say("progress")
    with pytest.raises(SystemExit) as caught:
        cli.run("name", lambda: output.show("the result"))
    assert caught.value.code == 1
    assert capsys.readouterr().err.splitlines()[1:] == ["name: stdout: No space left on device"]


class Unusual(BaseException):
    """Not even an Exception."""


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (KeyError("x"), 1, "name: unexpected error, please report it with "),
        (Unusual("x"), 1, "name: unexpected error, please report it with "),
        (ValueError("embedded null byte\n  In call to configurable 'sample'"), 2, "name: the name of a file contains"),
    ],
)
def test_whatever_is_raised_is_one_line(monkeypatch, tmp_path, capsys, raised, code, words):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def command():
        raise raised

    with pytest.raises(SystemExit) as caught:
        cli.run("name", command)
    (line,) = capsys.readouterr().err.splitlines()
    assert caught.value.code == code and line.startswith(words)


def test_a_run_outlives_its_output(tmp_path):
    """As with `| head -1`."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", *program(tmp_path / "run", GAME, SHORT)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)  # nothing of TensorFlow's is seen without it, either
    process = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment, timeout=120)
    os.close(write)
    assert process.returncode == 0
    assert process.stderr == "stdout: Broken pipe: the work continues without output\n"
    assert metrics(tmp_path / "run")[-1]["step"] == 20


def test_a_closed_terminal_saves_and_ends(tmp_path):
    process = Forked(tmp_path / "log", *program(tmp_path / "run", GAME, LONG))
    while not (tmp_path / "run" / "metrics.jsonl").exists():
        assert process.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.05)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    assert ended([process], within=60) == [128 + signal.SIGHUP]
    assert ": asked to stop, saving" in (tmp_path / "log").read_text()
    assert list((tmp_path / "run" / "checkpoints").glob("step-*.index"))


def test_a_signal_ends_a_mode_that_looks_at_runs(tmp_path):
    process = Forked(tmp_path / "log", "jare_tf.main", "--mode=evaluate", "--watch", f"--model_dir={tmp_path}/run")
    (tmp_path / "log").touch()
    while "waiting for " not in (tmp_path / "log").read_text():
        assert process.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert ended([process], within=60) == [128 + signal.SIGTERM]
    assert (tmp_path / "log").read_text().splitlines()[1:] == ["jare_tf: stopped by SIGTERM"]


SIGNALLED = """
import os, signal, sys
sys.argv[0] = "jare_tf"  # as a command, for which TensorFlow is not imported at once
from jare_tf import cli
{}
cli.run("name", lambda: os.kill(os.getpid(), signal.{}) or print("after"))
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_a_command_with_one_line(name, code):
    command = [sys.executable, "-c", SIGNALLED.format("signal.signal(signal.SIGHUP, signal.SIG_DFL)", name)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (process.returncode, process.stdout, process.stderr) == (code, "", f"name: stopped by {name}\n")


def test_nohup_ignores_a_closed_terminal():
    command = [sys.executable, "-c", SIGNALLED.format("signal.signal(signal.SIGHUP, signal.SIG_IGN)", "SIGHUP")]
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (process.returncode, process.stdout, process.stderr) == (0, "after\n", "")


def imported(tmp_path, debug, *lines):
    """A process that has imported TensorFlow, which is a file of these lines; it says "ready"."""
    devices = "class config:\n    list_physical_devices = staticmethod(lambda: os.write(2, b'devices\\n'))\n"
    (tmp_path / "tensorflow.py").write_text("\n".join(["import os, signal", *lines, devices]))
    as_a_command = "import sys; sys.argv[0] = 'jare_tf'; from jare_tf import cli; "
    command = f"{as_a_command}cli.import_tensorflow('name', {debug}); print('ready')"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    return subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(("debug", "errors"), [(False, ""), (True, "noise\ndevices\n")])
def test_what_tensorflow_writes_while_it_starts(tmp_path, debug, errors):
    process = imported(tmp_path, debug, "os.write(2, b'noise\\n')")
    assert (process.returncode, process.stdout, process.stderr) == (0, "ready\n", errors)


def test_a_signal_while_tensorflow_starts(tmp_path):
    process = imported(tmp_path, False, "os.kill(os.getpid(), signal.SIGINT)")
    assert (process.returncode, process.stdout, process.stderr) == (130, "", "name: stopped by SIGINT\n")


def test_a_tensorflow_that_is_broken_is_shown(tmp_path):
    process = imported(tmp_path, False, "raise ImportError('broken')")
    assert process.returncode == 1 and "ImportError: broken" in process.stderr
