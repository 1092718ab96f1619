"""Processes of the program, for what a test process cannot do to itself: be killed, or be one of several workers."""

import json
import multiprocessing
import os
import pathlib
import runpy
import signal
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]


def start(log: pathlib.Path, *command, **environment) -> subprocess.Popen:
    """`python command...` with its output in the file `log`."""
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT), **environment}
    with open(log, "ab") as output:
        arguments = [sys.executable, *map(str, command)]
        return subprocess.Popen(arguments, stdout=output, stderr=output, env=variables, preexec_fn=_mind_hangup)


class Forked:
    """`python -m module arguments...` in a process forked from one that has imported TensorFlow, as Popen shows it."""

    def __init__(self, log: pathlib.Path, module: str, *arguments, **environment):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["jare_tf.experiment"])  # all but the program
        arguments = log, module, list(map(str, arguments)), {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
        self._process = context.Process(target=_run_module, args=arguments)
        self._process.start()
        self.pid, self.kill = self._process.pid, self._process.kill

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, within: float | None = None) -> int:
        self._process.join(within)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, within)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def _run_module(log: pathlib.Path, module: str, arguments: list[str], environment: dict[str, str]) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.update(environment)
    _mind_hangup()
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _mind_hangup() -> None:
    """SIGHUP as usual, also where the tests run under `nohup`, which ignores it."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def program(model_dir, files, params) -> list[str]:
    """The command of a run, for `Forked`; for `start` it follows "-m"."""
    flags = [*(f"--gin_file={file}" for file in files), *(f"--gin_param={param}" for param in params)]
    return ["jare_tf.main", f"--model_dir={model_dir}", *flags]


def start_workers(log: pathlib.Path, commands) -> list[Forked]:
    """A command in each of several workers that TF_CONFIG ties together; worker i writes to <log>.<i>."""
    sockets = [socket.socket() for _ in commands]
    for one in sockets:
        one.bind(("localhost", 0))
    cluster = {"worker": [f"localhost:{one.getsockname()[1]}" for one in sockets]}
    for one in sockets:
        one.close()
    return [
        Forked(pathlib.Path(f"{log}.{index}"), *command, TF_CONFIG=json.dumps({"cluster": cluster, "task": task}))
        for index, command in enumerate(commands)
        for task in [{"type": "worker", "index": index}]
    ]


def ended(processes, within: float) -> list[int]:
    """The exit codes of processes that end within so many seconds; those that do not are killed, and fail."""
    try:
        return [process.wait(within) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()


def errors(log: pathlib.Path) -> list[str]:
    """The program's own lines about errors."""
    return [line for line in log.read_text().splitlines() if line.startswith("jare_tf: ")]
