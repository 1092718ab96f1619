"""What befalls long runs: kills, full disks, vanished directories, second processes, lost workers, NaN."""

import os
import random
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf import main
from jare_tf.training import loop
from tests.conftest import store_images
from tests.processes import Forked, ended, errors, program, start, start_workers
from tests.runs import GAME, SHORT, copied, metrics, run, summaries, without_time
from tests.test_experiment import assert_same_run, final_parameters

# Spectral norm, batch norm, a moving average, Adam, a rule that remembers: all that has state.
STATEFUL = [
    "FILTERS = 2",
    "networks.dcgan.generator.layers = 2",
    "networks.dcgan.discriminator.layers = 2",
    "BATCH_SIZE = 4",
    "SPECTRAL_NORM = True",
    "networks.dcgan.generator.batch_norm = True",
    "experiment.Experiment.average_decay = 0.9",
    "experiment.Experiment.rule = @rules.optimistic()",
]
IMAGES = ["cifar10/c_jare.gin"]
LAZY = [
    "experiment.Experiment.average_decay = 0.99",
    "experiment.Experiment.rule = @rules.lazy()",
    "rules.lazy.rule = @rules.jare()",
    "rules.lazy.every = 3",
]
SPOILT = ["import tests.spoilt", "experiment.Experiment.dataset = @tests.spoilt.ring", "NAN_POLICY = 'rewind'"]
KILLS = int(os.environ.get("JARE_TF_KILLS", "15"))


@pytest.fixture
def pictures(tmp_path):
    """The bindings of a small data set of images."""
    images = np.random.default_rng(0).integers(0, 256, size=(26, 32, 32, 3), dtype=np.uint8)
    name = store_images(tmp_path / "data", images)
    return [f"data.tfds_images.load.name = '{name}'", f"data.tfds_images.load.data_dir = '{tmp_path / 'data'}'"]


def test_all_state_is_resumed(tmp_path, pictures, eagerly):
    pace = ["STEPS = 4", "LOG_EVERY = 2", "SAVE_EVERY = 2", "SAMPLE_EVERY = 4", *STATEFUL, *pictures]
    run(tmp_path / "whole", files=IMAGES, short=pace)
    run(tmp_path / "parts", "STEPS = 2", files=IMAGES, short=pace)
    run(tmp_path / "parts", files=IMAGES, short=pace)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize(
    ("files", "more", "kills", "steps"),
    [
        (["isotropic_gaussian/optimistic.gin"], [], 2, 300),
        pytest.param(["isotropic_gaussian/optimistic.gin"], [], KILLS, 3000, marks=pytest.mark.slow),
        pytest.param(IMAGES, STATEFUL, KILLS, 800, marks=pytest.mark.slow),
        pytest.param(["mixture_jare_code/jare.gin"], LAZY, KILLS, 1500, marks=pytest.mark.slow),
        pytest.param(["mixture_jare_code/jare.gin"], SPOILT, KILLS, 1500, marks=pytest.mark.slow),
    ],
    ids=["a few", "game", "images", "moving average and lazy rule", "rewinding"],
)
def test_killed_at_random_moments_and_resumed_each_time(tmp_path, pictures, files, more, kills, steps):
    """kill −9 of the process, from its start on; the final bits and rows are those of a run that was left alone."""
    pace = [f"STEPS = {steps}", "LOG_EVERY = 5", "SAVE_EVERY = 5", "SAMPLE_EVERY = 50", "STEPS_PER_CALL = 5"]
    params = [*more, *pace, *(pictures if files == IMAGES else ["JIT = False"])]
    whole, killed, log = tmp_path / "whole", tmp_path / "killed", tmp_path / "log"
    begin = lambda model_dir: Forked(log, *program(model_dir, files, params))
    moments = random.Random(0)
    for number in range(kills):
        rows = _rows(killed)
        process = begin(killed)
        if number % 10 != 1:  # else while it starts
            while process.poll() is None and _rows(killed) <= rows:
                time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.4))
        assert process.poll() is None, "the run was over before it had been killed often enough"
        process.kill()
        process.wait()
    assert ended([begin(killed), begin(whole)], within=600) == [0, 0]
    assert_same_run(whole, killed)
    assert [row["step"] for row in metrics(killed)] == list(range(5, steps + 1, 5))
    assert log.read_text().count(f"from step 0 to {steps:,}") < 2 + kills / 2  # it went on, and did not begin anew
    assert ("rewind 1 of 3" in log.read_text()) == (more is SPOILT)


def _rows(model_dir) -> int:
    path = model_dir / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def events(model_dir):
    """(step, tag) of everything that TensorBoard finds but the configuration."""
    return [(step, tag) for step, _, tag, _ in summaries(model_dir / "train") if tag != "config"]


def test_tensorboard_shows_no_step_twice_after_a_kill(tmp_path):
    copied(tmp_path / "whole")
    run(tmp_path / "killed", "STEPS = 15", "SAVE_EVERY = 1000")
    (tmp_path / "killed" / "checkpoints" / "step-15.index").unlink()  # as if killed before it saved at all
    run(tmp_path / "killed", "STEPS = 10", "SAMPLE_EVERY = 5")
    assert max(events(tmp_path / "killed"))[0] == 10
    run(tmp_path / "killed", "SAVE_EVERY = 1000", "STEPS = 15")
    (tmp_path / "killed" / "checkpoints" / "step-15.index").unlink()
    run(tmp_path / "killed")
    twice = events(tmp_path / "killed")
    assert len(twice) == len(set(twice))
    assert set(twice) - set(events(tmp_path / "whole")) == {(5, "samples"), (10, "samples")}


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # event files are still open


def test_a_full_disk(small_disk):
    """The run ends in a line and leaves the checkpoint before; with room again it goes on as if nothing had been."""
    model_dir, log = small_disk / "run", small_disk.parent / "log"
    pace = ["STEPS = 100000", "SAVE_EVERY = 100", "LOG_EVERY = 100", "JIT = False"]
    assert ended([Forked(log, *program(model_dir, GAME, [*pace, "SAMPLE_EVERY = 200"]))], within=120) == [1]
    (line,) = errors(log)
    kept = re.search(r"step \d+: .*[Nn]o space left on device.*; the checkpoint of step (\d+) is kept", line)[1]
    assert not list((model_dir / "checkpoints").glob("writing*"))
    shutil.rmtree(model_dir / "train")
    shutil.rmtree(model_dir / "samples")
    pace += [f"STEPS = {int(kept) + 100}", "SAMPLE_EVERY = 1000000"]
    run(model_dir, *pace)
    run(small_disk.parent / "whole", *pace)
    assert_same_run(small_disk.parent / "whole", model_dir)


@pytest.mark.parametrize("due", [5, 10])
def test_the_run_directory_vanishes(tmp_path, monkeypatch, due):
    original = loop.Every.due

    def vanish(self, step, last):
        if step == due:
            shutil.rmtree(tmp_path / "run", ignore_errors=True)
        return original(self, step, last)

    monkeypatch.setattr(loop.Every, "due", vanish)
    with pytest.raises(jare_tf.RunError, match=rf"^step {due}: the run directory {tmp_path}/run is gone: .*removed$"):
        run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_run_directory_becomes_read_only(tmp_path, monkeypatch):
    """As TensorFlow would say it: root, who may run the tests, may write everywhere."""
    original = tf.train.Checkpoint.write

    def write(self, path):
        if (tmp_path / "checkpoints" / "step-10.index").exists():
            raise tf.errors.PermissionDeniedError(None, None, f"{path}; Read-only file system")
        return original(self, path)

    monkeypatch.setattr(tf.train.Checkpoint, "write", write)
    expected = "^step 20: cannot write a checkpoint to .*Read-only file system; the checkpoint of step 10 is kept"
    with pytest.raises(jare_tf.RunError, match=expected):
        run(tmp_path)


def test_a_second_process_refuses(tmp_path):
    log, again = tmp_path / "log", tmp_path / "again"
    params = ["STEPS = 100000000", "JIT = False", "STEPS_PER_CALL = 100"]
    first = start(log, "-m", *program(tmp_path / "run", GAME, params))
    try:
        while not _rows(tmp_path / "run"):
            assert first.poll() is None
            time.sleep(0.05)
        assert ended([Forked(again, *program(tmp_path / "run", GAME, params))], within=60) == [2]
        (line,) = errors(again)
        assert f"{tmp_path}/run is in use by process {first.pid} on " in line
        first.send_signal(signal.SIGTERM)
        assert ended([first], within=60) == [128 + signal.SIGTERM]
    finally:
        first.kill()
    assert run(tmp_path / "run", f"STEPS = {metrics(tmp_path / 'run')[-1]['step']}", "STEPS_PER_CALL = 100") is None


@pytest.mark.parametrize("files", [GAME, pytest.param(IMAGES, marks=pytest.mark.slow)])
def test_a_worker_is_killed_and_both_are_started_again(tmp_path, pictures, files):
    """The other ends in a line; both together go on from the last checkpoint and reach what one device reaches."""
    params = ["LOG_EVERY = 5", "SAVE_EVERY = 10", "SAMPLE_EVERY = 50", "STEPS_PER_CALL = 5"]
    if files == IMAGES:
        params += ["FILTERS = 2", "BATCH_SIZE = 4", "keras.optimizers.Adam.epsilon = 1e-3", *pictures]
    command = program(tmp_path / "run", files, [*params, "STEPS = 1000"])
    workers = start_workers(tmp_path / "log", [command] * 2)
    while _rows(tmp_path / "run") < 5:
        assert all(worker.poll() is None for worker in workers), (tmp_path / "log.0").read_text()
        time.sleep(0.05)
    workers[1].kill()
    assert ended(workers, within=120) == [1, -signal.SIGKILL]
    (line,) = errors(tmp_path / "log.0")
    assert "worker 0 of 2 cannot reach another one any more; start all of them again" in line
    assert "the checkpoint of step" in line
    reached = max(int(path.stem.split("-")[1]) for path in (tmp_path / "run" / "checkpoints").glob("step-*.index"))
    command = program(tmp_path / "run", files, [*params, f"STEPS = {reached + 20}"])
    assert ended(start_workers(tmp_path / "again", [command] * 2), within=120) == [0, 0]
    run(tmp_path / "one", *params, f"STEPS = {reached + 20}", files=files, short=[])
    assert f"from step {reached:,} to" in (tmp_path / "again.1").read_text()
    for row, expected in zip(metrics(tmp_path / "run"), metrics(tmp_path / "one"), strict=True):
        assert row["step"] == expected["step"]
        np.testing.assert_allclose(row["loss/discriminator"], expected["loss/discriminator"], rtol=1e-4)


def test_a_signal_to_one_worker_stops_all_of_them_at_one_step(tmp_path):
    command = program(tmp_path / "run", GAME, ["STEPS = 1000000", "STEPS_PER_CALL = 10", "SAVE_EVERY = 1000000"])
    workers = start_workers(tmp_path / "log", [command] * 2)
    while _rows(tmp_path / "run") < 2:
        assert all(worker.poll() is None for worker in workers), (tmp_path / "log.0").read_text()
        time.sleep(0.05)
    workers[1].send_signal(signal.SIGTERM)
    assert ended(workers, within=60) == [128 + signal.SIGTERM] * 2
    (index,) = (tmp_path / "run" / "checkpoints").glob("step-*.index")
    assert int(index.stem.split("-")[1]) == int(
        final_parameters(tmp_path / "run")["iterations/.ATTRIBUTES/VARIABLE_VALUE"]
    )


def test_a_rewind_without_a_checkpoint(tmp_path, nan_once, monkeypatch):
    original = loop.Every.due

    def lose(self, step, last):
        if step == 10:
            shutil.rmtree(tmp_path / "checkpoints", ignore_errors=True)
        return original(self, step, last)

    monkeypatch.setattr(loop.Every, "due", lose)
    with pytest.raises(jare_tf.NotFiniteError, match="^step 14: .*there is no checkpoint before it"):
        run(tmp_path, "NAN_POLICY = 'rewind'", "SAVE_EVERY = 1000")


def test_a_refused_change_leaves_the_record_as_it_was(tmp_path):
    copied(tmp_path)
    before = (tmp_path / "config.gin").read_text()
    other = ["isotropic_gaussian/optimistic.gin"]
    with pytest.raises(jare_tf.InputError, match="is a checkpoint of another experiment"):
        main.dispatch(other, [*SHORT, "STEPS = 25"], None, str(tmp_path), allow_config_change=True)
    assert (tmp_path / "config.gin").read_text() == before


@pytest.mark.parametrize("name", ["samples", "train"])
def test_what_cannot_be_written_at_the_start_is_named(tmp_path, name):
    (tmp_path / name).write_text("")
    with pytest.raises(jare_tf.InputError, match=name):
        run(tmp_path)
    assert not (tmp_path / "config.gin").exists()


def test_a_broken_row_is_named_and_set_aside(tmp_path, capsys):
    copied(tmp_path)
    path = tmp_path / "metrics.jsonl"
    broken = path.read_text().splitlines()[1].replace('{"step": 10', '{"step"; 10')
    path.write_text(path.read_text().replace('{"step": 10', '{"step"; 10') + "[1, 2]\n")
    run(tmp_path, "STEPS = 25")
    printed = capsys.readouterr().out
    assert f"{path}, line 2: not JSON: Expecting ':' delimiter; set aside in {path}.bad-lines" in printed
    assert f"{path}, line 5: a row is an object; set aside in {path}.bad-lines" in printed
    assert [row["step"] for row in metrics(tmp_path)] == [5, 15, 20, 25]
    assert (tmp_path / "metrics.jsonl.bad-lines").read_text().splitlines() == [broken, "[1, 2]"]


def test_workers_with_different_configurations(tmp_path):
    commands = [program(tmp_path / "run", GAME, [f"SEED = {seed}"]) for seed in (1, 2)]
    workers = start_workers(tmp_path / "log", commands)
    assert ended(workers, within=60) == [2, 2]
    for index in range(2):
        (line,) = errors(tmp_path / f"log.{index}")
        assert "the workers of TF_CONFIG have different configurations" in line


DIVERGING = ["isotropic_gaussian/conopt.gin"]


def test_nan_stops_a_run_by_default(tmp_path, nan_once):
    with pytest.raises(
        jare_tf.NotFiniteError, match="^step 14: loss/discriminator is nan; .*the checkpoint of step 10 is kept"
    ):
        run(tmp_path)


def test_nan_rewinds_a_run_that_may(tmp_path, nan_once, capsys):
    run(tmp_path / "whole", "NAN_POLICY = 'rewind'")
    assert [row["step"] for row in metrics(tmp_path / "whole")] == [5, 10, 15, 20]
    assert "rewind 1 of 3 to step 10, with other random draws" in capsys.readouterr().out
    assert (10, "rewind") in events(tmp_path / "whole")
    run(tmp_path / "parts", "NAN_POLICY = 'rewind'", "STEPS = 17")
    run(tmp_path / "parts")  # what was rewound stays so, whatever the policy is now
    extra = [row for row in metrics(tmp_path / "parts") if row["step"] != 17]
    assert without_time(extra) == without_time(metrics(tmp_path / "whole"))


def test_rewinding_gives_up_after_so_many_times(tmp_path, capsys):
    bindings = ("keras.optimizers.SGD.learning_rate = 1e30", "SAVE_EVERY = 1", "NAN_POLICY = 'rewind'")
    with pytest.raises(
        jare_tf.NotFiniteError, match=r"^step 2: loss/discriminator is (nan|inf).*the checkpoint of step 1 is kept"
    ):
        run(tmp_path, *bindings, "experiment.Pace.max_rewinds = 2", files=DIVERGING)
    printed = [line for line in capsys.readouterr().out.splitlines() if ": rewind " in line]
    assert len(printed) == 2
    for number, line in enumerate(printed, start=1):
        assert line.endswith(f": rewind {number} of 2 to step 1, with other random draws")


@pytest.mark.parametrize("name", ["exp[12]", "exp?", "back\\sl*sh"])
def test_the_name_of_a_run_directory_is_no_pattern(tmp_path, capsys, name):
    """It trains, saves, sets a damaged checkpoint aside and resumes; runs beside it stay as they are."""
    run(tmp_path / "exp1")
    shutil.copytree(tmp_path / "exp1", tmp_path / "exp2")
    beside = lambda: {path: path.read_bytes() for path in tmp_path.glob("exp[12]/**/*") if path.is_file()}
    before, model_dir = beside(), tmp_path / name
    run(model_dir)
    index = model_dir / "checkpoints" / "step-20.index"
    index.write_bytes(index.read_bytes()[:100])
    run(model_dir, "STEPS = 25")
    assert sorted(path.name for path in (model_dir / "checkpoints").glob("*.index")) == [
        "step-10.index",
        "step-20.index",
        "step-25.index",
        "unreadable-step-20.index",
    ]
    assert beside() == before
    main.dispatch([], [], "evaluate", str(model_dir))
    assert len(list((model_dir / "evaluation").glob("events*"))) == 1
    model_dir.rename(tmp_path / "plain")
    run(tmp_path / "whole", "STEPS = 25")
    assert_same_run(tmp_path / "whole", tmp_path / "plain")
    assert {(25, "loss/generator"), (5, "loss/generator")} <= set(events(tmp_path / "plain"))
