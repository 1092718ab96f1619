"""Rules that take linear combinations or inverses of the Jacobian's blocks, against dense algebra in float64."""

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

import jare_tf
from jare_tf.dynamics.least_squares import least_squares
from jare_tf.theory import spectrum
from jare_tf.theory.games import bilinear
from jare_tf.types import Players
from tests.dynamics.test_rules import jacobian, update_of, whole, xi
from tests.games import affine_game, affine_point, exact_batch, small_game

LOSSES = pytest.mark.parametrize(
    "loss", [jare_tf.Minimax(), jare_tf.NonSaturating()], ids=["minimax", "non_saturating"]
)


def blocks(game, point, batch):
    """ξ and J by finite differences, and the discriminator's number of parameters."""
    return xi(game, point, batch), jacobian(game, point, batch), sum(map(np.size, point.parameters.discriminator))


def off_diagonal(dense, n):
    coupling = dense.copy()
    coupling[:n, :n] = coupling[n:, n:] = 0
    return coupling


def close(rule, game, point, batch, expected):
    found = whole(update_of(rule, game, point, batch).direction)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


@LOSSES
def test_competitive(float64, loss):
    game, batch = small_game(loss)
    point = game.point()
    field, dense, n = blocks(game, point, batch)
    system = np.eye(len(field)) + 0.3 * off_diagonal(dense, n)
    close(jare_tf.competitive(0.3, iterations=40), game, point, batch, np.linalg.solve(system, field))
    few = whole(update_of(jare_tf.competitive(0.3, iterations=2), game, point, batch).direction)
    assert np.linalg.norm(system @ few - field) < 0.1 * np.linalg.norm(field)


@LOSSES
def test_follow_the_ridge(float64, loss):
    game, batch = small_game(loss)
    point = game.point()
    field, dense, n = blocks(game, point, batch)
    own, mixed = dense[:n, :n], dense[:n, n:]
    answer = np.linalg.solve(own.T @ own + 0.01 * np.eye(n), own.T @ mixed @ field[n:])
    expected = np.concatenate([field[:n] - 0.5 * answer, field[n:]])
    close(jare_tf.follow_the_ridge(ratio=0.5, damping=0.01, iterations=60), game, point, batch, expected)


@LOSSES
def test_local_symplectic_surgery(float64, loss):
    game, batch = small_game(loss)
    point = game.point()
    field, dense, _ = blocks(game, point, batch)
    x = np.linalg.solve(dense.T @ dense + 0.1 * np.eye(len(field)), dense.T @ field)
    expected = (field + dense.T @ x) / 2
    close(jare_tf.local_symplectic_surgery(damping=0.1, iterations=80), game, point, batch, expected)


@LOSSES
def test_adaptive_competitive(float64, loss):
    """Two steps against dense algebra: Δw = (H⁻¹ + J_o)⁻¹ξ, each parameter with its own learning rate."""
    game, batch = small_game(loss)
    point = game.point()
    rule = jare_tf.adaptive_competitive(0.3, beta=0.9, epsilon=0.1, iterations=40)
    memory, v = rule.memory(point), 0.0
    for moves in (1, 2):
        field, dense, n = blocks(game, point, batch)
        v = 0.9 * v + 0.1 * field**2
        rates = 0.3 * np.sqrt(1 - 0.9**moves) / (np.sqrt(v) + 0.1)
        update = rule.update(game, point, batch, memory)
        expected = np.linalg.solve(np.diag(1 / rates) + off_diagonal(dense, n), field)
        np.testing.assert_allclose(whole(update.direction), expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())
        point, memory = point.descended(update.direction, 1.0), update.memory


def test_adaptive_competitive_at_rest_is_competitive(float64):
    """There v = 0: with H = s/ε and a learning rate of 1 the multipliers are those of `competitive(s/ε)`."""
    game, rest, batch, _ = gaussian()
    adaptive = jare_tf.adaptive_competitive(0.2, beta=0.0, epsilon=0.5, iterations=2)
    linear = spectrum.linearize(game, adaptive, rest, batch)
    found = linear.moves[0, : linear.parameters, : linear.parameters]
    plain = spectrum.linearize(game, jare_tf.competitive(0.4, 2), rest, batch)
    np.testing.assert_allclose(found, 0.4 * plain.moves[0], atol=1e-9)


@LOSSES
def test_drift_cancellation(float64, loss):
    game, batch = small_game(loss)
    point = game.point()
    field, dense, n = blocks(game, point, batch)
    rates = np.where(np.arange(len(field)) < n, 0.3, 0.7)
    expected = field - off_diagonal(dense, n) @ (rates * field) / 2
    close(jare_tf.drift_cancellation(0.3, 0.7), game, point, batch, expected)


def test_drift_cancellation_at_equal_rates(float64):
    """`lola` of half the learning rate without shaping, in a zero-sum game `jare` too."""
    of = lambda rule, game, batch: whole(update_of(rule, game, game.point(), batch).direction)
    for loss, same in (
        (jare_tf.NonSaturating(), jare_tf.lola(0.15, shaping=0.0)),
        (jare_tf.Minimax(), jare_tf.jare(gamma=0.15)),
    ):
        game, batch = small_game(loss)
        np.testing.assert_allclose(
            of(jare_tf.drift_cancellation(0.3, 0.3), game, batch), of(same, game, batch), rtol=1e-12
        )


def test_drift_cancellation_leaves_the_players_own_drift(float64):
    """log(1 − HK) = −HJ − ½ H diag(A, E) HJ + O(η³) with unequal rates; what their code does is good to O(η²)."""
    game, rest, batch, _ = gaussian()
    dense = spectrum.linearize(game, jare_tf.sim_gd(), rest, batch).moves[0]
    n = len(dense) // 2
    own = dense - off_diagonal(dense, n)

    def error(eta, swapped=False):
        steps = (eta, 2 * eta)
        rates = np.diag(np.repeat(steps, n))
        rule = jare_tf.drift_cancellation(*(reversed(steps) if swapped else steps))
        step = np.eye(2 * n) - rates @ spectrum.linearize(game, rule, rest, batch).moves[0]
        flow = -rates @ dense - rates @ own @ rates @ dense / 2
        return np.linalg.norm(scipy.linalg.logm(step) - flow)

    assert error(0.02) / error(0.01) == pytest.approx(8, rel=0.1)
    assert error(0.02, swapped=True) / error(0.01, swapped=True) == pytest.approx(4, rel=0.1)


def curvatures(rule, game, point, batch):
    found = spectrum.linearize(game, rule, point, batch).curvatures
    return np.array(sorted(found, key=lambda value: (round(value.real, 9), value.imag)))


def gaussian():
    """The isotropic Gaussian, whose blocks have a = ½σ² and ½(σ² + ‖v‖²), b = ½."""
    mean, sigma = [0.0, 2.0], 0.8
    own = [sigma**2 / 2, (sigma**2 + 4) / 2]
    return affine_game(mean), affine_point([0.0, 0.0], mean), exact_batch(mean, sigma), own


def test_competitive_at_rest(float64):
    """On the blocks it is JARE(s) divided by 1 + s²b²; on the bilinear game μ = 1/(1 + sλ)."""
    game, rest, batch, _ = gaussian()
    found = curvatures(jare_tf.competitive(0.4, 2), game, rest, batch)
    np.testing.assert_allclose(found, curvatures(jare_tf.jare(gamma=0.4), game, rest, batch) / 1.04, atol=1e-9)
    for step in (0.1, 30.0):
        assert bilinear.rate(jare_tf.competitive(step, 1), step) == pytest.approx((1 + step**2) ** -0.5)


def test_follow_the_ridge_at_rest(float64):
    """a and b²/a: real, whatever the ratio of the learning rates."""
    game, rest, batch, own = gaussian()
    found = curvatures(jare_tf.follow_the_ridge(iterations=2), game, rest, batch)
    np.testing.assert_allclose(found, sorted([*own, *(0.25 / one for one in own)]), atol=1e-9)


def test_local_symplectic_surgery_at_rest(float64):
    """The symmetric part: a for the discriminator, 0 for the generator."""
    game, rest, batch, own = gaussian()
    found = curvatures(jare_tf.local_symplectic_surgery(damping=0.0, iterations=8), game, rest, batch)
    np.testing.assert_allclose(found, [0, 0, *own], atol=1e-6)


def test_zero_sum_games_are_jare_to_first_order(float64):
    game, batch = small_game(jare_tf.Minimax())
    point = game.point()
    errors = []
    for step in (1e-2, 5e-3):
        exact = whole(update_of(jare_tf.competitive(step, 20), game, point, batch).direction)
        errors.append(np.linalg.norm(exact - whole(update_of(jare_tf.jare(gamma=step), game, point, batch).direction)))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("right", [[0.0, 0.0, 0.0], [1.0, -2.0, 0.5]])
def test_derivatives_of_a_solution(float64, right):
    """∂x/∂b = M⁻¹Kᵀ and ∂x/∂K by finite differences, at b = 0 too."""
    start = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 4.0]])
    matrix, right = tf.constant(start), tf.constant(right, tf.float64)

    def solution(matrix, right):
        product = lambda u, m: Players((tf.linalg.matvec(m, u.discriminator[0]),), ())
        back = lambda u: product(u, tf.transpose(matrix))
        return least_squares(lambda u: product(u, matrix), back, Players((right,), ()), 3, 0.1).discriminator[0]

    def dense(matrix):
        return np.linalg.solve(matrix.T @ matrix + 0.1 * np.eye(3), matrix.T @ right.numpy())

    with tf.GradientTape(persistent=True) as tape:
        tape.watch([matrix, right])
        x = solution(matrix, right)
    np.testing.assert_allclose(x, dense(start), atol=1e-12)
    of_right = np.linalg.solve(start.T @ start + 0.1 * np.eye(3), start.T)
    np.testing.assert_allclose(tape.jacobian(x, right), of_right, atol=1e-12)
    towards = np.random.default_rng(0).normal(size=(3, 3))
    expected = (dense(start + 1e-6 * towards) - dense(start - 1e-6 * towards)) / 2e-6
    np.testing.assert_allclose(np.sum(tape.jacobian(x, matrix) * towards, axis=(1, 2)), expected, atol=1e-8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jare_tf.competitive(-1.0), "competitive: step must be a finite number, at least 0, not -1.0"),
        (lambda: jare_tf.competitive(1.0, 0), "competitive: iterations must be an integer of at least 1"),
        (lambda: jare_tf.follow_the_ridge(ratio=0.0), "follow_the_ridge: ratio must be a finite number, above 0, not"),
        (lambda: jare_tf.adaptive_competitive(0.0), "adaptive_competitive: step must be a finite number, above 0, not"),
        (lambda: jare_tf.drift_cancellation(0.1, -1.0), "generator_step must be a finite number, at least 0, not -1.0"),
        (lambda: jare_tf.local_symplectic_surgery(-0.1), "damping must be a finite number, at least 0, not -0.1"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(jare_tf.InputError, match=message):
        make()
