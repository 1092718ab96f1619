"""`--mode spectrum` and the estimates that a run logs."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.theory import closed_form
from tests.runs import SHORT, copied, metrics, run

MLP = [
    "networks.mlp.generator.width = 4",
    "networks.mlp.discriminator.width = 4",
    "networks.mlp.generator.depth = 2",
    "networks.mlp.discriminator.depth = 2",
]


def spectrum(model_dir, *params, **kwargs):
    """spectrum.json, read as strictly as another program would."""
    run(model_dir, *params, mode="spectrum", **kwargs)
    assert (model_dir / "spectrum.png").stat().st_size > 10_000

    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    return json.loads((model_dir / "spectrum.json").read_text(), parse_constant=refuse)


def as_set(values):
    return np.array(sorted((complex(*pair) for pair in values), key=lambda value: (round(value.real, 6), value.imag)))


@pytest.mark.parametrize(
    ("name", "method", "sigma", "mu", "gamma"),
    [
        ("jare", "jare", 0.2, 4.0, 10.0),
        ("jare", "jare", 1.3, 0.7, 0.25),
        ("jare", "jare", 0.31, 7.7, 55.0),
        ("conopt", "con_opt", 0.45, 3.3, 2.0),
        ("generator_only", "generator_only", 0.9, 1.1, 7.0),
        ("discriminator_only", "discriminator_only", 0.9, 1.1, 7.0),
        ("smoothing", "smoothing", 0.5, 2.0, 1.5),
        ("symplectic_gradient_adjustment", "jare", 0.5, 2.0, 1.5),
        ("simgd", "sim_gd", 0.6, 2.5, None),
        ("debiased", "jare", 1.5, 0.3, 3.0),
        ("clipped", "jare", 0.5, 2.0, 1.5),
    ],
)
def test_isotropic_gaussian_agrees_with_the_closed_form(tmp_path, name, method, sigma, mu, gamma):
    """JARE Theorems 1 and 3, eqs. 25, 27 and 29, for σ, μ and γ given on the command line."""
    params = [f"SIGMA = {sigma}", f"MU = {mu}", *([f"GAMMA = {gamma}"] if gamma is not None else [])]
    result = spectrum(tmp_path, *params, files=[f"isotropic_gaussian/{name}.gin"])
    game = closed_form.SimpleGame(sigma=sigma, mean=(0.0, mu))
    expected = getattr(game, method)(*([gamma] if gamma is not None else []))
    pairs = [(value.real, value.imag) for value in expected]
    np.testing.assert_allclose(as_set(result["eigenvalues"]), as_set(pairs), rtol=1e-6, atol=1e-9)
    assert (result["at"], result["step"], result["dense"]) == ("equilibrium", 0, True)
    if method == "jare":
        np.testing.assert_allclose(result["largest_stable_step"], game.jare_largest_step(gamma), rtol=1e-6)
    assert result["step_size"] == pytest.approx(0.001)
    assert keras.config.floatx() == "float32"


def test_rules_without_a_closed_form_of_their_own(tmp_path):
    """Adversarial extrapolation is JARE with γ/2, extragradient (I − sJ)J, optimistic μ² − (1 + 2ηλ)μ + ηλ = 0."""
    files = lambda name: {"files": [f"isotropic_gaussian/{name}.gin"]}
    params = ["SIGMA = 0.6", "MU = 2.5"]
    game, eta = closed_form.SimpleGame(sigma=0.6, mean=(0.0, 2.5)), 0.001
    plain = game.sim_gd()
    root = np.sqrt((1 + 2 * eta * plain) ** 2 - 4 * eta * plain)
    lazy = game.jare(8.0)
    expected = {
        "adversarial_extrapolation": (game.jare(4.0), 1e-6),
        "extragradient": (plain + 0.001 * plain**2, 1e-6),
        "optimistic": (((1 + 2 * eta * plain + root) / 2 - 1) / eta, 1e-6),
        "lazy": (lazy, 0.03),  # to first order in η
    }
    for name, (values, tolerance) in expected.items():
        gamma = ["GAMMA = 8.0"] if name in ("adversarial_extrapolation", "lazy") else []
        result = spectrum(tmp_path / name, *params, *gamma, **files(name))
        pairs = [(value.real, value.imag) for value in values]
        np.testing.assert_allclose(as_set(result["eigenvalues"]), as_set(pairs), rtol=tolerance, atol=1e-7)


def test_rule_is_named(tmp_path):
    assert spectrum(tmp_path / "jare", "GAMMA = 3.0")["rule"] == "jare(gamma=3.0)"
    result = spectrum(tmp_path / "lazy", files=["isotropic_gaussian/lazy.gin"])
    assert result["rule"] == "lazy(rule=jare(gamma=10.0), every=8)"
    assert len(result["eigenvalues"]) == 4


def test_run_directory_is_analysed_at_its_newest_checkpoint(tmp_path):
    copied(tmp_path)
    trained = spectrum(tmp_path, files=[], short=[])
    assert (trained["at"], trained["step"]) == ("checkpoint", 20)
    assert [(one["point"], one["rule"]) for one in trained["shown"]] == [
        (point, rule)
        for point in ("before training", "after 20 iterations")
        for rule in ("sim_gd()", "jare(gamma=10.0)")
    ]
    assert trained["shown"][-1]["eigenvalues"] == trained["eigenvalues"]
    at_rest = spectrum(tmp_path, "experiment.spectrum.at = 'equilibrium'", files=[], short=[])
    begun = spectrum(tmp_path, "experiment.spectrum.at = 'initialisation'", files=[], short=[])
    assert (at_rest["at"], begun["at"]) == ("equilibrium", "initialisation")
    values = [as_set(result["eigenvalues"]) for result in (trained, at_rest, begun)]
    # The players have moved by about 0.01 · 0.07; the Jacobians differ in the same way.
    assert 1e-6 < np.abs(values[0] - values[2]).max() < np.abs(values[1] - values[2]).max()


def test_another_rule_at_the_same_checkpoint(tmp_path):
    copied(tmp_path)
    result = spectrum(tmp_path, "experiment.Experiment.rule = @rules.sim_gd()", files=[], short=[])
    assert (result["rule"], result["step"]) == ("sim_gd()", 20)
    assert result["not_as_in_the_run"] == ["experiment.Experiment.rule was @rules.jare(), is @rules.sim_gd()"]


def test_other_data_than_the_run_s_are_named(tmp_path, capsys):
    copied(tmp_path)
    result = spectrum(tmp_path, "SIGMA = 0.7")
    assert "SIGMA was 0.2, is 0.7" in result["not_as_in_the_run"]
    assert "not as in the run: SIGMA was 0.2, is 0.7" in capsys.readouterr().out


def test_where_no_run_is_nothing_differs(tmp_path, capsys):
    assert spectrum(tmp_path / "new")["not_as_in_the_run"] == []
    assert "not as in the run" not in capsys.readouterr().out


def test_momentum_counts(tmp_path):
    plain = spectrum(tmp_path / "plain")
    heavy = spectrum(tmp_path / "heavy", "keras.optimizers.SGD.momentum = 0.9")
    assert heavy["eigenvalues"] == plain["eigenvalues"]
    assert heavy["optimizer"] == "SGD(momentum=0.9, nesterov=False)"
    values = np.array([complex(*pair) for pair in plain["eigenvalues"]])
    transitions = np.array([[1, 0.9], [0, 0.9]]) + 0.001 * values[:, None, None] * np.array([[1, 0], [1, 0]])
    assert heavy["rate"] == pytest.approx(np.abs(np.linalg.eigvals(transitions)).max(), abs=1e-9)
    assert plain["rate"] == pytest.approx(np.abs(1 + 0.001 * values).max(), abs=1e-9)


def test_optimizers_that_are_not_taken_into_account_are_named(tmp_path):
    slower = "experiment.Experiment.generator_optimizer = @slow/keras.optimizers.SGD"
    result = spectrum(tmp_path / "two", slower, "slow/keras.optimizers.SGD.learning_rate = 1e-4")
    assert result["optimizer"] == "SGD(momentum=0.0, nesterov=False), in place of SGD(0.001) and SGD(0.0001)"
    decayed = spectrum(tmp_path / "decay", "keras.optimizers.SGD.weight_decay = 0.5")
    assert "in place of SGD(0.001) and SGD(0.001)" in decayed["optimizer"]


def test_infinite_numbers_are_null(tmp_path):
    result = spectrum(
        tmp_path, "losses.Minimax.objective = @losses.wasserstein()", files=["isotropic_gaussian/simgd.gin"]
    )
    assert result["phase_factor"] is None
    assert result["largest_stable_step"] == 0.0


def test_network_game(tmp_path):
    """No known equilibrium: at the initialisation; all eigenvalues, and those at the ends of the spectrum."""
    files = ["mixture_conopt_paper/conopt.gin"]
    dense = spectrum(tmp_path, *MLP, files=files)
    assert (dense["at"], dense["dense"]) == ("initialisation", True)
    parameters = (16 * 4 + 4) + (4 * 4 + 4) + (4 * 2 + 2) + (2 * 4 + 4) + (4 * 4 + 4) + (4 + 1)
    assert len(dense["eigenvalues"]) == parameters
    extremal = spectrum(tmp_path, *MLP, "experiment.spectrum.dense_up_to = 1", "BATCH_SIZE = 512", files=files)
    assert (extremal["dense"], extremal["at"], extremal["rate"]) == (False, "initialisation", None)
    assert 0 < len(extremal["eigenvalues"]) < parameters
    largest = [np.abs(as_set(result["eigenvalues"])).max() for result in (dense, extremal)]
    assert largest[0] == pytest.approx(largest[1], rel=0.3)  # other samples


@pytest.mark.parametrize(
    ("params", "files", "message"),
    [
        (["GAMA = 3.0"], None, "unused binding GAMA: a typo"),
        (["rules.con_opt.gamma = 1.0"], None, "unused binding rules.con_opt.gamma"),
        (["experiment.spectrum.at = 'checkpoint'"], None, "there is only the initialisation and the equilibrium in"),
        (
            ["experiment.spectrum.at = 'somewhere'"],
            None,
            "spectrum.at must be .*, not .somewhere",
        ),
        (
            ["experiment.spectrum.samples = 0"],
            None,
            "spectrum.samples must be an integer of at least 1 and below",
        ),
        (["experiment.spectrum.samples = 4"], None, "4 samples are too few in 2 dimensions: use more than 4"),
        (
            ["keras.optimizers.SGD.learning_rate = 0.0"],
            None,
            "the learning rate must be a finite number, above 0, not 0.0",
        ),
        (
            ["experiment.Experiment.generator_optimizer = @keras.optimizers.SGD()"],
            None,
            "must be what makes",
        ),
        ([], [], "holds no run; name an experiment with --gin_file"),
        ([], ["quickstart.gin"], "--mode spectrum: quickstart.gin is not an experiment; name one with --gin_file"),
        (
            ["experiment.Experiment.rule = @keras.optimizers.SGD()"],
            None,
            "rule must be an update rule such as",
        ),
    ],
)
def test_mistakes(tmp_path, params, files, message):
    with pytest.raises(jare_tf.InputError, match=message):
        run(tmp_path, *params, mode="spectrum", short=[], **({} if files is None else {"files": files}))
    assert not (tmp_path / "spectrum.json").exists()


def test_estimates_while_training(tmp_path):
    params = [*MLP, "BATCH_SIZE = 32", "experiment.Pace.spectrum_every = 10"]
    run(tmp_path, *params, files=["mixture_conopt_paper/simgd.gin"], short=[*SHORT, "JIT = False"])
    rows = {row["step"]: row for row in metrics(tmp_path)}
    for step, row in rows.items():
        assert ("conditioning" in row) == ("phase_factor" in row) == (step % 10 == 0)
    assert 1 < rows[10]["conditioning"] < 1e6
    events = [
        event for path in (tmp_path / "train").iterdir() for event in tf.compat.v1.train.summary_iterator(str(path))
    ]
    assert "phase_factor" in {value.tag for event in events for value in event.summary.value}
    with pytest.raises(jare_tf.InputError, match="spectrum_every must be a multiple of log_every, 5, not 7"):
        run(tmp_path / "other", "experiment.Pace.spectrum_every = 7")


def test_a_spectrum_of_another_configuration_stays(tmp_path):
    first = spectrum(tmp_path)
    with pytest.raises(jare_tf.InputError, match="spectrum.json is the spectrum of another configuration"):
        run(tmp_path, "MU = 6.0", mode="spectrum")
    assert spectrum(tmp_path, "STEPS = 30", "experiment.Experiment.average_decay = 0.0") == first
