"""Processes of the program, for what a test process cannot do to itself: be killed, or be one of several workers."""

import json
import multiprocessing
import os
import pathlib
import signal
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]


def start(log: pathlib.Path, *command, **environment) -> subprocess.Popen:
    """`python command...` with its output in the file `log`."""
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT), **environment}
    with open(log, "ab") as output:
        return subprocess.Popen([sys.executable, *map(str, command)], stdout=output, stderr=output, env=variables)


def start_forked(log: pathlib.Path, model_dir, files, params) -> multiprocessing.Process:
    """The run that `program` describes, in a process forked from one that has imported TensorFlow already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.runs"])
    process = context.Process(target=_run, args=(log, model_dir, files, params))
    process.start()
    return process


def _run(log: pathlib.Path, model_dir, files, params) -> None:
    from tests.runs import run

    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    run(model_dir, files=files, short=params)


def program(model_dir, files, params) -> list[str]:
    """The command of a run, for `start`."""
    flags = [*(f"--gin_file={file}" for file in files), *(f"--gin_param={param}" for param in params)]
    return ["-m", "jare_tf.main", f"--model_dir={model_dir}", *flags]


def start_workers(log: pathlib.Path, commands) -> list[subprocess.Popen]:
    """A command in each of several workers that TF_CONFIG ties together; worker i writes to <log>.<i>."""
    sockets = [socket.socket() for _ in commands]
    for one in sockets:
        one.bind(("localhost", 0))
    cluster = {"worker": [f"localhost:{one.getsockname()[1]}" for one in sockets]}
    for one in sockets:
        one.close()
    return [
        start(pathlib.Path(f"{log}.{index}"), *command, TF_CONFIG=json.dumps({"cluster": cluster, "task": task}))
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
