"""tools/reproduce.py: every figure at scale "smoke", and a user's mistakes in one line."""

import csv
import json

import numpy as np
import pytest

from jare_tf.report.pictures import read
from jare_tf.reproduction import figures, step_cost, workspace
from jare_tf.reproduction.figures import FIGURES
from tests.pages import run_by_hand, step_times_by_hand
from tools import reproduce


def make(folder, name):
    reproduce.main([name, "--scale", "smoke", "--out", str(folder)])


def check(made, name):
    """What a figure leaves behind at scale "smoke"."""
    picture = read(str(made / name / "picture.png"))
    assert min(picture.shape[:2]) > 100 and np.ptp(picture) > 100
    rows = list(csv.DictReader((made / name / "data.csv").read_text().splitlines()))
    assert rows and all(None not in row.values() for row in rows)
    record = json.loads((made / name / "claims.json").read_text())
    assert record["figure"] == name and record["command"] == f"python tools/reproduce.py {name} --scale smoke"
    assert all(claim["claim"] and claim["source"] for claim in record["claims"])
    assert {claim["reproduced"] for claim in record["claims"]} <= {figures.UNJUDGED}  # four steps show nothing


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where all figures of runs that are written by hand are drawn."""
    return tmp_path_factory.mktemp("by_hand")


@pytest.fixture
def by_hand(monkeypatch):
    """Nothing is trained, scored or timed: a figure is what it makes of the files that a run leaves behind."""
    monkeypatch.setattr(workspace.main, "dispatch", run_by_hand)
    monkeypatch.setattr(step_cost, "measure", step_times_by_hand)
    monkeypatch.setattr(step_cost, "warm_up", lambda modes: None)


@pytest.mark.parametrize("name", FIGURES)
def test_figure_of_runs_written_by_hand(folder, by_hand, name):
    make(folder, name)
    check(folder / "smoke", name)


def test_figure_of_images_that_are_trained_on_and_scored(tmp_path):
    make(tmp_path, "jare-fig9")
    check(tmp_path / "smoke", "jare-fig9")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    make(folder, "all")
    return folder / "smoke"


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_figure(made, name):
    check(made, name)


def test_all(tmp_path, monkeypatch, by_hand, capsys):
    """One after another; what cannot be made for want of something is passed over."""
    names = "jare-table1", "conopt-fig6", "conopt-fig1"
    monkeypatch.setattr(figures, "FIGURES", {name: FIGURES[name] for name in names})
    reproduce.main(["all", "--scale", "cpu", "--out", str(tmp_path)])
    made = [name for name in names if (tmp_path / "cpu" / name / "picture.png").exists()]
    assert made == ["jare-table1", "conopt-fig1"]
    assert "conopt-fig6: not made: images are scored through --embedding FILE" in capsys.readouterr().out


def test_runs_are_trained_once(tmp_path, capsys):
    make(tmp_path, "jare-fig1")
    check(tmp_path / "smoke", "jare-fig1")
    rows = sorted(tmp_path.glob("smoke/runs/isotropic_gaussian/**/metrics.jsonl"))
    before = [path.stat().st_mtime_ns for path in rows]
    make(tmp_path, "jare-fig1")
    assert len(rows) >= 3 and before == [path.stat().st_mtime_ns for path in rows]
    assert "jare-fig1: " in capsys.readouterr().out


def test_list(capsys):
    reproduce.main(["--list"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == list(FIGURES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["jare-fig99"], "no figure 'jare-fig99'"),
        (["jare-fig3", "--embedding", "nosuch.keras"], "no such file"),
        ([], "no figure named"),
    ],
)
def test_mistakes(arguments, message, capsys):
    with pytest.raises(SystemExit) as error:
        reproduce.main(arguments)
    assert error.value.code == 2
    captured = capsys.readouterr().err
    assert message in captured and captured.count("\n") == 1


def test_a_figure_without_its_data(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://localhost:9")
    with pytest.raises(SystemExit) as error:
        reproduce.main(["conopt-fig4", "--out", str(tmp_path / "out")])
    assert error.value.code == 2 and capsys.readouterr().err.count("\n") == 1
