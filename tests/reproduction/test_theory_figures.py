"""Figures of the theory: what they are made of against numbers by hand, and their claims on what is not so."""

import numpy as np
import pytest

import jare_tf
from jare_tf.reproduction import conopt, theory_figures
from jare_tf.reproduction.workspace import Workspace
from jare_tf.theory import closed_form
from jare_tf.theory.closed_form import SimpleGame

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture
def workspace(tmp_path):
    return Workspace(str(tmp_path), "smoke")


def verdicts(result):
    return [bool(claim.reproduced) for claim in result.claims]


def test_jacobian_of_the_implemented_rule():
    a = theory_figures.gaussian_jacobian(4.0, 0.2, jare_tf.sim_gd())
    s = np.diag([0.04, 16.04])
    np.testing.assert_allclose(a, np.block([[-s / 2, -np.eye(2) / 2], [np.eye(2) / 2, np.zeros([2, 2])]]), atol=1e-12)


@pytest.mark.parametrize(
    ("a", "step"),
    [
        ([[-1.0, 0.0], [0.0, -4.0]], 0.5),  # 2/4
        ([[-0.1, 1.0], [-1.0, -0.1]], 0.2 / 1.01),  # 2·0.1/(0.01 + 1)
        ([[0.1, 0.0], [0.0, -1.0]], 0.0),
    ],
)
def test_largest_step_by_bisection(a, step):
    assert theory_figures.largest_step_by_bisection(np.array(a)) == pytest.approx(step, abs=1e-9)


def test_iterations_needed_are_those_of_a_loop():
    game = SimpleGame(sigma=1.0, mean=(0.0, 2.0))
    needed = theory_figures.iterations_needed(game, 1e-3)
    # λ = (−5 ± √21)/4, at the best step 2/(|λ₁| + |λ₂|) = 0.8: 1 − 0.8 (5 − √21)/4 is the slowest.
    assert needed == int(np.ceil(np.log(1e-3) / np.log(1 - 0.2 * (5 - np.sqrt(21)))))


def test_gradreg_matrices():
    """∇D = x² and G = z: K_DD = E x⁴ = 1/5 and K_DG = ∂E(az)²/∂a = 2/3 on [−1, 1], but for the 1,000 midpoints."""
    k_dd, k_dg = theory_figures._uniform_1d()
    np.testing.assert_allclose([k_dd, k_dg], [[[1 / 5]], [[2 / 3]]], rtol=1e-5)


def test_who_reverses_the_generator():
    assert theory_figures.reversed_from(jare_tf.con_opt) == pytest.approx(1.0, abs=1e-8)
    assert theory_figures.reversed_from(jare_tf.jare) is None
    assert theory_figures.reversed_from(jare_tf.generator_only) is None


def test_theorem_2_is_not_reproduced_by_other_formulae(workspace, monkeypatch):
    assert verdicts(theory_figures.theorem2(workspace)) == [True, True, True, False, True]
    swapped = {"JARE": SimpleGame.con_opt, "ConOpt": SimpleGame.jare, "generator only": SimpleGame.jare}
    monkeypatch.setattr(theory_figures, "_METHODS", theory_figures._METHODS | swapped)
    assert verdicts(theory_figures.theorem2(workspace)) == [False, False, False, True, False]


def test_iterations_of_a_game_that_is_not_so(workspace, monkeypatch):
    assert verdicts(theory_figures.iterations(workspace)) == [True, True]
    monkeypatch.setattr(theory_figures, "iterations_needed", lambda game, reduction: 1)
    assert verdicts(theory_figures.iterations(workspace)) == [False, False]


def test_section_6_of_another_jacobian(workspace, monkeypatch):
    assert verdicts(theory_figures.section6(workspace)) == [True, True]
    monkeypatch.setattr(closed_form, "general_jacobian", lambda p, q: closed_form.general_jare(p, q, 100.0))
    assert verdicts(theory_figures.section6(workspace)) == [False, False]


def test_appendix_b_of_other_discriminators(workspace, monkeypatch):
    assert verdicts(theory_figures.appendix_b(workspace)) == [True, True, False]
    linear = lambda v: SimpleGame(sigma=0.0, mean=(v,)).sim_gd()
    monkeypatch.setattr(closed_form, "exponential_discriminator", linear)
    assert verdicts(theory_figures.appendix_b(workspace)) == [False, False, False]
    monkeypatch.setattr(closed_form, "exponential_discriminator", lambda v: np.array([-1e3, -1e-3 * np.exp(-v)]))
    assert verdicts(theory_figures.appendix_b(workspace))[2]


def test_appendix_c_of_other_rules(workspace, monkeypatch):
    assert verdicts(theory_figures.appendix_c(workspace)) == [True, True]
    monkeypatch.setattr(jare_tf, "con_opt", jare_tf.jare)
    monkeypatch.setattr(theory_figures.eigenvalues, "phase_factor", lambda values: 1.0)
    assert verdicts(theory_figures.appendix_c(workspace)) == [False, False]


def test_gradreg_theorems_need_the_right_jacobian(workspace, monkeypatch):
    assert verdicts(theory_figures.theorems_3(workspace)) == [True, True]
    right = closed_form.gradreg_jacobian
    monkeypatch.setattr(closed_form, "gradreg_jacobian", lambda *arguments: right(*arguments) / 2)
    assert verdicts(theory_figures.theorems_3(workspace)) == [False, False]


def test_conopt_fig1_of_another_rule(workspace, monkeypatch):
    assert verdicts(conopt.fig1(workspace)) == [True, True]
    monkeypatch.setattr(jare_tf, "con_opt", lambda gamma: jare_tf.sim_gd())
    assert verdicts(conopt.fig1(workspace)) == [True, False]
    monkeypatch.setattr(conopt, "largest_step_by_bisection", lambda a: 1.0)
    assert verdicts(conopt.fig1(workspace))[0] is False
