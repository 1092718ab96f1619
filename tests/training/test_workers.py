"""TF_CONFIG in every wrong form, and how workers meet, or do not."""

import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from jare_tf.errors import InputError, RunError
from jare_tf.training import strategy, workers
from tests.processes import ROOT

TWO = '"cluster": {"worker": ["localhost:1", "localhost:2"]}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is not a JSON object"),
        ("[]", "it is not a JSON object"),
        ("[" * 100_000, "it is not a JSON object"),
        ('{"cluster": []}', "its cluster is not a JSON object"),
        ('{"cluster": {"worker": 3}}', "its worker is not a list of addresses"),
        ('{"cluster": {"worker": "localhost:1"}}', "its worker is not a list of addresses"),
        ('{"cluster": {"worker": []}}', "its worker is not a list of addresses"),
        ('{"cluster": {"worker": ["localhost:1", 2]}}', "its worker is not a list of addresses"),
        ('{"cluster": {"worker": ["localhost:1", "localhost"]}}', "'localhost' is not host:port"),
        ('{"cluster": {"worker": ["localhost:1", "localhost:x"]}}', "'localhost:x' is not host:port"),
        ('{"cluster": {"worker": ["localhost:1", "localhost:65536"]}}', "'localhost:65536' is not host:port"),
        ('{"cluster": {"worker": ["localhost:1", "localhost:1"]}}', "it lists an address twice"),
        ('{"cluster": {"chief": ["a:1"], "worker": ["a:1"]}}', "it lists an address twice"),
        ('{"cluster": {"chief": ["a:1", "b:2"]}}', "it lists several chiefs"),
        ('{"cluster": {"ps": ["a:1"], "worker": ["b:2"]}}', "this program has no tasks of the type 'ps'"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 5}}', "this task's index is none of 0"),
        (f"{{{TWO}}}", "it does not say which task this one is"),
        (f'{{{TWO}, "task": []}}', "it does not say which task this one is"),
        (f'{{{TWO}, "task": {{"type": "worker", "index": 2}}}}', "this task's index is none of 0 to 1"),
        (f'{{{TWO}, "task": {{"type": "worker", "index": -1}}}}', "this task's index is none of 0 to 1"),
        (f'{{{TWO}, "task": {{"type": "worker", "index": true}}}}', "this task's index is none of 0 to 1"),
        (f'{{{TWO}, "task": {{"type": "worker", "index": null}}}}', "this task's index is none of 0 to 1"),
        (f'{{{TWO}, "task": {{"type": "evaluator", "index": 0}}}}', "this task's type is none of worker"),
        (f'{{{TWO}, "task": {{"type": ["worker"], "index": 0}}}}', "this task's type is none of worker"),
    ],
)
def test_tf_config_in_another_form(monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError) as error:
        strategy.make("auto")
    assert str(error.value).startswith(f"TF_CONFIG: {message}")
    assert len(str(error.value)) < 400


def test_tf_config(monkeypatch):
    config = {"cluster": {"worker": ["b:2", "c:3"], "chief": ["a:1"]}, "task": {"type": "worker", "index": "1"}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert workers.cluster() == workers.Cluster(("a:1", "b:2", "c:3"), 2)


@pytest.fixture
def addresses():
    """Three, free at this moment."""
    sockets = [socket.create_server(("", 0)) for _ in range(3)]
    found = tuple(f"localhost:{one.getsockname()[1]}" for one in sockets)
    for one in sockets:
        one.close()
    return found


def met(*arguments):
    """What becomes of workers that meet, each with (addresses, index, what is the same, seconds)."""

    def meet(addresses, index, same, limit):
        try:
            workers.meet(workers.Cluster(addresses, index), same, limit)
        except (InputError, RunError) as error:
            return f"{type(error).__name__}: {error}"

    with ThreadPoolExecutor() as pool:
        return list(pool.map(meet, *zip(*arguments, strict=True)))


def test_all_meet(addresses):
    assert met(*((addresses, index, {"--model_dir": "/run"}, 20) for index in (2, 0, 1))) == [None] * 3


def test_different_folders(addresses):
    first, second = addresses[:2], addresses[:2]
    line = "InputError: the workers have different --model_dir: '/run', worker 1 '/other'"
    assert met((first, 0, {"--model_dir": "/run"}, 20), (second, 1, {"--model_dir": "/other"}, 20)) == [line, line]


def test_different_clusters(addresses):
    line = "InputError: TF_CONFIG: the workers list different addresses"
    assert met((addresses, 0, {}, 20), ((*addresses[:2], "localhost:1"), 1, {}, 20)) == [line, line]


@pytest.mark.parametrize("index", [0, 1])
def test_two_workers_of_one_index(addresses, index):
    """On one machine, where they want the same port, too."""
    others = [] if index == 0 else [(addresses, 0, {}, 20)]
    (line,) = set(met(*others, (addresses, index, {}, 20), (addresses, index, {}, 20)))
    name = f"worker {index} ({addresses[index]})"
    # The other, if that one with the port had not come yet.
    same, in_use = f"TF_CONFIG: two workers have the index of {name}", f"the port of {name} is in use there"
    assert line in (f"InputError: {same}", f"InputError: {in_use}")


def test_a_worker_that_does_not_come(addresses, monkeypatch, capsys):
    monkeypatch.setattr(workers, "_REPORT", 0.3)
    missing = f"worker 2 ({addresses[2]})"
    line = f"RunError: {missing} did not come within 1 s: start all workers again"
    assert met((addresses, 0, {}, 1), (addresses, 1, {}, 20)) == [line, line]
    assert capsys.readouterr().out.count(f"waiting for {missing}, ") >= 3


def test_a_chief_that_does_not_come(addresses):
    (line,) = met((addresses, 1, {}, 1))
    expected = f"RunError: worker 0 ({addresses[0]}) did not come within 1 s (Connection refused)"
    assert line.startswith(expected)


@pytest.mark.parametrize("index", [0, 1])
def test_a_port_in_use(addresses, monkeypatch, index):
    """By a program that is no worker."""
    monkeypatch.setattr(workers, "_ANSWER", 0.3)
    port = int(addresses[index].rpartition(":")[2])
    with socket.create_server(("", port)):
        (line,) = met((addresses, index, {}, 20))
    assert line.startswith(f"InputError: port {port} is in use, by another program or another worker {index} (")


def test_others_learn_that_a_port_is_in_use(addresses):
    with socket.create_server(("", int(addresses[1].rpartition(":")[2]))):
        line = f"InputError: the port of worker 1 ({addresses[1]}) is in use there"
        assert met((addresses, 0, {}, 20), (addresses, 1, {}, 20)) == [line, line]


def test_a_late_worker_learns_what_is_wrong(addresses):
    with ThreadPoolExecutor() as pool, socket.create_server(("", int(addresses[1].rpartition(":")[2]))):
        others = pool.submit(met, (addresses, 0, {}, 20), (addresses, 1, {}, 20))
        time.sleep(1)
        assert (
            met((addresses, 2, {}, 20)) + others.result()
            == [f"InputError: the port of worker 1 ({addresses[1]}) is in use there"] * 3
        )


def test_strangers_are_not_taken_for_workers(addresses):
    place = ("localhost", int(addresses[0].rpartition(":")[2]))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(met, (addresses[:2], 0, {}, 20))
        for line in (b"GET / HTTP/1.1\r\n\r\n", b"[1]\n", b"{}\n", b"\xff\xff\n", b'{"index": 1}\n', b""):
            while True:
                try:
                    with socket.create_connection(place) as stranger:
                        stranger.sendall(line)
                    break
                except ConnectionRefusedError:  # it is not there yet
                    pass
        assert met((addresses[:2], 1, {}, 20)) == [None]
        assert first.result() == [None]


def test_addresses_are_looked_up_before_the_wait():
    (line,) = met((("localhost:1", "no-such-host.invalid:2"), 0, {}, 20))
    assert line.startswith("InputError: TF_CONFIG: the host of worker 1 (no-such-host.invalid:2) cannot be resolved: ")
    (line,) = met((("localhost:1", "127.0.0.1:1"), 0, {}, 20))
    assert line == "InputError: TF_CONFIG: worker 0 (localhost:1) and worker 1 (127.0.0.1:1) have the same address"


WAIT = """
import sys
sys.argv[0] = "jare_tf"  # as a command, for which TensorFlow is not imported at once
from jare_tf import cli
from jare_tf.training import workers
cli.run("name", lambda: workers.meet(workers.Cluster(tuple(sys.argv[1:]), 0), {}, 600))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait(addresses, number):
    command = [sys.executable, "-c", WAIT, *addresses]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout.readline() == "waiting for the workers of TF_CONFIG, 3 in all\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (128 + number, f"name: stopped by {number.name}\n")


def test_nothing_answers_at_the_address_of_a_tpu(monkeypatch, capsys):
    monkeypatch.setattr(workers, "_REACH", 0.5)
    with pytest.raises(InputError, match="the TPU 'grpc://localhost:1' cannot be reached: .*Connection refused"):
        strategy.make("tpu", "grpc://localhost:1")
    assert capsys.readouterr().out == "waiting for the TPU at grpc://localhost:1\n"
