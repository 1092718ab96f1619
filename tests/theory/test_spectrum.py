"""The Jacobian of the implemented step, by automatic differentiation, against the papers' statements."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.losses import objectives
from jare_tf.game.networks import affine, linear_quadratic
from jare_tf.theory import closed_form, eigenvalues, spectrum
from jare_tf.theory.closed_form import SimpleGame
from jare_tf.theory.games import NO_BATCH, bilinear
from jare_tf.types import Batch, Players, Point
from tests.conftest import PRESETS, RULES, flat
from tests.games import affine_game, affine_point, exact_batch, moved, small_game

GAMES = pytest.mark.parametrize(
    ("sigma", "mean", "gamma"),
    [(0.2, (0.0, 4.0), 10.0), (1.0, (0.0, 2.0), 0.5), (0.5, (1.0, -2.0, 0.5), 3.0), (0.7, (3.3,), 2.5)],
)


class ReverseKL:
    """g1(t) = −e^−t, g2(t) = 1 − t (JARE below eq. 1): g1'(0) = −g2'(0) = 1, g1''(0) + g2''(0) = −1."""

    def __call__(self, real, fake):
        objective = tf.reduce_mean(-tf.exp(-real)) + tf.reduce_mean(1 - fake)
        return Players(discriminator=-objective, generator=objective)


class Toy:
    """A game given by its objective f(φ, θ), each player one number, ℓ_D = −f and ℓ_G = f."""

    def __init__(self, objective):
        self._objective = objective

    def losses(self, point, batch):
        (theta,), (phi,) = point.parameters
        value = tf.reduce_sum(self._objective(theta, phi))
        return Players(discriminator=-value, generator=value), Players((), ())


def sorted_values(values):
    return np.array(sorted(np.asarray(values, complex), key=lambda value: (round(value.real, 8), value.imag)))


def at_rest(mean):
    return affine_point(np.zeros(len(mean)), mean)


@GAMES
@pytest.mark.parametrize(
    ("loss", "constants"),
    [(jare_tf.Minimax(), {}), (ReverseKL(), {"slope": 1.0, "curvature": -1.0})],
    ids=["gan", "rkl"],
)
def test_jare_lemma_2(float64, sigma, mean, gamma, loss, constants):
    """J = [[c S, b I], [−b I, 0]], S = σ²I + vvᵀ, for any g1 and g2 that satisfy Assumption 2."""
    measured = spectrum.linearize(affine_game(mean, loss), jare_tf.sim_gd(), at_rest(mean), exact_batch(mean, sigma))
    game = SimpleGame(sigma=sigma, mean=mean, **constants)
    covariance, identity = sigma**2 * np.eye(len(mean)) + np.outer(mean, mean), np.eye(len(mean))
    expected = np.block(
        [[-game.curvature * covariance, game.slope * identity], [-game.slope * identity, np.zeros_like(identity)]]
    )
    np.testing.assert_allclose(measured.moves[0], expected, atol=1e-12)


@GAMES
@pytest.mark.parametrize(
    ("name", "loss", "constants"),
    [
        *((name, jare_tf.Minimax(), {}) for name in PRESETS),
        ("jare", jare_tf.NonSaturating(), {}),  # it has the Jacobian of Minimax at the equilibrium
        ("jare", ReverseKL(), {"slope": 1.0, "curvature": -1.0}),
        ("con_opt", ReverseKL(), {"slope": 1.0, "curvature": -1.0}),
    ],
)
def test_jare_theorems_1_and_3_and_equations_25_and_27(float64, name, loss, constants, sigma, mean, gamma):
    point, batch = at_rest(mean), exact_batch(mean, sigma)
    measured = spectrum.linearize(affine_game(mean, loss), PRESETS[name](gamma), point, batch).eigenvalues(0.001)
    method = getattr(SimpleGame(sigma=sigma, mean=mean, **constants), name)
    expected = method() if name == "sim_gd" else method(gamma)
    np.testing.assert_allclose(sorted_values(measured), sorted_values(expected), rtol=1e-6, atol=1e-9)


def test_jare_d_2(float64):
    """The Jacobian that D.2 displays has −γ/2 where −γ/4 is right; in our order the lower right block."""
    sigma, mean, gamma = 0.5, (0.0, 3.0), 2.0
    measured = spectrum.linearize(
        affine_game(mean), jare_tf.jare(gamma=gamma), at_rest(mean), exact_batch(mean, sigma)
    ).moves[0]
    covariance, identity = sigma**2 * np.eye(2) + np.outer(mean, mean), np.eye(2)
    expected = -np.block(
        [
            [-gamma / 4 * identity - covariance / 2, -identity / 2],
            [identity / 2 - gamma / 4 * covariance, -gamma / 4 * identity],
        ]
    )
    np.testing.assert_allclose(measured, expected, atol=1e-12)


@pytest.mark.parametrize("v", [-0.5, 0.0, 1.3, 2.0])
@pytest.mark.parametrize(
    ("representation", "expected"),
    [
        (lambda x: x, lambda v: SimpleGame(sigma=0.0, mean=(v,)).sim_gd()),
        (tf.exp, closed_form.exponential_discriminator),
    ],
    ids=["equation_19", "equation_20"],
)
def test_jare_appendix_b(float64, representation, expected, v):
    """f = g1(θ r(v)) + g2(θ r(φ)) at (θ, φ) = (0, v); the denominators are 4 in both (App. B prints 2 for v = 5)."""
    real = tf.constant(v, tf.float64)

    def objective(theta, phi):
        return -tf.nn.softplus(-theta * representation(real)) - tf.nn.softplus(theta * representation(phi))

    point = Point(Players((tf.zeros([1], tf.float64),), (real[None],)), Players((), ()))
    measured = spectrum.linearize(Toy(objective), jare_tf.sim_gd(), point, None).eigenvalues(1.0)
    np.testing.assert_allclose(sorted_values(measured), sorted_values(expected(v)), rtol=1e-7, atol=1e-10)


def test_jare_lemma_1_and_gradreg_proposition_3_1(float64):
    """The linear GAN is concave in both players wherever θ ≠ 0: the generator minimises a concave function."""
    rng = np.random.default_rng(0)
    mean = (1.0, -0.5)
    for _ in range(10):
        point = affine_point(rng.normal(size=2), rng.normal(size=2))
        hessian = spectrum.linearize(affine_game(mean), jare_tf.sim_gd(), point, exact_batch(mean, 0.7)).moves[0]
        assert np.linalg.eigvalsh(hessian[:2, :2]).min() > 0  # of ℓ_D = −f in θ
        assert np.linalg.eigvalsh(hessian[2:, 2:]).max() < 1e-12  # of ℓ_G = f in φ
        assert np.linalg.eigvalsh(hessian[2:, 2:]).min() < -1e-4


@pytest.mark.parametrize("gamma", [0.0, 0.5, 3.0])
@pytest.mark.parametrize(
    ("loss", "slope", "curvature"),
    [(jare_tf.Minimax(), 0.5, -0.25), (jare_tf.Minimax(objectives.wasserstein()), 1.0, 0.0)],
    ids=["gan", "wgan"],
)
def test_gradreg_theorems_3_1_and_3_2_on_its_example(float64, gamma, loss, slope, curvature):
    """D(x) = w x², G(z) = a z, both uniform on [−1, 1]: K_DD = E x⁴ = 1/5, K_DG = d/da E (az)² = 2/3 at a = 1."""
    nodes, weights = np.polynomial.legendre.leggauss(5)
    x = np.repeat(nodes, np.rint(weights * 5e4).astype(int))[:, None]
    game = jare_tf.TwoPlayerGame(linear_quadratic.generator(), linear_quadratic.discriminator(), loss)
    point = game.point()._replace(
        parameters=Players(*((tf.constant(part[0]),) for part in linear_quadratic.equilibrium()))
    )
    measured = -spectrum.linearize(
        game, jare_tf.generator_only(gamma=gamma), point, Batch(tf.constant(x), tf.constant(x))
    ).moves[0]
    k_dd, k_dg = np.array([[1 / 5]]), np.array([[2 / 3]])
    expected = closed_form.gradreg_jacobian(k_dd, k_dg, slope, curvature, gamma)
    np.testing.assert_allclose(measured, expected, rtol=2e-4, atol=1e-12)
    if curvature and not gamma:
        bounds = closed_form.gradreg_bounds(k_dd, k_dg, slope, curvature)
    elif gamma and not curvature:
        bounds = closed_form.gradreg_wgan_bounds(k_dg, slope, gamma)
    else:
        return
    for value in np.linalg.eigvals(measured):
        assert value.real <= bounds[int(abs(value.imag) > 0)] + 1e-4


@pytest.mark.parametrize("first", ["discriminator", "generator"])
def test_conopt_proposition_14(float64, first):
    """The alternating step is (I + hA_φ)(I + hA_θ), and for small h it converges as the simultaneous one does.

    In Alg. 3 the generator moves first: (I + hA_θ)(I + hA_φ), with the same eigenvalues.
    """
    sigma, mean, step = 0.8, (0.0, 1.5), 0.3
    measured = spectrum.linearize(
        affine_game(mean),
        jare_tf.sim_gd(),
        at_rest(mean),
        exact_batch(mean, sigma),
        schedule=jare_tf.Alternating(first=first),
    )
    both = spectrum.linearize(affine_game(mean), jare_tf.sim_gd(), at_rest(mean), exact_batch(mean, sigma))
    expected = closed_form.alternating_jacobian(-both.moves[0], 2, step, first)
    other = closed_form.alternating_jacobian(-both.moves[0], 2, step)
    np.testing.assert_allclose(sorted_values(np.linalg.eigvals(expected)), sorted_values(np.linalg.eigvals(other)))
    assert np.allclose(expected, other) == (first == "discriminator")
    np.testing.assert_allclose(measured.period_matrix(np.ones([1, 1]), np.array([step])), expected, atol=1e-12)
    np.testing.assert_allclose(
        1 + step * sorted_values(measured.eigenvalues(step)), sorted_values(np.linalg.eigvals(expected))
    )
    tiny = sorted_values(measured.eigenvalues(1e-6))
    np.testing.assert_allclose(tiny, sorted_values(both.eigenvalues(1e-6)), atol=1e-5)


def test_conopt_corollaries_5_and_8(float64):
    """With Re λ < 0 some step converges; where Re λ = 0 none does, but consensus optimization has one."""
    mean = (0.0, 1.5)
    strict = spectrum.linearize(affine_game(mean), jare_tf.sim_gd(), at_rest(mean), exact_batch(mean, 0.8)).eigenvalues(
        1.0
    )
    assert strict.real.max() < 0
    assert eigenvalues.largest_stable_step(strict) > 0.1
    for rule, least, most in [(jare_tf.sim_gd(), 0.0, 0.0), (jare_tf.con_opt(gamma=0.5), 0.5, 1.0)]:
        values = spectrum.linearize(bilinear, rule, bilinear.point(), NO_BATCH).eigenvalues(1.0)
        # λ = ±i − γ: the largest step is 2γ/(1 + γ²) = 0.8.
        assert least <= eigenvalues.largest_stable_step(values) <= most


def converged(rule, iterations):
    """With so many iterations of conjugate gradients where it has some: short of the solution it is not smooth."""
    return dataclasses.replace(rule, iterations=iterations) if hasattr(rule, "iterations") else rule


@pytest.mark.parametrize("schedule", [jare_tf.Simultaneous(), jare_tf.Alternating(2, 1)], ids=["together", "in_turn"])
def test_period_equals_finite_differences_of_the_steps(float64, any_rule, schedule):
    """The product of linearised moves is the derivative of the moves that a run makes, slots of momentum included."""
    rule, eta, momentum = converged(any_rule[1](0.4), 4), 0.2, 0.5
    mean = (0.0, 1.5)
    game, point, batch = affine_game(mean), at_rest(mean), exact_batch(mean, 0.6)
    batch = Batch(*(tf.repeat(part, 2, axis=0) for part in batch))
    transition = np.array([[1, momentum], [0, momentum]])
    linear = spectrum.linearize(game, rule, point, batch, schedule=schedule)
    matrix = linear.period_matrix(transition, eta * np.ones(2))

    step = tf.function(lambda here, memory: rule.update(game, here, batch, memory))

    def after_one_period(here):
        memory, velocity = rule.memory(here), [0 * flat(part) for part in here.parameters]
        for movers in schedule.moves * rule.period:
            update = step(here, memory)
            parameters = list(here.parameters)
            for player in np.flatnonzero(movers):
                velocity[player] = momentum * velocity[player] - eta * flat(update.direction[player])
                (old,) = parameters[player]
                parameters[player] = (old + tf.reshape(tf.constant(velocity[player]), old.shape),)
                memory = memory._replace(**{Players._fields[player]: update.memory[player]})
            here = here._replace(parameters=Players(*parameters))
        return np.concatenate([flat(part) for part in here.parameters])

    columns = []
    for player in Players._fields:
        for index in range(2):
            plus, minus = (after_one_period(moved(point, player, index, h)) for h in (1e-5, -1e-5))
            columns.append((plus - minus) / 2e-5)
    np.testing.assert_allclose(matrix[:4, :4], np.stack(columns, axis=1), atol=1e-7)


@pytest.mark.parametrize("name", [name for name, make in RULES.items() if not hasattr(make(0.3), "iterations")])
def test_linearization_away_from_an_equilibrium(float64, name):
    """The Jacobian of the direction itself, with all its third derivatives, on a network.

    Conjugate gradients, which take too long to trace here, have a test of their derivative of their own."""
    game, batch = small_game(jare_tf.NonSaturating())
    point, rule = game.point(), RULES[name](0.3)
    linear = spectrum.linearize(game, rule, point, batch)
    step = tf.function(lambda here, memory: rule.update(game, here, batch, memory))
    memory = rule.memory(point)
    for _ in range(rule.period):
        memory = step(point, memory).memory
    rng = np.random.default_rng(1)
    towards = rng.normal(size=linear.parameters)

    def direction(h):
        here, offset = point, 0
        for player in Players._fields:
            for index in range(flat(getattr(point.parameters, player)).size):
                here = moved(here, player, index, h * towards[offset])
                offset += 1
        return np.concatenate([flat(part) for part in step(here, memory).direction])

    expected = (direction(1e-6) - direction(-1e-6)) / 2e-6
    n = linear.parameters
    np.testing.assert_allclose(linear.moves[0][:n, :n] @ towards, expected, rtol=1e-5, atol=1e-6)


def test_lazy_is_the_product_of_its_step_matrices(float64):
    """(I + ηA_0)^(k−1) (I + ηA_k) with A_k JARE's Jacobian at γ·k."""
    mean, sigma, gamma, eta, every = (0.0, 4.0), 0.2, 3.0, 0.05, 4
    linear = spectrum.linearize(
        affine_game(mean), jare_tf.lazy(jare_tf.jare(gamma=gamma), every), at_rest(mean), exact_batch(mean, sigma)
    )
    plain, strong = (
        np.eye(4)
        - eta
        * spectrum.linearize(affine_game(mean), jare_tf.jare(gamma=g), at_rest(mean), exact_batch(mean, sigma)).moves[0]
        for g in (0.0, gamma * every)
    )
    expected = np.linalg.matrix_power(plain, every - 1) @ strong
    matrix = linear.period_matrix(np.ones([1, 1]), np.array([eta]))
    np.testing.assert_allclose(matrix[:4, :4], expected, atol=1e-10)  # beyond is what metrics remember


@pytest.mark.parametrize(("every", "eta"), [(2, 0.075), (8, 0.05), (16, 0.045)])
def test_lazy_close_to_its_largest_step_has_a_spectrum_closed_under_conjugation(float64, every, eta):
    """The strong move overshoots there: some multipliers of a period are negative, which is no rotation."""
    rule = jare_tf.lazy(jare_tf.jare(gamma=10.0), every)
    linear = spectrum.linearize(affine_game((0.0, 4.0)), rule, at_rest((0.0, 4.0)), exact_batch((0.0, 4.0), 0.2))
    multipliers = np.linalg.eigvals(linear.period_matrix(np.ones([1, 1]), np.array([eta])))
    assert multipliers.real.min() < 0
    values = linear.eigenvalues(eta)
    np.testing.assert_allclose(sorted_values(values), sorted_values(np.conj(values)), atol=1e-9)
    largest = np.abs(1 + eta * values).max()
    np.testing.assert_allclose(largest, np.abs(multipliers).max() ** (1 / every), rtol=1e-12)


def test_directions_along_which_nothing_moves_are_zero_under_every_schedule(float64):
    """The discriminator's bias has no effect on a Wasserstein loss, and nothing pulls on it."""
    generator = affine.generator(mean=[1.0])
    discriminator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    game = jare_tf.TwoPlayerGame(generator, discriminator, jare_tf.Minimax(objectives.wasserstein()))
    batch = Batch(tf.ones([2, 1], tf.float64), tf.zeros([2, 1], tf.float64))
    for schedule in (jare_tf.Simultaneous(), jare_tf.Alternating(2, 1)):
        linear = spectrum.linearize(game, jare_tf.jare(gamma=1.0), game.point(), batch, schedule=schedule)
        values = linear.eigenvalues(1e-4)
        assert len(eigenvalues.nonzero(values)) == 2
        assert eigenvalues.conditioning(values) < 10


def test_symplectic_adjustment_has_the_spectrum_of_jare(float64):
    """At the equilibrium of a zero-sum game whose generator has no curvature of its own."""
    mean, batch = (0.0, 4.0), exact_batch((0.0, 4.0), 0.2)
    values = [
        sorted_values(spectrum.linearize(affine_game(mean), rule, at_rest(mean), batch).eigenvalues(1.0))
        for rule in (
            jare_tf.symplectic_gradient_adjustment(3.0),
            jare_tf.jare(gamma=3.0),
            jare_tf.adversarial_extrapolation(6.0),
        )
    ]
    np.testing.assert_allclose(values[0], values[1], atol=1e-9)
    np.testing.assert_allclose(values[2], values[1], atol=1e-9)


@pytest.mark.parametrize("name", ["sim_gd", "jare", "lazy", "optimistic"])
def test_extremal_eigenvalues_are_those_of_the_whole_spectrum(float64, name):
    game, batch = small_game(jare_tf.NonSaturating())
    point, rule = game.point(), RULES[name](1.0)
    found = spectrum.extremal_eigenvalues(game, rule, point, batch, count=3, tolerance=1e-6)
    inner = jare_tf.jare(gamma=1.0) if name == "lazy" else jare_tf.sim_gd() if name == "optimistic" else rule
    values = spectrum.linearize(game, inner, point, batch).eigenvalues(1.0)
    for one in found:
        assert np.abs(values - one).min() < 1e-4 * np.abs(values).max()
    for extreme in (np.argmax(np.abs(values)), np.argmax(values.real), np.argmax(values.imag)):
        assert np.abs(found - values[extreme]).min() < 1e-4 * np.abs(values).max()
    assert eigenvalues.conditioning(found) <= eigenvalues.conditioning(values)
    if np.abs(values.imag).max() > 1e-6:
        assert 0 < eigenvalues.phase_factor(found) <= eigenvalues.phase_factor(values) * (1 + 1e-3)


def test_zero_eigenvalues_are_left_out():
    values = np.array([-1 + 2j, -1 - 2j, -0.5, 1e-15, 0])
    assert eigenvalues.phase_factor(values) == pytest.approx(2)
    assert eigenvalues.conditioning(values) == pytest.approx(5**0.5 / 0.5)
    assert eigenvalues.largest_stable_step(values) == pytest.approx(2 / 5)
    assert eigenvalues.rate(values, 0.1) == pytest.approx(0.95)
    assert eigenvalues.phase_factor([1j, -1j]) == np.inf
    assert eigenvalues.largest_stable_step([1j, -1j]) == 0.0
    assert eigenvalues.iterations(0.5, 1 / 8) == pytest.approx(3)
    assert eigenvalues.iterations(1.0, 0.1) == np.inf
