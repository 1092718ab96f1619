import dataclasses
import math

import numpy as np
import pytest

from jare_tf.errors import InputError
from jare_tf.theory import closed_form, eigenvalues
from jare_tf.theory.closed_form import SimpleGame

MASKS = {  # C[source][target], discriminator first
    "sim_gd": ((0, 0), (0, 0)),
    "jare": ((0, 1), (1, 0)),
    "con_opt": ((1, 1), (1, 1)),
    "generator_only": ((0, 1), (0, 0)),
    "discriminator_only": ((0, 0), (1, 0)),
    "smoothing": ((1, 0), (1, 0)),
}
GAMMAS = (0.0, 0.7, 10.0, 300.0)
GAMES = [
    SimpleGame(sigma=0.2, mean=(0.0, 4.0)),  # JARE's Fig. 1: both factors
    SimpleGame(sigma=0.5, mean=(0.3, -0.4, 0.5)),  # only complex pairs
    SimpleGame(sigma=1.7, mean=(1.0, 2.0)),  # only real pairs
    SimpleGame(sigma=0.0, mean=(0.0, 0.0)),
    SimpleGame(sigma=0.3, mean=(2.5,)),
    SimpleGame(sigma=0.6, mean=(1.0, -2.0), slope=1.3, curvature=-0.2),
    SimpleGame(sigma=0.9, mean=(0.5, 0.0, 1.5), slope=-0.7, curvature=-2.0),
]
games = pytest.mark.parametrize("game", GAMES, ids=str)
vanilla = pytest.mark.parametrize("game", [game for game in GAMES if game.slope == 0.5], ids=str)


def jacobian(game: SimpleGame) -> np.ndarray:
    """J = ∂ξ/∂(θ, φ) from Lemma 2's Hessian of f: ξ = (−∇θ f, ∇φ f), ∇²_φθ f = g2'(0) I = −slope I."""
    n = len(game.mean)
    covariance = game.sigma**2 * np.eye(n) + np.outer(game.mean, game.mean)
    f_theta_theta, f_phi_theta = game.curvature * covariance, -game.slope * np.eye(n)
    return np.block([[-f_theta_theta, -f_phi_theta.T], [f_phi_theta, np.zeros((n, n))]])


def coupled(j: np.ndarray, mask, gamma: float, n: int) -> np.ndarray:
    """A = −(I + γ(C ∘ J)ᵀ)J: every method of jare_tf.dynamics.jacobian_coupling; θ has n entries."""
    m = len(j) - n
    c = np.block([[np.full((a, b), mask[s][t]) for t, b in enumerate((n, m))] for s, a in enumerate((n, m))])
    return -(np.eye(n + m) + gamma * (c * j).T) @ j


def assert_same(found, expected, rtol=1e-9):
    """Both hold the same complex numbers, in any order."""
    expected = list(np.asarray(expected, complex))
    assert len(found) == len(expected)
    tolerance = rtol * max(np.abs(expected))
    for value in found:
        nearest = int(np.argmin(np.abs(np.array(expected) - value)))
        assert abs(expected.pop(nearest) - value) <= tolerance


def paper_pairs(game: SimpleGame, shift: float, square: float) -> np.ndarray:
    """(−(s + shift) ± √((s + shift)² − square))/4: the form of Theorems 1 and 3 and eqs. 25 and 27."""
    variance = game.sigma**2
    s = np.array([variance] * (len(game.mean) - 1) + [variance + sum(x * x for x in game.mean)]) + shift
    root = np.sqrt(s**2 - square + 0j)
    return np.concatenate([-s + root, -s - root]) / 4


def random_game(rng, n=3, m=2):
    """P [m, n] and Q [n, n], negative definite."""
    b = rng.normal(size=(n, n))
    return rng.normal(size=(m, n)), -b @ b.T - 0.1 * np.eye(n)


def spectral_radius(matrix) -> float:
    return np.abs(np.linalg.eigvals(matrix)).max()


@games
@pytest.mark.parametrize("method", MASKS)
@pytest.mark.parametrize("gamma", GAMMAS)
def test_simple_game_eigenvalues_are_those_of_the_matrix(game, method, gamma):
    found = game.sim_gd() if method == "sim_gd" else getattr(game, method)(gamma)
    assert_same(found, np.linalg.eigvals(coupled(jacobian(game), MASKS[method], gamma, len(game.mean))), rtol=1e-7)


@vanilla
def test_jare_theorem_1(game):
    assert_same(game.sim_gd(), paper_pairs(game, 0, 4))


@vanilla
@pytest.mark.parametrize("gamma", GAMMAS)
def test_jare_theorem_3(game, gamma):
    assert_same(game.jare(gamma), paper_pairs(game, gamma, gamma**2 + 4))


@vanilla
@pytest.mark.parametrize("gamma", GAMMAS)
def test_jare_eq_25_and_27(game, gamma):
    assert_same(game.generator_only(gamma), paper_pairs(game, gamma / 2, 4))
    assert_same(game.discriminator_only(gamma), paper_pairs(game, gamma / 2, 4))


def test_jare_d1_minus_gamma_over_4_is_an_eigenvalue_where_s_is_2_over_gamma():
    found = SimpleGame(sigma=1.0, mean=(0.0,)).generator_only(2.0)
    np.testing.assert_allclose(np.abs(found + 0.5).min(), 0, atol=1e-7)


def test_jare_d2_displayed_jacobian_needs_gamma_over_4():
    game, gamma = GAMES[0], 3.0
    a = coupled(jacobian(game), MASKS["jare"], gamma, 2)
    np.testing.assert_allclose(a[2:, 2:], -gamma / 4 * np.eye(2), atol=1e-12)
    misprinted = a.copy()
    misprinted[2:, 2:] *= 2
    assert abs(np.trace(misprinted) - game.jare(gamma).sum()) > 1


@pytest.mark.parametrize(
    "wrong",
    [{"sigma": -0.1}, {"sigma": math.nan}, {"mean": ()}, {"mean": (math.inf,)}, {"slope": 0.0}, {"curvature": 0.0}],
    ids=str,
)
def test_simple_game_rejects(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        SimpleGame(**{"sigma": 1.0, "mean": (1.0,), **wrong})


@games
@pytest.mark.parametrize("gamma", GAMMAS)
def test_jare_eq_34_and_35_are_the_factors_of_all_eigenvalues(game, gamma):
    found = game.jare(gamma)
    zeta, tau = eigenvalues.phase_factor(found), eigenvalues.conditioning(found)
    np.testing.assert_allclose(game.jare_conditioning(gamma), tau, rtol=1e-9)
    if math.isinf(game.jare_phase_factor(gamma)):
        assert zeta > 1e15
    else:
        np.testing.assert_allclose(game.jare_phase_factor(gamma), zeta, rtol=1e-9)


@pytest.mark.parametrize("variance", [0.01, 0.5, 1.9])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0])
def test_jare_eq_34_formula(variance, gamma):
    found = SimpleGame(sigma=math.sqrt(variance), mean=(0.0, 3.0)).jare_phase_factor(gamma)
    h1 = (gamma**2 + 4) / (variance + gamma) ** 2
    if gamma < 2 / variance - variance / 2:
        np.testing.assert_allclose(found, math.sqrt(h1 - 1), rtol=1e-9)
        assert found > 0
    else:
        assert found == 0
    if gamma == 0:
        np.testing.assert_allclose(found, math.sqrt((2 / variance) ** 2 - 1), rtol=1e-9)


@pytest.mark.parametrize("beta2", [2.1, 6.25, 100.0])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0, 50.0])
def test_jare_eq_35_formula(beta2, gamma):
    found = SimpleGame(sigma=0.5, mean=(0.0, math.sqrt(beta2 - 0.25))).jare_conditioning(gamma)
    h2 = (beta2 + gamma) ** 2 / (gamma**2 + 4)
    np.testing.assert_allclose(found, (math.sqrt(h2) + math.sqrt(h2 - 1)) ** 2, rtol=1e-9)
    misprinted = (math.sqrt(h2) + math.sqrt(h2**2 - 1)) ** 2
    assert misprinted > found * 1.001
    if gamma == 0:
        np.testing.assert_allclose(found, (beta2 + math.sqrt(beta2**2 - 4)) ** 2 / 4, rtol=1e-9)


@pytest.mark.parametrize("variance", [0.04, 1.0, 1.9])
def test_jare_corollary_3_phase_factor_falls_to_zero(variance):
    game = SimpleGame(sigma=math.sqrt(variance), mean=(0.0, 4.0))
    last = 2 / variance - variance / 2
    zetas = [game.jare_phase_factor(gamma) for gamma in np.linspace(0, last * 0.9999, 200)]
    assert np.all(np.diff(zetas) < 0)
    assert zetas[-1] > 0
    assert game.jare_phase_factor(last * 1.0001) == 0


def test_jare_corollary_3_without_noise_the_phase_factor_vanishes_in_the_limit_only():
    game = SimpleGame(sigma=0.0, mean=(0.0, 4.0))
    gammas = np.array([1.0, 1e2, 1e4])
    np.testing.assert_allclose([game.jare_phase_factor(gamma) for gamma in gammas], 2 / gammas, rtol=1e-6)


@pytest.mark.parametrize("beta2", [2.5, 16.04])
def test_jare_corollary_3_conditioning_rises_to_4_over_beta2_and_falls_to_1(beta2):
    game = SimpleGame(sigma=0.2, mean=(0.0, math.sqrt(beta2 - 0.04)))
    rising = [game.jare_conditioning(gamma) for gamma in np.linspace(0, 4 / beta2, 50)]
    falling = [game.jare_conditioning(gamma) for gamma in np.geomspace(4 / beta2, 1e4, 200)]
    assert np.all(np.diff(rising) > 0)
    assert np.all(np.diff(falling) < 0)
    # √h₂ − 1 ~ β²/γ, so that τ − 1 ~ 2√(2β²/γ)
    np.testing.assert_allclose(
        (game.jare_conditioning(1e10) - 1) * math.sqrt(1e10), 2 * math.sqrt(2 * beta2), rtol=1e-3
    )


@pytest.mark.parametrize("sigma", [0.1, 0.8, 1.3])
def test_jare_corollary_1(sigma):
    game = SimpleGame(sigma=sigma, mean=(0.0, 0.0))
    zeta, pair = game.jare_phase_factor(), game.sim_gd()
    bound = 4 / math.sqrt(1 + zeta**2)
    np.testing.assert_allclose(bound, 2 * sigma**2)
    np.testing.assert_allclose(eigenvalues.largest_stable_step(pair), bound)
    least = closed_form.phase_iterations(zeta, 1e-3)
    np.testing.assert_allclose(least, 2 * math.log(1e3) / math.log(1 + 1 / zeta**2), rtol=1e-6)
    needed = [
        eigenvalues.iterations(eigenvalues.rate(pair, step), 1e-3) for step in np.linspace(0.01, 0.99, 99) * bound
    ]
    assert min(needed) >= least * (1 - 1e-9)
    np.testing.assert_allclose(needed[49], least)  # at η = σ²
    assert needed[24] > least * 1.2


@pytest.mark.parametrize("beta2", [2.2, 5.0, 20.0])
def test_jare_corollary_2(beta2):
    game = SimpleGame(sigma=0.0, mean=(math.sqrt(beta2),))
    tau, pair = game.jare_conditioning(), game.sim_gd()
    bound = 4 / math.sqrt(tau)
    np.testing.assert_allclose(eigenvalues.largest_stable_step(pair), bound)
    slowest = pair[np.argmin(np.abs(pair))]
    least = closed_form.conditioning_iterations(tau, 1e-3)
    if tau <= 2:
        assert least == 0
        return
    np.testing.assert_allclose(least, math.log(1e3) / -math.log(1 - 2 / tau))
    needed = [eigenvalues.iterations(abs(1 + step * slowest), 1e-3) for step in np.linspace(0.01, 0.9999, 99) * bound]
    assert np.all(np.diff(needed) < 0)
    assert least < needed[-1] < least * 1.01  # the bound is the limit, and the proof's factor of 2 is not one


def test_jare_corollaries_1_and_2_at_the_ends():
    assert closed_form.phase_iterations(0.0, 0.1) == 0
    assert closed_form.phase_iterations(math.inf, 0.1) == math.inf
    assert closed_form.conditioning_iterations(2.0, 0.1) == 0
    np.testing.assert_allclose(closed_form.conditioning_iterations(4.0, 0.25), 2)


@games
@pytest.mark.parametrize("gamma", GAMMAS)
def test_jare_eta_max_is_the_largest_stable_step(game, gamma):
    found = game.jare_largest_step(gamma)
    np.testing.assert_allclose(found, eigenvalues.largest_stable_step(game.jare(gamma)), rtol=1e-9, atol=1e-12)
    a = coupled(jacobian(game), MASKS["jare"], gamma, len(game.mean))
    identity = np.eye(len(a))
    if game.sigma == 0 and gamma == 0:
        assert found == 0
        assert spectral_radius(identity + 1e-3 * a) > 1 + 1e-8
        return
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        if middle == 0 or spectral_radius(identity + middle * a) < 1:
            low = middle
        else:
            high = middle
    np.testing.assert_allclose(found, low, rtol=1e-7)


@pytest.mark.parametrize("variance, beta2", [(0.04, 16.04), (1.5, 2.5), (0.0, 36.0)])
@pytest.mark.parametrize("gamma", [0.0, 0.2, 10.0])
def test_jare_eta_max_formula(variance, beta2, gamma):
    game = SimpleGame(sigma=math.sqrt(variance), mean=(0.0, math.sqrt(beta2 - variance)))
    root = math.sqrt(2 * beta2 * gamma + beta2**2 - 4)
    eta_max = 8 * min((gamma + variance) / (gamma**2 + 4), 1 / (beta2 + gamma + root))
    np.testing.assert_allclose(game.jare_largest_step(gamma), eta_max, rtol=1e-12)


def test_jare_eta_max_first_rises_with_gamma():
    steps = [SimpleGame(sigma=0.2, mean=(0.0, 4.0)).jare_largest_step(gamma) for gamma in (0.0, 1.0, 10.0, 1e4)]
    np.testing.assert_allclose(steps[:2], [0.08, 0.23575], rtol=1e-3)
    assert steps[1] > steps[2] > steps[3]


def test_jare_fig_5_con_opt_is_unstable_at_mu_6_and_the_others_are_not():
    step, gamma = 0.001, 10.0
    game = SimpleGame(sigma=0.2, mean=(0.0, 6.0))
    assert eigenvalues.largest_stable_step(game.con_opt(gamma)) < step
    assert eigenvalues.largest_stable_step(game.jare(gamma)) > step
    assert eigenvalues.largest_stable_step(dataclasses.replace(game, mean=(0.0, 4.0)).con_opt(gamma)) > step


def test_jare_theorem_2_each_other_method_worsens_the_conditioning_that_jare_mends():
    game = SimpleGame(sigma=0.2, mean=(0.0, 4.0))
    gammas = (0.0, 1.0, 10.0, 100.0)
    for method in ("generator_only", "con_opt"):
        spectra = [getattr(game, method)(gamma) for gamma in gammas]
        assert np.all(np.diff([eigenvalues.conditioning(spectrum) for spectrum in spectra]) > 0)
        assert np.all(np.diff([eigenvalues.phase_factor(spectrum) for spectrum in spectra]) <= 0)
        assert eigenvalues.phase_factor(spectra[1]) < eigenvalues.phase_factor(spectra[0]) / 2
    assert game.jare_conditioning(100.0) < game.jare_conditioning(0.0) / 50


@pytest.mark.parametrize("slope, curvature", [(0.5, -0.5), (-1.3, -0.3)])
def test_jare_eq_30_holds_for_eigenvalues_and_for_singular_values(slope, curvature):
    rng = np.random.default_rng(0)
    balance = abs(2 * slope / curvature)  # the s between complex and real pairs
    closest = math.inf
    for _ in range(300):
        variance, beta2 = balance * rng.uniform(1e-4, 0.999), balance * 10 ** rng.uniform(0.001, 2)
        gamma = 10 ** rng.uniform(-3, 2)
        mean = np.array([0.6, 0.8]) * math.sqrt(beta2 - variance)
        game = SimpleGame(sigma=math.sqrt(variance), mean=tuple(mean), slope=slope, curvature=curvature)
        m = -jacobian(game)
        size = np.sort(np.abs(np.linalg.eigvals(m)))
        delta = (1 + gamma * size[-1]) / (1 + gamma * size[0])
        bound = game.con_opt_conditioning_bound(gamma)
        np.testing.assert_allclose(bound, size[-1] / size[0] * delta, rtol=1e-6)
        tau = eigenvalues.conditioning(game.con_opt(gamma))
        assert bound < tau * (1 + 1e-9)
        assert tau < np.linalg.cond(m - gamma * m.T @ m) * (1 + 1e-6)
        closest = min(closest, tau / bound)
    assert closest < 1.01


def test_jare_eq_30_without_a_real_pair_the_bound_is_1():
    assert SimpleGame(sigma=0.5, mean=(0.3,)).con_opt_conditioning_bound(3.0) == 1


@pytest.mark.parametrize("v", [-2.0, 0.0, 0.5, 5.0])
def test_jare_appendix_b(v):
    e = math.exp(v)
    full_rank = np.array([[0, e / 2], [-e / 2, -e * e / 2]])  # the paper's A, φ first
    assert_same(closed_form.exponential_discriminator(v), np.linalg.eigvals(full_rank))
    root = np.sqrt(e**4 - 4 * e**2 + 0j)
    assert_same(closed_form.exponential_discriminator(v), [(-(e**2) + root) / 4, (-(e**2) - root) / 4])
    linear = SimpleGame(sigma=0.0, mean=(v,)).sim_gd()
    root = np.sqrt(v**4 - 4 + 0j)
    assert_same(linear, [(-(v**2) + root) / 4, (-(v**2) - root) / 4])


def test_jare_appendix_b_numbers():
    linear, full_rank = SimpleGame(sigma=0.0, mean=(5.0,)).sim_gd(), closed_form.exponential_discriminator(5.0)
    assert_same(linear, [(-25 + math.sqrt(621)) / 4, (-25 - math.sqrt(621)) / 4])
    np.testing.assert_allclose(eigenvalues.conditioning(linear), 623, rtol=1e-4)
    np.testing.assert_allclose(eigenvalues.conditioning(full_rank), math.exp(10) - 2, rtol=1e-6)
    near_zero = closed_form.exponential_discriminator(0.0)
    np.testing.assert_allclose(eigenvalues.phase_factor(near_zero), math.sqrt(3))
    assert eigenvalues.phase_factor(SimpleGame(sigma=0.0, mean=(0.01,)).sim_gd()) > 1e4


@games
@pytest.mark.parametrize("gamma", GAMMAS)
def test_jare_lemma_3_and_e3_contain_the_simple_game(game, gamma):
    n = len(game.mean)
    q = game.curvature * (game.sigma**2 * np.eye(n) + np.outer(game.mean, game.mean))
    p = -game.slope * np.eye(n)
    np.testing.assert_allclose(closed_form.general_jacobian(p, q), -jacobian(game))
    expected = coupled(jacobian(game), MASKS["jare"], gamma, n)
    np.testing.assert_allclose(closed_form.general_jare(p, q, gamma), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n, m", [(3, 2), (2, 4), (1, 1)])
def test_jare_lemma_3_is_the_papers_matrix_with_the_players_swapped(n, m):
    p, q = random_game(np.random.default_rng(0), n, m)
    paper = np.block([[np.zeros((m, m)), -p], [p.T, q]])
    swap = np.r_[m : m + n, 0:m]
    np.testing.assert_array_equal(closed_form.general_jacobian(p, q), paper[np.ix_(swap, swap)])
    gamma = 2.5
    regularization = np.block([[np.eye(m), -gamma * p], [gamma * p.T, np.eye(n)]])  # E.3's Γ
    expected = (regularization @ paper)[np.ix_(swap, swap)]
    np.testing.assert_allclose(closed_form.general_jare(p, q, gamma), expected, atol=1e-12)
    np.testing.assert_allclose(
        coupled(-closed_form.general_jacobian(p, q), MASKS["jare"], gamma, n), expected, atol=1e-12
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 20.0])
@pytest.mark.parametrize("seed", range(5))
def test_jare_theorem_4(gamma, seed):
    p, q = random_game(np.random.default_rng(seed), n=3, m=3)
    values, vectors = np.linalg.eig(closed_form.general_jare(p, q, gamma))
    spectrum_q, spectrum_p = np.linalg.eigvalsh(q), np.linalg.eigvalsh(p.T @ p)
    for value, vector in zip(values, vectors.T, strict=True):
        a1, a2 = closed_form.quadratic_coefficients(p, q, vector[:3], gamma)
        roots = np.roots([1, -a1, a2])
        # a double root is only as exact as the square root of its coefficients
        assert np.abs(roots - value).min() < 1e-6 * np.abs(values).max()
        np.testing.assert_allclose(value**2 - a1 * value + a2, 0, atol=1e-9 * np.abs(values).max() ** 2)
        if gamma == 0:
            assert spectrum_q[0] - 1e-9 <= a1 <= spectrum_q[-1] + 1e-9
            assert spectrum_p[0] - 1e-9 <= a2 <= spectrum_p[-1] + 1e-9


def test_jare_theorem_4_overlooks_zero_where_the_generator_is_larger():
    p, q = np.array([[1.0], [0.0]]), np.array([[-1.0]])  # PᵀP = 1 has full column rank
    assert np.abs(np.linalg.eigvals(closed_form.general_jacobian(p, q))).min() < 1e-12
    a1, a2 = closed_form.quadratic_coefficients(p, q, np.ones(1))
    np.testing.assert_allclose([a1, a2], [-1, 1])


@pytest.mark.parametrize("n, m", [(3, 2), (2, 2), (2, 3)])
def test_jare_theorem_5_the_error_shrinks_as_one_over_the_root_of_gamma(n, m):
    p, q = random_game(np.random.default_rng(1), n, m)
    limit = closed_form.general_jare_limit(p)
    errors = []
    for gamma in (1e4, 1e6, 1e8):
        values = np.linalg.eigvals(closed_form.general_jare(p, q, gamma)) / gamma
        errors.append(np.abs(np.sort(values.real) - limit).max() + np.abs(values.imag).max())
    assert errors[0] < 0.3
    np.testing.assert_allclose([errors[0] / errors[1], errors[1] / errors[2]], 10, rtol=0.2)
    assert np.sum(np.abs(limit) < 1e-12) == abs(n - m)


@pytest.mark.parametrize(
    ("q", "p", "stable_sim_gd", "stable_jare"),
    [
        ((1.5, 2.0), (0.8, 1.0), True, True),  # all three requirements hold
        ((1e-3, 2.0), (0.8, 1.0), False, True),  # Q ill-conditioned
        ((1e-3, 1.5e-3), (0.8, 1.0), False, True),  # Q much smaller than PᵀP: phase factor
        ((300.0, 400.0), (0.8, 1.0), False, True),  # Q much larger than PᵀP: conditioning
        ((1.5, 2.0), (1e-2, 1.0), False, False),  # PᵀP ill-conditioned
    ],
)
def test_jare_table_1(q, p, stable_sim_gd, stable_jare):
    """SimGD needs Q and PᵀP well-conditioned and alike, JARE with a large γ only PᵀP well-conditioned."""
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    q_matrix, p_matrix = -rotation @ np.diag(q) @ rotation.T, np.diag(p)
    well = lambda a: (
        eigenvalues.phase_factor(np.linalg.eigvals(a)) < 3 and eigenvalues.conditioning(np.linalg.eigvals(a)) < 10
    )
    assert well(closed_form.general_jacobian(p_matrix, q_matrix)) == stable_sim_gd
    assert well(closed_form.general_jare(p_matrix, q_matrix, 1e4)) == stable_jare


@pytest.mark.parametrize("scale", [0.0, 1e-3, 1.0, 1e3])
def test_jare_is_stable_in_every_general_game_at_every_gamma(scale):
    rng = np.random.default_rng(2)
    for _ in range(50):
        p, q = random_game(rng, n=3, m=3)
        for gamma in (0.1, 1.0, 30.0):
            found = eigenvalues.nonzero(np.linalg.eigvals(closed_form.general_jare(p, scale * q, gamma)))
            assert np.all(found.real < 0)
    assert np.abs(np.linalg.eigvals(closed_form.general_jacobian(p, 0 * q)).real).max() < 1e-9  # WGAN under SimGD turns


def random_gradreg(rng, n, m, rank):
    """K_DD [n, n] of the rank and K_DG [n, m] with Null(K_DD) ⊆ Null(K_DGᵀ) (Assumption III)."""
    b = rng.normal(size=(n, rank))
    return b @ b.T, b @ rng.normal(size=(rank, m))


def bounded(values, bounds):
    """Largest Re λ/bound (at least 1 where the bounds hold) of real and of complex values, smallest over values."""
    values = eigenvalues.nonzero(values)
    is_real = np.abs(values.imag) < 1e-7 * np.abs(values)
    return [
        np.min(values.real[kind] / bound, initial=math.inf)
        for kind, bound in zip((is_real, ~is_real), bounds, strict=True)
    ]


SHAPES = [(3, 3, 3), (4, 2, 4), (4, 3, 2), (2, 4, 2)]


@pytest.mark.parametrize("n, m, rank", SHAPES)
def test_gradreg_theorem_3_1(n, m, rank):
    rng = np.random.default_rng(3)
    least = np.full(2, math.inf)
    for _ in range(200):
        k_dd, k_dg = random_gradreg(rng, n, m, rank)
        slope, curvature = rng.uniform(0.1, 2), -rng.uniform(0.1, 2)
        values = np.linalg.eigvals(closed_form.gradreg_jacobian(k_dd, k_dg, slope, curvature))
        bounds = closed_form.gradreg_bounds(k_dd, k_dg, slope, curvature)
        least = np.minimum(least, bounded(values, bounds))
    assert np.all(least >= 1 - 1e-6)
    assert np.all(np.isfinite(least))


def test_gradreg_theorem_3_1_bounds_are_the_best_possible():
    one = np.ones((1, 1))
    real = np.linalg.eigvals(closed_form.gradreg_jacobian(one, 1e-3 * one, 0.5, -0.25))
    assert 1 <= bounded(real, closed_form.gradreg_bounds(one, 1e-3 * one, 0.5, -0.25))[0] < 1.001
    turning = np.linalg.eigvals(closed_form.gradreg_jacobian(one, 5 * one, 0.5, -0.25))
    np.testing.assert_allclose(bounded(turning, closed_form.gradreg_bounds(one, 5 * one, 0.5, -0.25))[1], 1)


def test_gradreg_bounds_in_numbers():
    # κ = 1, 4 and μ = 1, 4, each with a 0 that does not count
    k_dd, k_dg = np.diag([0.0, 1.0, 4.0]), np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    np.testing.assert_allclose(closed_form.gradreg_bounds(k_dd, k_dg, 0.5, -0.25), (-0.125 / 1.25, -0.25))
    np.testing.assert_allclose(closed_form.gradreg_wgan_bounds(k_dg @ k_dg.T, 0.5, 2.0), (-0.5 / 17, -0.25))


def test_gradreg_theorem_3_1_needs_assumption_iii():
    values = np.linalg.eigvals(closed_form.gradreg_jacobian(np.diag([1.0, 0.0]), np.eye(2), 0.5, -0.25))
    np.testing.assert_allclose(values[np.argsort(-values.real)[:2]].real, 0, atol=1e-12)
    np.testing.assert_allclose(np.abs(values[np.argsort(-values.real)[:2]].imag), 0.5)


@pytest.mark.parametrize("n, m, rank", SHAPES)
def test_gradreg_theorem_3_2_wgan(n, m, rank):
    rng = np.random.default_rng(4)
    least = np.full(2, math.inf)
    for _ in range(200):
        k_dd, k_dg = random_gradreg(rng, n, m, rank)
        slope, gamma = rng.uniform(0.3, 2), 10 ** rng.uniform(-1, 1)
        values = np.linalg.eigvals(closed_form.gradreg_jacobian(k_dd, k_dg, slope, 0.0, gamma))
        least = np.minimum(least, bounded(values, closed_form.gradreg_wgan_bounds(k_dg, slope, gamma)))
    assert np.all(least >= 1 - 1e-6)
    assert np.all(np.isfinite(least))


def test_gradreg_theorem_3_2_wgan_bounds_are_the_best_possible():
    one = np.ones((1, 1))
    for gamma, kind in ((1e3, 0), (0.1, 1)):
        values = np.linalg.eigvals(closed_form.gradreg_jacobian(one, one, 1.0, 0.0, gamma))
        assert 1 - 1e-9 <= bounded(values, closed_form.gradreg_wgan_bounds(one, 1.0, gamma))[kind] < 1.001


@pytest.mark.parametrize("times", [0.5, 2.0, 100.0])
def test_gradreg_theorem_3_2_is_stable_below_the_bound_of_eta_and_above_it(times):
    rng = np.random.default_rng(5)
    for _ in range(100):
        k_dd, k_dg = random_gradreg(rng, 4, 3, 3)
        gamma = times / (0.5 * np.linalg.eigvalsh(k_dd)[-1])  # 2η, the bound being η < 1/(2λ_max(−J_DD))
        found = eigenvalues.nonzero(np.linalg.eigvals(closed_form.gradreg_jacobian(k_dd, k_dg, 0.5, -0.25, gamma)))
        assert np.all(found.real < 0)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 3.0])
def test_gradreg_jacobian_is_the_generator_only_method(gamma):
    k_dd, k_dg = random_gradreg(np.random.default_rng(6), 3, 2, 3)
    unregularised = closed_form.gradreg_jacobian(k_dd, k_dg, 0.5, -0.25)
    found = closed_form.gradreg_jacobian(k_dd, k_dg, 0.5, -0.25, gamma)
    np.testing.assert_allclose(found, coupled(-unregularised, MASKS["generator_only"], gamma, 3), atol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 3.0])
def test_gradreg_jacobian_contains_the_simple_game(gamma):
    # D(x) = θᵀx: K_DD = E[xxᵀ], K_DG = ∂E[x]/∂φ = I; this settles the sign of J_DG
    game = GAMES[0]
    k_dd = game.sigma**2 * np.eye(2) + np.outer(game.mean, game.mean)
    found = closed_form.gradreg_jacobian(k_dd, np.eye(2), 0.5, -0.25, gamma)
    np.testing.assert_allclose(found, coupled(jacobian(game), MASKS["generator_only"], gamma, 2), atol=1e-12)
    assert_same(np.linalg.eigvals(found), game.generator_only(gamma))


def random_negative(rng, n, skew=3.0, symmetric=1.0):
    """A with A + Aᵀ ≺ 0."""
    b, k = rng.normal(size=(2, n, n))
    return -symmetric * (b @ b.T) + skew * (k - k.T)


@pytest.mark.parametrize("seed", range(10))
def test_conopt_lemma_4(seed):
    a = random_negative(np.random.default_rng(seed), 5)
    values = np.linalg.eigvals(a)
    ratio = (values.imag / values.real) ** 2
    bound = np.min(1 / np.abs(values.real) * 2 / (1 + ratio))  # eq. 10
    np.testing.assert_allclose(eigenvalues.largest_stable_step(values), bound)
    assert spectral_radius(np.eye(5) + bound * (1 - 1e-6) * a) < 1
    assert spectral_radius(np.eye(5) + bound * (1 + 1e-6) * a) > 1


@pytest.mark.parametrize("gamma", [0.01, 1.0, 30.0])
def test_conopt_lemma_7(gamma):
    rng = np.random.default_rng(7)
    for symmetric in (1.0, 0.0):
        a = random_negative(rng, 4, symmetric=symmetric)
        regularised = closed_form.con_opt_matrix(a, gamma)
        np.testing.assert_allclose(regularised, coupled(-a, MASKS["con_opt"], gamma, 2), rtol=1e-9, atol=1e-9)
        # wᵀ(A − γAᵀA)w ≤ −γ‖Aw‖²
        margin = gamma * np.linalg.svd(a, compute_uv=False)[-1] ** 2
        assert np.linalg.eigvalsh(regularised + regularised.T)[-1] / 2 <= -margin * (1 - 1e-9)
    assert np.abs(np.linalg.eigvals(a).real).max() < 1e-9  # the skew A alone only turns


def test_conopt_lemma_7_needs_an_invertible_matrix():
    a = np.zeros((3, 3))
    a[0, 1], a[1, 0] = -1, 1
    assert np.linalg.eigvalsh(closed_form.con_opt_matrix(a, 1.0))[-1] == 0


def test_conopt_lemma_9():
    rng = np.random.default_rng(8)
    closest = math.inf
    for _ in range(300):
        a = random_negative(rng, rng.integers(2, 6), skew=10 ** rng.uniform(-1, 1))
        gamma = 10 ** rng.uniform(-3, 2)
        found = eigenvalues.phase_factor(np.linalg.eigvals(closed_form.con_opt_matrix(a, gamma)))
        bound = closed_form.con_opt_phase_bound(a, gamma)
        assert found <= bound * (1 + 1e-9)
        closest = min(closest, bound / found if found else math.inf)
    assert closest < 1.1


def test_conopt_lemma_9_eq_18_lacks_the_norm():
    a, gamma = np.array([[0.0, -10.0], [10.0, 0.0]]), 1.0
    found = eigenvalues.phase_factor(np.linalg.eigvals(closed_form.con_opt_matrix(a, gamma)))
    np.testing.assert_allclose(found, 0.1)
    np.testing.assert_allclose(closed_form.con_opt_phase_bound(a, gamma), 0.1)
    assert found > 1 / (2 * 10**2 * gamma)


def test_conopt_eq_17():
    rng = np.random.default_rng(9)
    a = random_negative(rng, 3)
    v = rng.normal(size=(3, 200_000)) + 1j * rng.normal(size=(3, 200_000))
    quotient = lambda matrix: np.abs(np.sum(v.conj() * (matrix @ v), axis=0))
    c = 1 / closed_form.con_opt_phase_bound(a, 0.0)
    sampled = np.min(quotient(a + a.T) / quotient(a - a.T))
    assert c <= sampled < c * 1.05


@pytest.mark.parametrize("gamma, expected", [(0.0, math.inf), (2.0, 1 / (2 * 4 * 2 / 6))])
def test_conopt_lemma_9_singular_symmetric_part(gamma, expected):
    a = np.zeros((4, 4))  # A + Aᵀ = 0, ρ = 2, ‖A − Aᵀ‖ = 6
    a[0, 1], a[1, 0], a[2, 3], a[3, 2] = 2, -2, 3, -3
    assert closed_form.con_opt_phase_bound(a, gamma) == pytest.approx(expected)


def test_conopt_lemma_9_symmetric_matrix_has_no_phase():
    assert closed_form.con_opt_phase_bound(-np.eye(2), 1.0) == 0


def momentum(a, gamma):
    identity = np.eye(len(a))
    return np.block([[np.zeros_like(a), identity], [a, -gamma * identity]])


@pytest.mark.parametrize("gamma", [0.0, 0.5, 4.0])
def test_conopt_lemma_11(gamma):
    a = random_negative(np.random.default_rng(10), 4)
    found = closed_form.momentum_eigenvalues(np.linalg.eigvals(a), gamma)
    assert_same(found, np.linalg.eigvals(momentum(a, gamma)))
    assert_same(found * (found + gamma), np.tile(np.linalg.eigvals(a), 2))


@pytest.mark.parametrize("gamma", [0.1, 1.0, 10.0])
def test_conopt_corollary_12_real_negative_eigenvalues(gamma):
    b = np.random.default_rng(11).normal(size=(4, 4))
    a = -b @ b.T - 0.1 * np.eye(4)
    values = closed_form.momentum_eigenvalues(np.linalg.eigvalsh(a), gamma)
    assert np.all(values.real < 0)
    step = eigenvalues.largest_stable_step(values)
    assert spectral_radius(np.eye(8) + 0.99 * step * momentum(a, gamma)) < 1
    assert spectral_radius(np.eye(8) + 1.01 * step * momentum(a, gamma)) > 1


@pytest.mark.parametrize("real, imaginary", [(-0.1, 1.0), (-2.0, 3.0)])
def test_conopt_corollary_12_breaks_down_for_complex_eigenvalues(real, imaginary):
    a = np.array([[real, imaginary], [-imaginary, real]])
    critical = abs(imaginary) / math.sqrt(-real)  # γ²|Re μ| = (Im μ)²
    for gamma, stable in ((0.99 * critical, False), (1.01 * critical, True)):
        largest = closed_form.momentum_eigenvalues(np.linalg.eigvals(a), gamma).real.max()
        assert (largest < 0) == stable
        np.testing.assert_allclose(largest, np.linalg.eigvals(momentum(a, gamma)).real.max(), atol=1e-12)


def rescaled_step(a, x, beta, step, epsilon, alpha):
    """ConOpt eq. 40 with v(x) = Ax."""
    v = a @ x
    return np.append(x + step / np.sqrt(beta + epsilon) * v, (1 - alpha) * beta + alpha * v @ v)


def complex_step_jacobian(function, at):
    """Exact to rounding."""
    columns = [function(at + 1e-30j * unit).imag / 1e-30 for unit in np.eye(len(at))]
    return np.stack(columns, axis=1)


def test_conopt_proposition_13():
    a = random_negative(np.random.default_rng(12), 3)
    step, epsilon, alpha = 0.05, 0.3, 0.1
    function = lambda w: rescaled_step(a, w[:3], w[3], step, epsilon, alpha)
    found = closed_form.rescaled_jacobian(a, step, epsilon, alpha)
    np.testing.assert_allclose(found, complex_step_jacobian(function, np.zeros(4)), atol=1e-12)
    assert_same(np.linalg.eigvals(found), np.append(1 + step / math.sqrt(epsilon) * np.linalg.eigvals(a), 1 - alpha))
    largest = math.sqrt(epsilon) * eigenvalues.largest_stable_step(np.linalg.eigvals(a))
    assert spectral_radius(closed_form.rescaled_jacobian(a, 0.99 * largest, epsilon, alpha)) < 1
    assert spectral_radius(closed_form.rescaled_jacobian(a, 1.01 * largest, epsilon, alpha)) > 1


def test_conopt_eq_41_lacks_a_factor_of_2():
    a = random_negative(np.random.default_rng(13), 3)
    x, alpha = np.array([0.3, -0.2, 0.5]), 0.1
    derivative = complex_step_jacobian(lambda w: rescaled_step(a, w[:3], w[3], 0.05, 0.3, alpha), np.append(x, 0.7))
    np.testing.assert_allclose(derivative[3, :3], 2 * alpha * (a @ x) @ a)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_conopt_proposition_14(size):
    a = random_negative(np.random.default_rng(14), 4)

    def alternate(w, step):
        w = w.copy()
        w[:size] += step * (a @ w)[:size]
        w[size:] += step * (a @ w)[size:]
        return w

    for step in (0.1, 0.01):
        expected = np.stack([alternate(unit, step) for unit in np.eye(4)], axis=1)
        np.testing.assert_allclose(closed_form.alternating_jacobian(a, size, step), expected, atol=1e-12)
    assert spectral_radius(closed_form.alternating_jacobian(a, size, 1e-3)) < 1
    # its eigenvalues come close to A's as the step shrinks
    steps = (1e-3, 1e-5)
    jacobians = [closed_form.alternating_jacobian(a, size, step) for step in steps]
    scaled = [
        np.sort_complex(np.linalg.eigvals((f - np.eye(4)) / step)) for f, step in zip(jacobians, steps, strict=True)
    ]
    errors = [np.abs(values - np.sort_complex(np.linalg.eigvals(a))).max() for values in scaled]
    assert errors[1] < errors[0] / 50


def test_conopt_proposition_14_needs_eigenvalues_with_negative_real_part():
    turning = np.array(
        [[0.0, 1.0], [-1.0, 0.0]]
    )  # alternating steps stay on the unit circle, simultaneous ones leave it
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(closed_form.alternating_jacobian(turning, 1, 0.1))), 1)
    assert spectral_radius(np.eye(2) + 0.1 * turning) > 1.004
