"""The run directory: its rows by one schema, whose it is, and that it stays one process's."""

import json
import os
import shutil
import tracemalloc

import pytest

import jare_tf
from jare_tf.training import loop
from jare_tf.training.run import Run
from tests.runs import copied, metrics, run

GOOD = [{"step": 5, "seconds": 1.0, "loss": 2}, {"step": 10, "seconds": 2.5, "loss": float("nan"), "note": "ü"}]
BAD = {
    "": "not JSON",
    "17": "a row is an object",
    "[1, 2]": "a row is an object",
    '{"a": 1}': "step must be",
    '{"step": "45", "seconds": 1}': "step must be",
    '{"step": true}': "step must be",
    '{"step": 1.0}': "step must be",
    '{"step": -1}': "step must be",
    '{"step": 9223372036854775808}': "step must be",
    f'{{"step": {"9" * 5000}}}': "a number does not fit a float",
    f'{{"step": 1, "loss": {"9" * 400}}}': "a number does not fit a float",
    f'{{"step": 1, "loss": [-{"9" * 5000}]}}': "a number does not fit a float",
    '{"step": 1, "seconds": "abc"}': "seconds must be",
    '{"step": 1, "seconds": 1e999}': "seconds must be",
    '{"step": 1, "seconds": -1}': "seconds must be",
    '{"step": 1, "better": 3}': "better must have",
    '{"step": 1, "better": {"fid": []}}': "better must have",
    "[" * 100_000 + "]" * 100_000: "too many brackets",
    '{"step": 1, "\\ud800": 1}': "not UTF-8",
    b'{"step": 1, "\xff": 1}': "not UTF-8",
    b'\xff\xfe{\x00"\x00': "not UTF-8",
    b"\x00\x00\x00": "not JSON",
}


def encoded(line) -> bytes:
    return (line if isinstance(line, bytes) else line.encode()) + b"\n"


def good(rows) -> bytes:
    return b"".join(encoded(json.dumps(row)) for row in rows)


@pytest.mark.parametrize(("line", "fault"), BAD.items(), ids=lambda value: str(value)[:20])
def test_a_bad_line_is_named_and_set_aside(tmp_path, capsys, line, fault):
    path = tmp_path / "metrics.jsonl"
    content = good(GOOD[:1]) + encoded(line) + good(GOOD[1:])
    path.write_bytes(content + b'{"step": 15, "sec')
    assert [row["step"] for row in Run(str(tmp_path)).rows()] == [5, 10]
    (printed,) = capsys.readouterr().out.splitlines()
    assert printed.startswith(f"{path}, line 2: {fault}")
    assert printed.endswith("; left out")
    assert path.read_bytes().startswith(content)
    assert Run(str(tmp_path)).drop_rows()["seconds"] == 2.5
    (printed,) = capsys.readouterr().out.splitlines()
    assert printed.endswith(f"; set aside in {path}.bad-lines")
    assert path.read_bytes() == good(GOOD)
    assert (tmp_path / "metrics.jsonl.bad-lines").read_bytes() == encoded(line)


def test_many_bad_lines_are_counted(tmp_path, capsys):
    (tmp_path / "metrics.jsonl").write_bytes(b"17\n" * 1000)
    assert list(Run(str(tmp_path)).rows()) == []
    assert len(lines := capsys.readouterr().out.splitlines()) == 4
    assert lines[-1] == f"{tmp_path}/metrics.jsonl: 1,000 such lines left out"


@pytest.mark.parametrize(("after", "kept"), [(4, 0), (5, 1), (9, 1), (10, 2), (99, 2)])
def test_rows_are_cut_off_in_place(tmp_path, after, kept):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(good(GOOD) + b'{"step": 3')
    before = path.stat().st_ino
    last = Run(str(tmp_path)).drop_rows(after)
    assert path.read_bytes() == good(GOOD[:kept])
    assert path.stat().st_ino == before
    assert last.get("step") == ([None, 5, 10][kept])
    assert os.listdir(tmp_path) == ["metrics.jsonl"]


def test_rows_out_of_order_are_chosen(tmp_path):
    rows = [{"step": step} for step in (5, 30, 10, 20)]
    (tmp_path / "metrics.jsonl").write_bytes(good(rows))
    Run(str(tmp_path)).drop_rows(after=20)
    assert [row["step"] for row in metrics(tmp_path)] == [5, 10, 20]


def test_the_memory_of_reading_does_not_grow_with_the_rows(tmp_path):
    row = encoded(json.dumps({"step": 1, **{f"tag/{number}": 0.1 for number in range(12)}}))
    (tmp_path / "metrics.jsonl").write_bytes(row * 50_000)
    tracemalloc.start()
    try:
        Run(str(tmp_path)).drop_rows(after=1)
        assert sum(1 for _ in Run(str(tmp_path)).rows()) == 50_000
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def refused(model_dir, message, *params, **options):
    before = everything(model_dir)
    with pytest.raises(jare_tf.InputError, match=message):
        run(model_dir, *params, **options)
    assert everything(model_dir) == before


OTHER = ["linear_quadratic/jare.gin"]


def test_rows_of_another_run_are_not_erased(tmp_path):
    copied(tmp_path)
    shutil.rmtree(tmp_path / "checkpoints")
    for allowed in (False, True):
        message = "holds another experiment: .*no checkpoint to continue from: use another"
        refused(tmp_path, message, files=OTHER, allow_config_change=allowed)
    (tmp_path / "config.gin").unlink()
    for allowed in (False, True):
        refused(tmp_path, "config.gin is missing or empty.*no checkpoint", allow_config_change=allowed)


def test_checkpoints_without_a_configuration_go_on_where_that_is_allowed(tmp_path):
    copied(tmp_path)
    (tmp_path / "config.gin").write_text("")
    refused(tmp_path, "config.gin is missing or empty.*pass --allow_config_change", "STEPS = 25")
    run(tmp_path, "STEPS = 25", allow_config_change=True)
    run(tmp_path, "STEPS = 30")
    assert metrics(tmp_path)[-1]["step"] == 30


def test_a_run_without_a_checkpoint_begins_anew(tmp_path):
    """One that was killed early; another experiment may take its directory where it has written no row."""
    copied(tmp_path)
    shutil.rmtree(tmp_path / "checkpoints")
    rows = tmp_path / "metrics.jsonl"
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:2]))
    run(tmp_path)
    assert [row["step"] for row in metrics(tmp_path)] == [5, 10, 15, 20]
    shutil.rmtree(tmp_path / "checkpoints")
    (tmp_path / "metrics.jsonl").unlink()
    refused(tmp_path, "holds another experiment", files=OTHER)
    run(tmp_path, files=OTHER, allow_config_change=True)


def test_a_run_that_lost_its_checkpoints_does_not_begin_anew(tmp_path):
    """Its rows go beyond where the first checkpoint was written."""
    copied(tmp_path)
    shutil.rmtree(tmp_path / "checkpoints")
    refused(tmp_path, "has rows up to step 20 and no checkpoint to continue from: bring the checkpoints back")


def test_pictures_alone_are_a_run(tmp_path):
    copied(tmp_path)
    for name in ("checkpoints", "train"):
        shutil.rmtree(tmp_path / name)
    for name in ("config.gin", "metrics.jsonl"):
        (tmp_path / name).unlink()
    refused(tmp_path, "holds a run, whose config.gin is missing", files=OTHER)


def test_an_edited_configuration_is_noticed(tmp_path):
    copied(tmp_path)
    path = tmp_path / "config.gin"
    path.write_text(path.read_text().replace("GAMMA = 10.0", "GAMMA = 77.0").replace("STEPS = 20", "STEPS = 25"))
    refused(tmp_path, r"step-20 was written under another configuration than that of .*config.gin", files=[], short=[])
    run(tmp_path, files=[], short=[], allow_config_change=True)
    run(tmp_path, "STEPS = 30", files=[], short=[])
    assert metrics(tmp_path)[-1]["step"] == 30


def test_the_pace_is_no_part_of_the_identity(tmp_path):
    copied(tmp_path)
    path = tmp_path / "config.gin"
    path.write_text(path.read_text().replace("STEPS = 20", "STEPS = 25"))
    run(tmp_path, files=[], short=[])
    assert metrics(tmp_path)[-1]["step"] == 25


def test_a_run_directory_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    run(tmp_path / "link")
    run(tmp_path / "link", "STEPS = 25")
    assert metrics(tmp_path / "real")[-1]["step"] == 25


NAMES = [".lock", "config.gin", "metrics.jsonl", "events.out.tfevents.hparams", "samples/0000000.png"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_no_file_is_not_written_to(tmp_path, name, kind):
    other, path = tmp_path / "other", tmp_path / "run" / name
    other.write_text("")
    path.parent.mkdir(parents=True)
    path.symlink_to(other) if kind == "link" else os.mkfifo(path)
    with pytest.raises(
        (jare_tf.RunError, jare_tf.InputError),
        match=f"not a regular file: .*{name}|{name} is not a regular file|is missing or",
    ):
        run(tmp_path / "run", allow_config_change=True)
    assert other.read_text() == ""
    assert path.is_symlink() or path.is_fifo()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lock_that_is_removed_stops_its_holder(tmp_path, monkeypatch, replaced):
    original = loop.Every.due

    def remove(self, step, last):
        if step == 10 and (tmp_path / ".lock").exists():
            (tmp_path / ".lock").unlink()
            if replaced:
                (tmp_path / ".lock").write_text("")
        return original(self, step, last)

    monkeypatch.setattr(loop.Every, "due", remove)
    expected = f"^step 10: {tmp_path}/.lock was removed or replaced, so that another process may write to {tmp_path}$"
    with pytest.raises(jare_tf.RunError, match=expected):
        run(tmp_path)
    assert [row["step"] for row in metrics(tmp_path)] == [5]
    assert Run(str(tmp_path)).steps() == []


def test_a_renamed_run_directory_is_gone(tmp_path, monkeypatch):
    original = loop.Every.due

    def rename(self, step, last):
        if step == 15 and (tmp_path / "run").exists():
            (tmp_path / "run").rename(tmp_path / "renamed")
        return original(self, step, last)

    monkeypatch.setattr(loop.Every, "due", rename)
    with pytest.raises(
        jare_tf.RunError, match="^step 15: the run directory .*/run is gone: it was renamed or removed$"
    ):
        run(tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert Run(str(tmp_path / "renamed")).steps() == [10]


DIVERGING = ["isotropic_gaussian/conopt.gin"]


def test_rewinds_are_counted_at_once(tmp_path, capsys):
    """A scheduler that starts a run again after each NaN does not rewind for ever."""
    bindings = ("keras.optimizers.SGD.learning_rate = 1e30", "SAVE_EVERY = 1", "NAN_POLICY = 'rewind'")
    for allowed, expected in ((1, 1), (2, 1), (2, 0)):
        with pytest.raises(jare_tf.NotFiniteError):
            run(tmp_path, *bindings, f"experiment.Pace.max_rewinds = {allowed}", files=DIVERGING)
        assert capsys.readouterr().out.count(": rewind ") == expected
    assert (tmp_path / "checkpoints" / "rewinds").read_text() == "2\n"


def test_killed_after_a_rewind(tmp_path, nan_once, monkeypatch):
    """It goes on with the draws that it had begun to take, to the bits of a run that was not killed."""
    from tests.test_experiment import assert_same_run

    run(tmp_path / "whole", "NAN_POLICY = 'rewind'")
    original = loop.train

    def killed(gan, *arguments):
        if int(gan.seed) >= 2**31:
            raise KeyboardInterrupt
        return original(gan, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "train", killed)
        run(tmp_path / "parts", "NAN_POLICY = 'rewind'")
    run(tmp_path / "parts", "NAN_POLICY = 'rewind'")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_count_that_is_none(tmp_path):
    copied(tmp_path)
    (tmp_path / "checkpoints" / "rewinds").write_text("many")
    with pytest.raises(jare_tf.InputError, match="checkpoints/rewinds holds no number: remove it"):
        run(tmp_path, "STEPS = 25")


def test_newest_checkpoint_is_on_the_disk_before_older_ones_go(tmp_path, monkeypatch):
    synced = []
    original = jare_tf.files.sync

    def sync(path):
        synced.append((os.path.basename(path), Run(str(tmp_path)).steps()))
        original(path)

    monkeypatch.setattr("jare_tf.files.sync", sync)
    run(tmp_path, "experiment.Pace.keep_checkpoints = 1")
    saves = [(name, steps) for name, steps in synced if name.startswith(("writing", "checkpoints"))]
    assert saves[-3:] == [
        ("writing.data-00000-of-00001", [10]),
        ("writing.index", [10]),
        ("checkpoints", [10, 20]),
    ]


def test_checkpoints_that_cannot_be_reached(tmp_path):
    """Nothing begins anew, and no row is lost, because a disk is not there."""
    copied(tmp_path)
    rows = (tmp_path / "metrics.jsonl").read_bytes()
    shutil.rmtree(tmp_path / "checkpoints")
    (tmp_path / "checkpoints").symlink_to("/nosuch/disk")
    with pytest.raises(jare_tf.InputError, match="a link to none"):
        run(tmp_path, "STEPS = 25")
    assert (tmp_path / "metrics.jsonl").read_bytes() == rows
