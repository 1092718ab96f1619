"""Advice on γ and η against closed forms and brute force."""

import json

import keras
import numpy as np
import pytest

import jare_tf
from jare_tf.theory import advice, eigenvalues, spectrum, step_size
from jare_tf.theory.closed_form import SimpleGame
from tests.games import affine_game, affine_point, exact_batch, small_game
from tests.runs import copied, run

GAMMAS = np.logspace(-2, 3, 41).tolist()


def brute_force(game, method):
    """(γ, η, ρ) of least ρ = max|1 + ηλ| among 600 × 600."""
    rows = []
    for gamma in np.geomspace(GAMMAS[0], GAMMAS[-1], 600):
        values = getattr(game, method)(gamma)
        steps = np.linspace(0, eigenvalues.largest_stable_step(values), 600)[:, None]
        rates = np.abs(1 + steps * eigenvalues.nonzero(values)).max(axis=1)
        rows.append((rates.min(), gamma, float(steps[rates.argmin(), 0])))
    rate, gamma, step = min(rows)
    return gamma, step, rate


@pytest.mark.parametrize(("sigma", "mu"), [(0.2, 4.0), (1.0, 2.0), (0.5, 6.0)])
@pytest.mark.parametrize("method", ["jare", "con_opt", "generator_only"])
def test_the_best_is_that_of_brute_force(method, sigma, mu):
    game = SimpleGame(sigma=sigma, mean=(0.0, mu))
    found = advice.advise(getattr(game, method), GAMMAS)
    gamma, step, rate = brute_force(game, method)
    # It converges at least as fast, to 1 %, and is where brute force has it; near the best ρ is flat in γ.
    assert np.log(found.rate) <= 0.99 * np.log(rate)
    np.testing.assert_allclose([found.gamma, found.step_size], [gamma, step], rtol=0.05)
    assert found.rate == pytest.approx(eigenvalues.rate(getattr(game, method)(found.gamma), found.step_size))
    assert min(found.best_rates) >= found.rate


def test_the_best_of_circles():
    """λ = −a ± bi for one pair: ρ is least at η = a/(a² + b²), where it is b/√(a² + b²)."""
    best = advice.best(np.array([-3 + 4j, -3 - 4j]))
    np.testing.assert_allclose(best, [2 * 3 / 25, 3 / 25, 4 / 5], rtol=1e-6)
    assert advice.best(np.array([-1.0, 0.1])) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("sigma", [0.2, 0.7, 1.0])
def test_where_rotation_ends(sigma):
    """Of JARE on the isotropic Gaussian at γ = (4 − σ⁴)/(2σ²)."""
    game = SimpleGame(sigma=sigma, mean=(0.0, 4.0))
    found = advice.advise(game.jare, GAMMAS)
    assert found.rotation_ends == pytest.approx((4 - sigma**4) / (2 * sigma**2), rel=1e-5)
    assert advice.advise(game.jare, GAMMAS[:5]).rotation_ends is None
    assert advice.advise(game.jare, GAMMAS, refine=False).rotation_ends in GAMMAS


def test_two_jacobians_are_those_of_all_gammas(float64):
    """At a point that is no equilibrium, of a nonlinear game: J + γK is the Jacobian of the rule of that γ."""
    game, batch = small_game(jare_tf.NonSaturating())
    family = advice.family(game, jare_tf.con_opt(gamma=3.0), game.point(), batch)
    whole = spectrum.linearize(game, jare_tf.con_opt(gamma=20.0), game.point(), batch).moves[0]
    np.testing.assert_allclose(family.jacobian + 20 * family.coupling, whole, rtol=1e-9, atol=1e-9)
    fast = family._replace(slowest=0.1).eigenvalues(1.0)
    values = family.eigenvalues(1.0)
    assert len(fast) < len(values) and abs(fast).min() >= 0.1 * abs(values).max()


def test_runs_converge_as_advised(float64):
    """Without noise, at the advised γ and η, at the rate that was foretold; other γ and η are slower."""
    mean, sigma = [0.0, 4.0], 0.2
    game, rest, batch = affine_game(mean), affine_point([0.0, 0.0], mean), exact_batch(mean, sigma)
    family = advice.family(game, jare_tf.generator_only(gamma=1.0), rest, batch)
    found = advice.advise(family.eigenvalues, GAMMAS)

    def observed(gamma, step):
        rule, optimizer = jare_tf.generator_only(gamma=gamma), lambda: keras.optimizers.SGD(step)
        return step_size.observed_rate(game, rule, rest, batch, optimizer, steps=1000, displacement=1e-4)

    best = observed(found.gamma, found.step_size)
    # At the best γ two eigenvalues meet, whose error shrinks as k ρᵏ.
    assert np.log(best) / np.log(found.rate) == pytest.approx(1, abs=0.1)
    assert observed(2 * found.gamma, found.step_size) > best < observed(found.gamma, found.step_size / 2)


def test_lazy(float64):
    """The rate is that of the lazy rule's own linearization; the period is the largest that keeps 90 %."""
    mean, sigma, step = [0.0, 2.0], 1.0, 0.05
    game, rest, batch = affine_game(mean), affine_point([0.0, 0.0], mean), exact_batch(mean, sigma)
    rule = jare_tf.jare(gamma=1.0)
    family = advice.family(game, rule, rest, batch)
    for every in (1, 3):
        linear = spectrum.linearize(game, jare_tf.lazy(rule, every), rest, batch)
        expected = step_size.rate(linear, keras.optimizers.SGD(), step)
        assert family.lazy_rate(1.0, step, every) == pytest.approx(expected, rel=1e-9)
    convergence = {every: -np.log(family.lazy_rate(1.0, step, every)) for every in (1, 2, 4, 8, 16, 32, 64)}
    kept = [every for every, value in convergence.items() if value >= 0.9 * convergence[1]]
    assert 1 < family.lazy(1.0, step) == kept[-1] < 64
    assert family.lazy(1.0, 50.0) is None  # diverges


def advised(model_dir, *params, **kwargs):
    run(model_dir, *params, mode="advise", **kwargs)
    assert (model_dir / "advice.png").stat().st_size > 10_000
    return json.loads((model_dir / "advice.json").read_text())


def test_of_the_isotropic_gaussian(tmp_path, capsys):
    result = advised(tmp_path)
    found = advice.advise(SimpleGame(sigma=0.2, mean=(0.0, 4.0)).jare, result["gammas"])
    np.testing.assert_allclose([result["gamma"], result["step_size"]], [found.gamma, found.step_size], rtol=0.01)
    assert result["rotation_ends"] == pytest.approx(49.98, abs=0.01)
    present = result["present"]
    assert (present["gamma"], present["step_size"]) == (10.0, pytest.approx(0.001))
    assert present["rate"] == pytest.approx(0.99948, abs=1e-5)
    assert present["largest_step"] == pytest.approx(0.16, rel=2e-3)
    printed = capsys.readouterr().out
    assert "jare at the equilibrium, all directions, for plain gradient descent, without noise:" in printed
    assert "- γ = 10 at η = 0.001: rate 0.99948, 13,281 steps to a thousandth" in printed
    assert (
        "from γ = 49.98 on nothing rotates" in printed
        and "is stable up to 0.16; the experiment's is 0.00625" in printed
    )


def test_of_networks(tmp_path, capsys):
    """At a run's checkpoint, by all eigenvalues and by those at the ends of the spectrum; another optimizer."""
    files = ["mixture_jare_paper/jare.gin"]
    small = [
        "LATENT_DIM = 4",
        *(
            f"networks.mlp.{player}.{field} = {value}"
            for player in ("generator", "discriminator")
            for field, value in (("width", 4), ("depth", 2))
        ),
    ]
    copied(tmp_path, *small, files=files)
    dense = advised(tmp_path, "experiment.advise.at = 'initialisation'", files=[], short=[])
    assert (dense["at"], dense["dense"], dense["at_rest"]) == ("initialisation", True, False)
    ends = "experiment.advise.dense_up_to = 1", "experiment.advise.gammas = [1.0]"
    of_run = advised(tmp_path, *ends, files=[], short=[])
    assert (of_run["at"], of_run["step"], of_run["dense"], of_run["gammas"]) == ("checkpoint", 20, False, [1.0])
    printed = capsys.readouterr().out
    assert (
        "the experiment's optimizers are others" in printed and "RMSprop with the preconditioner of step 20" in printed
    )


@pytest.mark.parametrize(
    ("bindings", "files", "message"),
    [
        ([], ["isotropic_gaussian/extragradient.gin"], "advise: extragradient.step=0.001. has no γ: use a preset"),
        (["experiment.advise.gammas = [2.0, 1.0]"], ["isotropic_gaussian/jare.gin"], "advise: gammas must increase"),
    ],
)
def test_mistakes(tmp_path, bindings, files, message):
    with pytest.raises(jare_tf.InputError, match=message):
        run(tmp_path, *bindings, mode="advise", files=files)
