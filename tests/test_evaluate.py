"""--mode evaluate: which checkpoints are scored, what is written, and what is kept."""

import hashlib
import json
import shutil
import threading
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf import config, main
from jare_tf.evaluation import evaluator, mode_coverage
from jare_tf.training.run import Run
from tests.conftest import store_images
from tests.processes import Forked, ended
from tests.runs import copied, run

MIXTURE = ["mixture_jare_paper/jare.gin"]
SHORT = ["STEPS = 6", "SAVE_EVERY = 2", "LOG_EVERY = 6", "SAMPLE_EVERY = 6", "STEPS_PER_CALL = 2", "BATCH_SIZE = 8"]
SHORT += ["JIT = False", "networks.mlp.generator.width = 8", "networks.mlp.discriminator.width = 8"]


def evaluate(model_dir, *params, watch=False):
    """The rows of scores after --mode evaluate."""
    main.dispatch([], list(params), "evaluate", str(model_dir), watch=watch)
    return [json.loads(line) for line in (model_dir / "evaluation" / "metrics.jsonl").read_text().splitlines()]


def test_every_checkpoint_once(tmp_path, capsys):
    copied(tmp_path, files=MIXTURE, short=SHORT)
    rows = evaluate(tmp_path)
    assert [row["step"] for row in rows] == [2, 4, 6]
    assert set(rows[0]) >= {"step", "checkpoint", "seconds", "samples", "modes_covered", "high_quality_fraction"}
    assert len({row["checkpoint"] for row in rows}) == 3
    (logged,) = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    for tag in ("modes_covered", "high_quality_fraction"):  # by the same latent vectors as while it trained
        assert rows[-1][tag] == logged[tag]
    capsys.readouterr()
    assert evaluate(tmp_path) == rows
    assert capsys.readouterr().out == f"{tmp_path}: all checkpoints up to step 6 are scored\n"
    assert len(evaluate(tmp_path, "evaluation.ModeCoverage.samples = 100")) == 6  # other scores, other rows
    run(tmp_path, "STEPS = 8", files=MIXTURE, short=SHORT)
    assert [row["step"] for row in evaluate(tmp_path)][6:] == [8]
    (events,) = {
        (event.step, value.tag, float(tf.make_ndarray(value.tensor)))
        for path in (tmp_path / "evaluation").glob("events*")
        for record in tf.data.TFRecordDataset(str(path))
        for event in [tf.compat.v1.Event.FromString(record.numpy())]
        for value in event.summary.value
        if event.step == 8 and value.tag == "modes_covered"
    }
    assert events == (8, "modes_covered", evaluate(tmp_path)[-1]["modes_covered"])


def test_a_torn_row_is_dropped(tmp_path):
    copied(tmp_path, files=MIXTURE, short=SHORT)
    rows = evaluate(tmp_path)
    path = tmp_path / "evaluation" / "metrics.jsonl"
    path.write_text(path.read_text()[:-20])
    again = evaluate(tmp_path)
    assert [{**row, "seconds": 0} for row in again] == [{**row, "seconds": 0} for row in rows]


def test_a_checkpoint_that_changed_is_scored_again(tmp_path):
    copied(tmp_path, files=MIXTURE, short=SHORT)
    before = evaluate(tmp_path)
    for path in [*(tmp_path / "checkpoints").glob("step-*"), tmp_path / "config.gin", tmp_path / "metrics.jsonl"]:
        path.unlink()
    for name in ("samples", "train"):
        shutil.rmtree(tmp_path / name)
    run(tmp_path, "experiment.Experiment.seed = 1", files=MIXTURE, short=SHORT)
    rows = evaluate(tmp_path)
    assert [row["step"] for row in rows] == [2, 4, 6, 2, 4, 6]
    assert rows[3]["checkpoint"] != before[0]["checkpoint"]


def test_the_best_is_kept(tmp_path, monkeypatch):
    """Also when it was scored before anybody asked for the best, and when its run has removed it."""
    values = {2: 3.0, 4: 1.0, 6: 2.0, 8: 4.0, 10: 0.5}
    monkeypatch.setattr(
        "jare_tf.evaluation.mode_coverage.ModeCoverage.__call__", lambda self, gan: {"fid_1k": values[gan.step]}
    )
    monkeypatch.setattr("jare_tf.evaluation.mode_coverage.ModeCoverage.better", {"fid": "lower"})
    copied(tmp_path, files=MIXTURE, short=SHORT)
    evaluate(tmp_path)
    assert not (tmp_path / "best").exists()
    best = lambda: sorted(path.stem for path in (tmp_path / "best" / "checkpoints").glob("*.index"))
    evaluate(tmp_path, "experiment.evaluate.best_by = 'fid'")
    assert best() == ["step-4"]
    run(tmp_path, "STEPS = 8", "experiment.Pace.keep_checkpoints = 1", files=MIXTURE, short=SHORT)
    evaluate(tmp_path, "experiment.evaluate.best_by = 'fid'")
    assert best() == ["step-4"]
    run(tmp_path, "STEPS = 10", files=MIXTURE, short=SHORT)
    evaluate(tmp_path, "experiment.evaluate.best_by = 'fid'")
    assert best() == ["step-10"]
    run(
        tmp_path,
        "experiment.sample.checkpoint = 'best'",
        "experiment.sample.count = 3",
        files=[],
        short=[],
        mode="sample",
    )
    assert np.load(tmp_path / "generated" / "step-10.npz")["samples"].shape == (3, 2)
    with pytest.raises(jare_tf.InputError, match="best_by = 'kid': whose better values are known are"):
        evaluate(tmp_path, "experiment.evaluate.best_by = 'kid'")


def test_watch_follows_a_run_to_its_end(tmp_path, monkeypatch):
    """It waits for the run to begin, scores what comes while it trains, and ends when the last step is scored."""
    monkeypatch.setattr(evaluator, "_PAUSE", 0.05)
    monkeypatch.setattr(evaluator, "_PATIENCE", 2.0)
    monkeypatch.setattr(main, "_WAIT", 0.05)
    copied(tmp_path / "whole", files=MIXTURE, short=SHORT)
    copied(tmp_path / "watched", "STEPS = 4", files=MIXTURE, short=SHORT)
    whole, watched = tmp_path / "whole", tmp_path / "watched"
    config_text = (watched / "config.gin").read_text()
    (watched / "config.gin").unlink()
    seen = []

    def train_on():
        """What another process does, with its lock."""
        with Run(str(watched)).locked():
            (watched / "config.gin").write_text(config_text.replace("STEPS = 4", "STEPS = 6"))
            while len(seen) < 2:
                rows = watched / "evaluation" / "metrics.jsonl"
                seen[:] = rows.read_text().splitlines() if rows.exists() else []
                time.sleep(0.05)
            for kind in ("data-00000-of-00001", "index"):
                (whole / "checkpoints" / f"step-6.{kind}").rename(watched / "checkpoints" / f"step-6.{kind}")

    thread = threading.Thread(target=train_on)
    threading.Timer(0.5, thread.start).start()
    rows = evaluate(watched, watch=True)
    thread.join()
    assert [row["step"] for row in rows] == [2, 4, 6]


def test_a_checkpoint_that_comes_while_another_is_scored(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluator, "_PAUSE", 0.05)
    copied(tmp_path / "whole", files=MIXTURE, short=SHORT)
    copied(tmp_path / "run", "STEPS = 4", files=MIXTURE, short=SHORT)
    last = [f"step-6.{kind}" for kind in ("data-00000-of-00001", "index")]
    coverage = mode_coverage.ModeCoverage.__call__

    def slow(probe, gan):
        for name in last:
            if (tmp_path / "whole" / "checkpoints" / name).exists():
                (tmp_path / "whole" / "checkpoints" / name).rename(tmp_path / "run" / "checkpoints" / name)
        return coverage(probe, gan)

    monkeypatch.setattr(mode_coverage.ModeCoverage, "__call__", slow)
    assert [row["step"] for row in evaluate(tmp_path / "run", "STEPS = 6", watch=True)] == [2, 4, 6]


def test_a_damaged_checkpoint_is_left_out(tmp_path, capsys):
    copied(tmp_path, files=MIXTURE, short=SHORT)
    data = tmp_path / "checkpoints" / "step-4.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-2000])
    assert [row["step"] for row in evaluate(tmp_path)] == [2, 6]
    printed = capsys.readouterr().out
    assert f"{tmp_path}: step 4 is left out: cannot read the checkpoint" in printed
    last = printed.splitlines()[-1]
    assert last == f"{tmp_path}: 2 checkpoints up to step 6 are scored; left out: 4"
    evaluate(tmp_path)
    assert capsys.readouterr().out.splitlines()[-1] == last
    index = tmp_path / "checkpoints" / "step-4.index"
    index.unlink()
    index.mkdir()
    evaluate(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == last
    assert f"{tmp_path}: step 4 is left out: cannot read {index}" in lines


def test_scores_under_another_configuration_are_others(tmp_path):
    copied(tmp_path / "game")
    rows = evaluate(tmp_path / "game") and evaluate(tmp_path / "game", "MU = 9.0")
    assert [row["step"] for row in rows] == [10, 20, 10, 20]
    assert [row["not_as_in_the_run"] for row in rows] == ["", "", *2 * ["MU was 4.0, is 9.0"]]
    assert rows[2]["parameter_distance/generator"] > rows[0]["parameter_distance/generator"] + 4
    assert evaluate(tmp_path / "game", "MU = 9.0") == rows


def test_half_a_checkpoint_is_none(tmp_path):
    """As it is while a run removes it; and the best one stays until another is complete."""
    copied(tmp_path, files=MIXTURE, short=SHORT)
    assert Run(str(tmp_path)).copy_checkpoint(2, Run(str(tmp_path)).best)
    (tmp_path / "checkpoints" / "step-4.index").unlink()
    assert not Run(str(tmp_path)).copy_checkpoint(4, Run(str(tmp_path)).best)
    assert sorted(path.name for path in (tmp_path / "best").rglob("*.index")) == ["step-2.index"]
    assert not (tmp_path / "best" / "new").exists()


def test_no_folder_without_scores(tmp_path, monkeypatch):
    """What the scores need is looked for first."""

    def labels(self, gan):
        raise jare_tf.InputError("no network")

    monkeypatch.setattr(mode_coverage.ModeCoverage, "labels", labels)
    copied(tmp_path, files=MIXTURE, short=SHORT)
    with pytest.raises(jare_tf.InputError, match="no network"):
        evaluate(tmp_path)
    assert not (tmp_path / "evaluation").exists()


def stopped(model_dir, monkeypatch):
    """A run at step 4 of 400 in which nobody trains, for a watch without patience."""
    monkeypatch.setattr(evaluator, "_PAUSE", 0.05)
    monkeypatch.setattr(evaluator, "_PATIENCE", 0.5)
    copied(model_dir, "STEPS = 4", files=MIXTURE, short=SHORT)
    path = model_dir / "config.gin"
    path.write_text(path.read_text().replace("STEPS = 4", "STEPS = 400"))


def test_watch_ends_when_nobody_trains(tmp_path, capsys, monkeypatch):
    stopped(tmp_path, monkeypatch)
    assert len(evaluate(tmp_path, watch=True)) == 2
    assert f"{tmp_path}: training has stopped at step 4 of 400" in capsys.readouterr().out


def test_watch_ends_beside_a_checkpoint_that_cannot_be_read(tmp_path, capsys, monkeypatch):
    stopped(tmp_path, monkeypatch)
    (tmp_path / "checkpoints" / "step-2.index").unlink()
    (tmp_path / "checkpoints" / "step-2.index").mkdir()
    assert len(evaluate(tmp_path, watch=True)) == 1
    assert capsys.readouterr().out.count("step 2 is left out") == 1


def test_bad_input(tmp_path):
    with pytest.raises(jare_tf.InputError, match="holds no run"):
        evaluate(tmp_path)
    with pytest.raises(jare_tf.InputError, match="there is no checkpoint in .*/nothere: train first"):
        main.dispatch(MIXTURE, [], "evaluate", str(tmp_path / "nothere"))
    assert not (tmp_path / "nothere").exists()
    elsewhere = [
        "experiment.Experiment.dataset = @data.in_memory.array_file",
        "data.in_memory.array_file.path = 'x.npy'",
    ]
    bind = r"bind evaluation.ImageScores.data = \{'train': @data.in_memory.array"
    with pytest.raises(jare_tf.InputError, match=bind):
        main.dispatch(["cifar10/c_jare.gin"], elsewhere, "evaluate", str(tmp_path / "nothere"))
    copied(tmp_path / "game")
    assert [row["step"] for row in evaluate(tmp_path / "game")] == [10, 20]  # the distance to the equilibrium
    with pytest.raises(jare_tf.InputError, match="the configuration binds no experiment.evaluate.scores"):
        evaluate(tmp_path / "game", "experiment.Experiment.equilibrium = None")
    with pytest.raises(jare_tf.InputError, match="scores: SlicedWasserstein is a metric, which evaluation.ImageScores"):
        evaluate(tmp_path / "game", "experiment.evaluate.scores = [@evaluation.SlicedWasserstein()]")
    with pytest.raises(jare_tf.InputError, match="best_by = '': whose better values are known are"):
        evaluate(tmp_path / "game", "experiment.evaluate.best_by = ''")
    in_use = pytest.raises(jare_tf.InputError, match="game/evaluation is in use by process")
    with Run(str(tmp_path / "game")).evaluation.locked(), in_use:
        evaluate(tmp_path / "game")


def test_what_other_modes_bind_is_recorded(tmp_path):
    """So that a run directory alone can be scored, as it was configured; and a misspelt name is still found."""
    run(tmp_path, "evaluation.ModeCoverage.samples = 50", files=MIXTURE, short=SHORT)
    config.parse([str(tmp_path / "config.gin")])
    assert "experiment.evaluate.scores" in config.text()
    assert evaluate(tmp_path)[0]["samples"] == "50"
    with pytest.raises(jare_tf.InputError, match="unused binding networks.dcgan.generator.filters"):
        run(tmp_path, "networks.dcgan.generator.filters = 3", files=MIXTURE, short=SHORT)


def test_images_on_one_and_on_two_devices(tmp_path):
    """All devices compute, and the scores are the same; so is what is written of the embedding."""
    pictures = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 3)).astype(np.uint8)
    inputs = keras.Input((16, 16, 3))
    hidden = keras.layers.Conv2D(4, 5, 3, activation="relu")(inputs)
    hidden = keras.layers.GlobalAveragePooling2D()(hidden)
    keras.Model(inputs, keras.layers.Dense(3)(hidden)).save(tmp_path / "classifier.keras")
    data = [f"data.tfds_images.load.name = '{store_images(tmp_path / 'data', pictures)}'"]
    data += [f"data.tfds_images.load.data_dir = '{tmp_path / 'data'}'", "test/data.tfds_images.load.split = 'train'"]
    size = [
        "networks.dcgan.generator.image_size = 16",
        "networks.dcgan.discriminator.image_size = 16",
        "FILTERS = 4",
        "BATCH_SIZE = 8",
    ]
    # Gray images, 127.5 before they are rounded, would tell devices apart.
    steps = ["STEPS = 20", "SAVE_EVERY = 20", "STEPS_PER_CALL = 10", "keras.optimizers.Adam.learning_rate = 0.01"]
    scores = [f"EMBEDDING_PATH = '{tmp_path / 'classifier.keras'}'", "PROTOCOL = @evaluation.protocols.small()"]
    scores += ["evaluation.protocols.small.samples = 50", "evaluation.ImageScores.batch_size = 16"]
    scores += ["evaluation.ImageScores.cache = None"]
    run(tmp_path / "one", *data, *size, *steps, *scores, files=["cifar10/c_jare.gin"], short=[])
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    command = lambda name: ["jare_tf.main", "--mode=evaluate", f"--model_dir={tmp_path / name}"]
    log = tmp_path / "log"
    processes = [
        Forked(log, *command("one")),
        Forked(log, *command("two"), "--cpu_devices=2", "--strategy=mirrored"),
    ]
    assert ended(processes, within=300) == [0, 0], log.read_text()
    one, two = (json.loads((tmp_path / name / "evaluation" / "metrics.jsonl").read_text()) for name in ("one", "two"))
    digest = hashlib.sha256((tmp_path / "classifier.keras").read_bytes()).hexdigest()[:12]
    for row in (one, two):
        assert row["real"].startswith("pictures/small ")
        assert (row["protocol"], row["embedding"]) == ("small", f"classifier.keras {digest}")
        assert row["resize"] == "tf1_bilinear to 16x16"
    assert one.keys() == two.keys()
    assert {
        "fid_50_train",
        "kid_50_train",
        "precision_50_train",
        "coverage_50_train",
        "inception_score_50",
    } <= one.keys()
    for tag in one.keys() - {"seconds"}:
        assert two[tag] == (pytest.approx(one[tag], rel=1e-4, abs=1e-6) if isinstance(one[tag], float) else one[tag]), (
            tag
        )
    assert (tmp_path / "two" / "best" / "checkpoints" / "step-20.index").exists()
