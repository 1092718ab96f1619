"""Claims follow from what runs measured: both ways, on runs that are written by hand."""

import json
import pathlib

import keras
import numpy as np
import pytest

from jare_tf.errors import InputError
from jare_tf.report.pictures import png
from jare_tf.reproduction import conopt, figures, gradreg, jare, jare_images, resnet_tables
from jare_tf.reproduction.workspace import UNDECIDED, NotRun, TrainedRun, Workspace, turning_points


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


def given(result):
    return [claim.reproduced for claim in result.claims]


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
    assert verdicts(jare.fig6(workspace)) == [False, False, False]


@pytest.mark.parametrize(
    ("modes", "quality", "expected"),
    [
        ({"simgd": [2, 3, 2, 3, 3], "conopt": [0, 5, 8, 8, 8], "jare": [0, 5, 8, 8, 8]}, 0.95, [True] * 5),
        ({"simgd": [0, 5, 8, 8, 8], "conopt": [2, 3, 2, 3, 3], "jare": [0, 8, 8, 8, 7]}, 0.95, [False] * 5),
        # All modes, but half of the samples lie between them.
        ({"simgd": [2, 3, 2, 3, 3], "conopt": [8] * 5, "jare": [8] * 5}, 0.5, [True, True, False, True, False]),
        # On eight modes at the end, after a row with seven in the last fifth.
        ({"simgd": [2, 3] * 5, "conopt": [8] * 8 + [7, 8], "jare": [8] * 10}, 0.95, [True, False, False, True, True]),
    ],
)
def test_mixture(tmp_path, modes, quality, expected):
    def curves(config, overrides, seed):
        covered = modes[config.split("/")[1].removesuffix(".gin")]
        last = np.full(len(covered), quality)
        return {"modes_covered": covered, "high_quality_fraction": last, "reverse_kl": np.full(len(covered), 0.01)}

    workspace = Handmade(tmp_path, curves)
    assert verdicts(jare.fig2(workspace)) == expected
    assert verdicts(conopt.fig2(workspace)) == expected[:3]


def harder(jare_1000, conopt_1000=(4, 0.5), conopt_10=(5, 0.5)):
    """Runs of jare-fig7 by the median modes and fraction."""

    def curves(config, overrides, seed):
        method, many = config.split("/")[1].removesuffix(".gin"), "GAMMA = 1000.0" in overrides
        modes, quality = {("jare", True): jare_1000, ("conopt", True): conopt_1000, ("conopt", False): conopt_10}.get(
            (method, many), (0, 0.0)
        )
        return {"modes_covered": [modes + (seed - 1) * (modes > 0)], "high_quality_fraction": [quality]}

    return curves


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (harder((6, 0.1)), [True, True]),
        (harder((5, 0.54)), [True, False]),  # as many modes, and less than 1.1 times the fraction
        (harder((5, 0.56)), [True, True]),
        (harder((4, 0.5)), [False, False]),
        (harder((0, 0.0), (0, 0.1), (0, 0.2)), [UNDECIDED, UNDECIDED]),
    ],
)
def test_harder_mixtures(tmp_path, runs, expected):
    assert [claim.reproduced for claim in jare.fig7(Handmade(tmp_path, runs)).claims] == expected


def gaussian(mean, covariance):
    """Runs of gradreg-appendix-d, by configuration."""

    def curves(config, overrides, seed):
        name = config.split("/")[1].removesuffix(".gin")
        return {"mean_distance": mean[name], "covariance_distance": covariance[name]}

    return curves


def test_linear_quadratic(tmp_path):
    ten, still = np.arange(10), np.zeros(10)
    fades, cycles, slow = 2 * np.exp(-ten), 2 + np.cos(ten), 2.0 - 0.15 * ten
    right = {"simgd": fades, "generator_only": fades, "wgan_simgd": cycles, "wgan_generator_only": fades}
    only = dict.fromkeys(right, still)
    assert verdicts(gradreg.appendix_d(Handmade(tmp_path / "right", gaussian(right, only)))) == [True, True, True]
    # Slow convergence is no cycle; and means that converge do not make covariances do so.
    wrong = dict.fromkeys(right, slow)
    assert verdicts(gradreg.appendix_d(Handmade(tmp_path / "slow", gaussian(wrong, only)))) == [False, False, False]
    other = dict.fromkeys(right, still + 1)
    assert verdicts(gradreg.appendix_d(Handmade(tmp_path / "covariance", gaussian(right, other))))[::2] == [
        False,
        False,
    ]


def test_what_conopt_does_at_the_learning_rate(tmp_path, monkeypatch):
    """The generator grows at μ = 6 alone; without the theory that is not enough."""

    def curves(config, overrides, seed):
        grows = "conopt" in config and "MU = 6.0" in overrides
        distance = (
            SLOW[::-1] if grows else {"simgd": OSCILLATING, "conopt": SLOW, "jare": FAST}[config.split("/")[1][:-4]]
        )
        return {f"parameter_distance/{player}": distance for player in ("discriminator", "generator")}

    assert verdicts(jare.fig5(Handmade(tmp_path, curves)))[2:] == [True, True]
    monkeypatch.setattr(jare, "_LEARNING_RATE", 1e-4)
    assert verdicts(jare.fig5(Handmade(tmp_path, curves)))[2:] == [False, True]


@pytest.mark.parametrize(
    ("unrolled", "expected"),
    [
        ([0, 3, 5, 6, 8], [True, True, True]),
        ([0, 8, 8, 8, 8], [False, False, True]),
        ([0, 0, 4, 8, 8], [False, False, True]),  # a tie
    ],
)
def test_unrolled(tmp_path, unrolled, expected):
    modes = {"generator_only": [0, 0, 4, 8, 8], "unrolled": unrolled, "gan": [0, 1, 0, 1, 0]}

    def curves(config, overrides, seed):
        return {"modes_covered": modes[config.split("/")[1].removesuffix(".gin")], "high_quality_fraction": np.zeros(5)}

    assert verdicts(gradreg.fig1(Handmade(tmp_path, curves))) == expected


class Scored(Handmade):
    """A workspace of images whose distances, and inception scores, are given by setting and method."""

    def __init__(self, folder, distances, inception=lambda method, setting: 5.0):
        super().__init__(folder, lambda config, overrides, seed: {"loss/generator": np.ones(4)})
        self._distances, self._inception = distances, inception

    def train_images(self, config, *overrides, cpu=(), seed=0, side=32, keep=1):
        return self.train(config, seed=seed)

    def scores(self, run):
        setting, method = run.path.rsplit("cifar10-", 1)[1].split(".gin")[0].split("_")
        return [
            {"step": 4, "inception_score": self._inception(method, setting), "fid": self._distances[method](setting)}
        ]


OWN = {
    "gan": lambda setting: 8.0 if setting == "a" else 10.0,
    "sngan": lambda setting: 1.0 if setting in "ab" else 9.0,
    "conopt": lambda setting: 1.0 if setting in "cd" else 9.0,
    "jare": lambda setting: 1.1,
}


def at_home(method, setting):
    """Inception scores to match."""
    return 5.0 if method == "jare" or setting in {"sngan": "ab", "conopt": "cd"}.get(method, "") else 1.0


def test_cifar10(tmp_path):
    assert verdicts(jare_images.fig3(Scored(tmp_path / "own", OWN, at_home))) == [True] * 5
    assert given(jare_images.fig9(Scored(tmp_path / "own", OWN, at_home))) == [True]
    equal = dict.fromkeys(OWN, lambda setting: 3.0) | {"jare": lambda setting: 9.0 if setting == "f" else 3.0}
    assert verdicts(jare_images.fig3(Scored(tmp_path / "equal", equal))) == [False] * 5
    assert given(jare_images.fig9(Scored(tmp_path / "equal", equal))) == [False]
    assert given(jare_images.fig9(Scored(tmp_path / "dead", OWN, lambda method, setting: 1.0))) == [UNDECIDED]


def test_robust_is_more_than_the_least_distance(tmp_path):
    """JARE's largest distance is the least, and another method varies less."""
    steady = OWN | {"gan": lambda setting: 10.0, "jare": lambda setting: 2.0 if setting == "f" else 1.0}
    assert verdicts(jare_images.fig3(Scored(tmp_path, steady, at_home)))[0] is False


class ByName(Handmade):
    """A workspace of images: the last inception score and the losses by a run's configuration."""

    def __init__(self, folder, scores, losses=lambda name: np.ones(4)):
        super().__init__(folder, lambda config, overrides, seed: self._losses(config))
        self._scores, self._of = scores, losses

    def _losses(self, config):
        return {f"loss/{player}": self._of(config) for player in ("generator", "discriminator")}

    def train_images(self, config, *overrides, cpu=(), seed=0, side=32, keep=1):
        return self.train(config, *overrides, seed=seed)

    def scores(self, run):
        return [{"step": step, "inception_score": self._scores(run.path), "fid": 1.0} for step in (2, 4)]


def test_architectures(tmp_path):
    with_norm = lambda path: "dcgan4_" in path and "nobn" not in path
    good = lambda path: 2.0 if "_conopt.gin" in path and with_norm(path) else 5.0
    assert given(conopt.fig6(ByName(tmp_path / "good", good))) == [True, True]
    assert given(conopt.fig6(ByName(tmp_path / "dead", lambda path: 1.0))) == [False, UNDECIDED]
    others = lambda path: 1.0 if "_conopt.gin" in path else 5.0
    assert given(conopt.fig6(ByName(tmp_path / "others", others))) == [True, False]


def test_divergences(tmp_path):
    assert given(conopt.fig9(ByName(tmp_path / "good", lambda path: 5.0))) == [True]
    assert given(conopt.fig9(ByName(tmp_path / "dead", lambda path: 1.0))) == [False]
    assert given(conopt.fig9(ByName(tmp_path / "one", lambda path: 3.1 if "kl" in path else 5.0))) == [False]


def test_losses(tmp_path):
    wild = lambda config: np.array([0.0, 0.0, 1.0, 3.0]) if "altgd" in config else np.array([0.0, 0.0, 1.0, 1.1])
    better = lambda ratio: lambda path: 5.0 * ratio if "_conopt.gin" in path else 5.0
    assert given(conopt.fig5(ByName(tmp_path / "slightly", better(1.05), wild))) == [True, True]
    assert given(conopt.fig11(ByName(tmp_path / "slightly11", better(1.05), wild))) == [True, False]
    assert given(conopt.fig11(ByName(tmp_path / "much", better(1.3), wild))) == [True, True]
    assert given(conopt.fig5(ByName(tmp_path / "equal", better(1.0), lambda config: np.arange(4)))) == [False, False]
    assert given(conopt.fig5(ByName(tmp_path / "dead", lambda path: 1.0, wild))) == [UNDECIDED, UNDECIDED]


@pytest.mark.parametrize(
    ("v", "w", "norm", "expected"),
    [
        ([-0.01 + 1j, -1 + 0j], [-1 + 1j, -2 + 0j], [1.0, 0.01], [True, True]),
        ([-1 + 1j, -1 + 0j], [-1 + 1j, -2 + 0j], [1.0, 0.01], [False, True]),
        ([-0.01 + 1j, -1 + 0j], [-0.01 + 1j, -1 + 0j], [1.0, 0.01], [False, False]),
        ([-0.01 + 1j, -1 + 0j], [1 + 1j, -9 + 0j], [1.0, 0.01], [True, False]),  # an eigenvalue on the right
        ([-0.01 + 1j, -1 + 0j], [-1 + 1j, -2 + 0j], [1.0, 0.5], [True, UNDECIDED]),  # no equilibrium
    ],
)
def test_spectra_before_and_after_training(tmp_path, v, w, norm, expected):
    class Analysed(Handmade):
        def spectrum(self, run):
            pairs = lambda values: [[one.real, sign * one.imag] for one in values for sign in (1, -1)]
            return {
                "shown": [
                    {"rule": rule, "point": point, "eigenvalues": pairs(values)}
                    for rule, trained in (("sim_gd()", v), ("con_opt(gamma=10.0)", w))
                    for point in ("before training", "after")
                    for values in [[-1 + 1j, -1 + 0j] if point == "before training" else trained]
                ]
            }

    norms = {f"gradient_norm/{player}": norm for player in ("discriminator", "generator")}
    assert given(conopt.fig3(Analysed(tmp_path, lambda config, overrides, seed: norms))) == expected


def changed(change):
    """The generator of Table 2 with one layer changed."""
    settings = {"kernel": 4, "stride": 2, "filters": 64, "activation": "relu", "latent": 128, "last": "tanh", **change}
    latent = keras.Input((settings["latent"],))
    hidden = keras.layers.Reshape((2, 2, 64))(keras.layers.Dense(256, activation="relu")(latent))
    for block in range(3):
        own = settings if block == 1 else {**settings, "kernel": 4, "stride": 2, "filters": 64, "activation": "relu"}
        hidden = keras.layers.Conv2DTranspose(
            own["filters"], own["kernel"], own["stride"], "same", activation=own["activation"]
        )(hidden)
        inner = keras.layers.Conv2D(32, 3, 1, "same", activation="relu")(hidden)
        inner = keras.layers.Conv2D(own["filters"], 3, 1, "same", activation="relu")(inner)
        hidden = keras.layers.Add()([hidden, keras.layers.Rescaling(0.1)(inner)])
    return keras.Model(latent, keras.layers.Conv2DTranspose(3, 4, 2, "same", activation=settings["last"])(hidden))


@pytest.mark.parametrize(
    "change",
    [{}, {"kernel": 5}, {"stride": 1}, {"filters": 32}, {"activation": "elu"}, {"latent": 100}, {"last": "sigmoid"}],
    ids=str,
)
def test_a_table_knows_every_row(change):
    found = resnet_tables.rows(changed(change))
    listed, _ = resnet_tables.TABLES[2]
    assert (resnet_tables.first_difference(found, listed) is None) == (change == {})


def test_a_table_wants_its_own_networks(monkeypatch, tmp_path):
    monkeypatch.setattr(jare_images.resnet, "generator_v1", jare_images.resnet.generator_v2)
    assert verdicts(jare_images.table2(Workspace(str(tmp_path), "cpu"))) == [False]
    narrow = jare_images.resnet.discriminator(filters=2)
    assert resnet_tables.first_difference(resnet_tables.rows(narrow), resnet_tables.TABLES[2][1]).startswith("row 1:")
    short = resnet_tables.TABLES[2][0][:-1]
    assert resnet_tables.first_difference(short, resnet_tables.TABLES[2][0]) == "8 rows for 9"


def test_table_1_is_not_that_of_equal_players(monkeypatch, tmp_path):
    monkeypatch.setattr(jare.closed_form, "general_jare", lambda p, q, gamma: -np.eye(16))
    assert verdicts(jare.table1(Workspace(str(tmp_path), "smoke"))) == [False, False]


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
