"""Competitive gradient descent, Follow-the-Ridge and local symplectic surgery against dense algebra, in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.dynamics.least_squares import least_squares
from jare_tf.theory import spectrum, step_size
from jare_tf.types import Players
from tests.dynamics.test_rules import jacobian, update_of, whole, xi
from tests.games import affine_game, affine_point, bilinear_game, exact_batch, small_game

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
    game, batch = bilinear_game()
    for step in (0.1, 30.0):
        linear = spectrum.linearize(game, jare_tf.competitive(step, 1), affine_point([0.0], [1.0]), batch)
        assert step_size.rate(linear, keras.optimizers.SGD(), step) == pytest.approx((1 + step**2) ** -0.5)


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


def test_least_squares_of_nothing_is_nothing(float64):
    """b = 0 gives 0, but for the 1e-16 that are added, and the derivative is K⁻¹."""
    matrix = tf.constant([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 4.0]], tf.float64)
    product = lambda u, m=matrix: Players((tf.linalg.matvec(m, u.discriminator[0]),), ())
    back = lambda u: product(u, tf.transpose(matrix))
    right = tf.zeros([3], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(right)
        (x,) = least_squares(product, back, Players((right,), ()), 3).discriminator
    np.testing.assert_allclose(x, 0, atol=1e-15)
    np.testing.assert_allclose(tape.jacobian(x, right), np.linalg.inv(matrix), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jare_tf.competitive(-1.0), "competitive: step must be a finite number, at least 0, not -1.0"),
        (lambda: jare_tf.competitive(1.0, 0), "competitive: iterations must be an integer of at least 1"),
        (lambda: jare_tf.follow_the_ridge(ratio=0.0), "follow_the_ridge: ratio must be a finite number, above 0, not"),
        (lambda: jare_tf.local_symplectic_surgery(-0.1), "damping must be a finite number, at least 0, not -0.1"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(jare_tf.InputError, match=message):
        make()
