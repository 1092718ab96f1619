"""Claims follow from what runs measured: both ways, on runs that are written by hand."""

import json
import pathlib

import numpy as np
import pytest

from jare_tf.errors import InputError
from jare_tf.report.pictures import png
from jare_tf.reproduction import conopt, figures, gradreg, jare, jare_images
from jare_tf.reproduction.workspace import NotRun, TrainedRun, Workspace, turning_points


@pytest.mark.parametrize(
    ("values", "turns"),
    [
        ([0, 1, 2, 3], 0),
        ([3, 2, 1, 0], 0),
        ([0, 1, 0, 1, 0], 3),
        ([0, 1, 0.9, 2], 0),  # a turn by a twentieth of the range
        ([1, 1, 1], 0),
        (np.cos(np.linspace(0, 4 * np.pi, 200)), 3),
    ],
)
def test_turning_points(values, turns):
    assert turning_points(values) == turns


class Handmade(Workspace):
    """A workspace whose runs are rows that `curves` gives for (config, overrides, seed)."""

    def __init__(self, folder, curves):
        super().__init__(str(folder), "paper")
        self._curves = curves

    def train(self, config, *overrides, cpu=(), not_in_name=(), seed=0):
        tags = self._curves(config, overrides, seed)
        folder = f"{self.out}/{config.replace('/', '-')}{''.join(overrides).replace('/', '')}{seed}"
        steps = np.arange(1, 1 + len(next(iter(tags.values())))) * 100
        rows = [{"step": int(step), **{tag: float(of[i]) for tag, of in tags.items()}} for i, step in enumerate(steps)]
        (pathlib.Path(folder) / "samples").mkdir(parents=True, exist_ok=True)
        (pathlib.Path(folder) / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        for step in (0, 100):
            (pathlib.Path(folder) / f"samples/{step:07d}.png").write_bytes(png(np.zeros([8, 8, 3], np.uint8)))
        return TrainedRun(folder)


def verdicts(result):
    return [bool(claim.reproduced) for claim in result.claims]


ITERATION = np.linspace(0, 1, 100)
OSCILLATING = 0.07 + 0.02 * np.cos(12 * ITERATION)
SLOW = 0.07 - 0.03 * ITERATION
FAST = 0.07 * np.exp(-8 * ITERATION)


def isotropic(shapes):
    def curves(config, overrides, seed):
        method = config.split("/")[1].removesuffix(".gin")
        return {f"parameter_distance/{player}": shapes[method] for player in ("discriminator", "generator")}

    return curves


def test_isotropic_gaussian_as_in_the_paper(tmp_path):
    workspace = Handmade(tmp_path, isotropic({"simgd": OSCILLATING, "conopt": SLOW, "jare": FAST}))
    assert verdicts(jare.fig1(workspace)) == [True, True, True, True]


def test_isotropic_gaussian_not_as_in_the_paper(tmp_path):
    workspace = Handmade(tmp_path, isotropic({"simgd": FAST, "conopt": OSCILLATING, "jare": SLOW}))
    assert verdicts(jare.fig1(workspace)) == [False, False, False, False]
    workspace = Handmade(tmp_path, isotropic({"simgd": OSCILLATING, "conopt": SLOW, "jare": SLOW}))
    assert verdicts(jare.fig5(workspace)) == [False, False, False, False]
    assert verdicts(jare.fig6(workspace)) == [False]


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ({"simgd": [2, 3, 2, 3], "conopt": [0, 5, 8, 8], "jare": [0, 5, 8, 8]}, [True, True, True]),
        ({"simgd": [0, 5, 8, 8], "conopt": [2, 3, 2, 3], "jare": [0, 5, 7, 7]}, [False, False, False]),
    ],
)
def test_mixture(tmp_path, modes, expected):
    def curves(config, overrides, seed):
        covered = modes[config.split("/")[1].removesuffix(".gin")]
        return {"modes_covered": covered, "high_quality_fraction": np.linspace(0, 0.5, 4)}

    workspace = Handmade(tmp_path, curves)
    assert verdicts(jare.fig2(workspace)) == expected
    assert verdicts(conopt.fig2(workspace)) == expected[:2]


@pytest.mark.parametrize(
    ("unrolled", "expected"), [([0, 3, 5, 6, 8], [True, True, True]), ([0, 8, 8, 8, 8], [False, False, True])]
)
def test_unrolled(tmp_path, unrolled, expected):
    modes = {"generator_only": [0, 0, 4, 8, 8], "unrolled": unrolled, "gan": [0, 1, 0, 1, 0]}

    def curves(config, overrides, seed):
        return {"modes_covered": modes[config.split("/")[1].removesuffix(".gin")], "high_quality_fraction": np.zeros(5)}

    assert verdicts(gradreg.fig1(Handmade(tmp_path, curves))) == expected


class Scored(Handmade):
    """A workspace of images whose scores are given by setting and method."""

    def __init__(self, folder, distances):
        super().__init__(folder, lambda config, overrides, seed: {"loss/generator": np.ones(4)})
        self._distances = distances

    def train_images(self, config, *overrides, cpu=(), seed=0, side=32, keep=1):
        return self.train(config, seed=seed)

    def scores(self, run):
        setting, method = run.path.rsplit("cifar10-", 1)[1].split(".gin")[0].split("_")
        return [{"step": 4, "inception_score": 1.0, "fid": self._distances[method](setting)}]


def test_cifar10(tmp_path):
    own = {
        "gan": lambda setting: 10.0,
        "sngan": lambda setting: 1.0 if setting in "ab" else 9.0,
        "conopt": lambda setting: 1.0 if setting in "cd" else 9.0,
        "jare": lambda setting: 1.1,
    }
    assert verdicts(jare_images.fig3(Scored(tmp_path / "own", own))) == [True, True, True]
    assert verdicts(jare_images.fig9(Scored(tmp_path / "own", own))) == [True]
    equal = dict.fromkeys(own, lambda setting: 3.0) | {"jare": lambda setting: 9.0 if setting == "f" else 3.0}
    assert verdicts(jare_images.fig3(Scored(tmp_path / "equal", equal))) == [False, False, False]
    assert verdicts(jare_images.fig9(Scored(tmp_path / "equal", equal))) == [False]


def test_theory_needs_no_run(tmp_path):
    workspace = Workspace(str(tmp_path), "cpu")
    for name in ("jare-table1", "jare-table2", "jare-table3", "jare-table4", "jare-table5", "conopt-fig1"):
        record = figures.make(name, workspace)
        assert [claim["reproduced"] for claim in record["claims"]] == [True] * len(record["claims"])
        assert (tmp_path / name / "picture.png").stat().st_size > 5_000


def test_what_cannot_be_made_says_why(tmp_path):
    record = figures.make("jare-fig10", Workspace(str(tmp_path), "cpu"))
    assert "GPU" in record["not_run"] and record["claims"] == []
    assert json.loads((tmp_path / "jare-fig10/claims.json").read_text()) == record
    with pytest.raises(NotRun):
        conopt.fig10(Workspace(str(tmp_path), "cpu"))


def test_scores_want_an_embedding(tmp_path):
    with pytest.raises(InputError, match="--embedding"):
        Workspace(str(tmp_path), "cpu").scores(TrainedRun(str(tmp_path)))


def test_a_tag_that_no_row_has(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n')
    with pytest.raises(InputError, match="modes_covered"):
        TrainedRun(str(tmp_path)).curve("modes_covered")
