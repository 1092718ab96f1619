"""tools/reproduce.py: every figure at scale "smoke", and a user's mistakes in one line."""

import csv
import json

import numpy as np
import pytest

from jare_tf.report.pictures import read
from jare_tf.reproduction.catalogue import FIGURES
from tools import reproduce


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    reproduce.main(["all", "--scale", "smoke", "--out", str(folder)])
    return folder / "smoke"


@pytest.mark.parametrize("name", FIGURES)
def test_figure(made, name):
    picture = read(str(made / name / "picture.png"))
    assert min(picture.shape[:2]) > 100 and np.ptp(picture) > 100
    rows = list(csv.DictReader((made / name / "data.csv").read_text().splitlines()))
    assert rows and all(None not in row.values() for row in rows)
    record = json.loads((made / name / "claims.json").read_text())
    assert record["figure"] == name and record["command"] == f"python tools/reproduce.py {name} --scale smoke"
    assert all(claim["claim"] and claim["source"] for claim in record["claims"])
    assert {claim["reproduced"] for claim in record["claims"]} <= {"not run"}  # four steps show nothing


def test_runs_are_reused(made, capsys):
    rows = sorted(made.glob("runs/isotropic_gaussian/*/metrics.jsonl"))
    before = [path.stat().st_mtime_ns for path in rows]
    reproduce.main(["jare-fig1", "--scale", "smoke", "--out", str(made.parent)])
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
