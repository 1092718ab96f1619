"""Runge–Kutta methods, extrapolation from the past and momentum against their polynomials, all in float64.

On a linear field ξ = J w every one of them multiplies along an eigenvector of J, eigenvalue λ, by the roots of a
polynomial in z = sλ: RULES has it, of the bilinear game (λ = ±ib) and of the isotropic Gaussian at its equilibrium.
"""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import affine
from jare_tf.theory import closed_form, spectrum, step_size
from jare_tf.theory.games import NO_BATCH, bilinear
from jare_tf.types import Players, Point
from tests.dynamics.test_rules import at, update_of, whole, xi
from tests.games import affine_game, exact_batch, small_game

STEP = 0.05
PLAIN = jare_tf.sim_gd()
HALF = jare_tf.momentum(PLAIN, -0.5)


def heun(z):
    return [1 - z + z**2 / 2]


def runge_kutta4(z):
    return [1 - z + z**2 / 2 - z**3 / 6 + z**4 / 24]


def from_the_past(z):
    return np.roots([1, 2 * z - 1, -z])


def heavy_ball(beta):
    return lambda z: np.roots([1, z - 1 - beta, beta])


# The rule at step size s, and its multipliers from z.
POLYNOMIALS = {
    "heun": (jare_tf.heun, heun),
    "runge_kutta4": (jare_tf.runge_kutta4, runge_kutta4),
    "extrapolation_from_the_past": (jare_tf.extrapolation_from_the_past, from_the_past),
    "negative momentum": (lambda step: jare_tf.momentum(PLAIN, -0.5), heavy_ball(-0.5)),
    "momentum": (lambda step: jare_tf.momentum(PLAIN, 0.9), heavy_ball(0.9)),
}


def gaussian():
    """The game of JARE section 7, its equilibrium and a batch without noise."""
    mean, sigma = [0.0, 4.0], 0.2
    rest = Point(Players(*(tuple(map(tf.constant, part)) for part in affine.equilibrium(mean=mean))), Players((), ()))
    return (
        affine_game(mean),
        rest,
        exact_batch(mean, sigma),
        -closed_form.SimpleGame(sigma=sigma, mean=(0.0, 4.0)).sim_gd(),
    )


def rotation():
    return bilinear, bilinear.point(), NO_BATCH, np.array([1j, -1j])


@pytest.mark.parametrize("made", [gaussian, rotation])
@pytest.mark.parametrize("name", POLYNOMIALS)
def test_rate(float64, name, made):
    """The predicted rate is that of the polynomial's largest root, and the observed one is the predicted one."""
    make, polynomial = POLYNOMIALS[name]
    game, rest, batch, curvatures = made()
    linear = spectrum.linearize(game, make(STEP), rest, batch)
    expected = max(abs(root) for value in curvatures for root in polynomial(STEP * value))
    optimizer = keras.optimizers.SGD()
    assert step_size.rate(linear, optimizer, STEP) == pytest.approx(expected, rel=1e-9)
    observed = step_size.observed_rate(
        game, make(STEP), rest, batch, lambda: keras.optimizers.SGD(STEP), steps=200, displacement=1e-5
    )
    assert observed == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(
    ("make", "stable", "unstable"),
    [
        (jare_tf.heun, None, 0.05),  # |μ|² = 1 + s⁴/4
        (jare_tf.runge_kutta4, 2 * 2**0.5 - 0.01, 2 * 2**0.5 + 0.01),
        (jare_tf.extrapolation_from_the_past, 3**-0.5 - 0.01, 3**-0.5 + 0.01),
        (lambda step: HALF, None, 0.05),
        (lambda step: jare_tf.momentum(PLAIN, 0.5), None, 0.05),
    ],
    ids=["heun", "runge_kutta4", "extrapolation_from_the_past", "negative momentum", "momentum"],
)
def test_where_the_bilinear_game_is_stable(float64, make, stable, unstable):
    assert bilinear.rate(make(unstable), unstable) > 1
    assert stable is None or bilinear.rate(make(stable), stable) < 1


@pytest.mark.parametrize(("beta", "step"), itertools.product([-0.5, 0.3], [0.1, 0.5, 0.9]))
def test_negative_momentum_is_for_alternating_moves(float64, beta, step):
    """(μ − 1)² (μ − β)² + s² μ³ = 0 on the bilinear game: inside the unit circle for β = −½, outside for β = 0.3."""
    squares = np.polymul(np.poly([1, 1]), np.poly([beta, beta]))
    expected = np.abs(np.roots(np.polyadd(squares, [step**2, 0, 0, 0]))).max()
    found = bilinear.rate(jare_tf.momentum(PLAIN, beta), step, jare_tf.Alternating(1, 1))
    # The rate is that of a training step, in which each player moves once.
    assert found == pytest.approx(expected, rel=1e-9)
    assert (found < 1) == (beta < 0)


@pytest.mark.parametrize(("make", "order"), [(jare_tf.heun, 2), (jare_tf.runge_kutta4, 4)])
def test_order(float64, make, order):
    """From one point to one time, ẇ = −ξ(w) of a nonlinear game: half the step divides the error by 2^order."""
    game, batch = small_game(jare_tf.NonSaturating())
    start = game.point()
    ends = []
    for steps in (4, 8, 16, 256):
        rule, point = make(0.4 / steps), start
        move = tf.function(lambda point, rule=rule: update_of(rule, game, point, batch).direction)
        for _ in range(steps):
            point = point.descended(move(point), 0.4 / steps)
        ends.append(whole(point.parameters))
    errors = [np.linalg.norm(end - ends[-1]) for end in ends[:-1]]
    ratios = np.array(errors[:-1]) / errors[1:]
    np.testing.assert_allclose(np.log2(ratios), order, atol=0.25)


def test_heun_regularises_once(float64):
    """k_1 = ξ + 2 (d − ξ) and k_2 = ξ(w − s k_1), the formula in NumPy."""
    game, batch = small_game(jare_tf.NonSaturating())
    point = game.point()
    inner = jare_tf.discriminator_only(gamma=0.7)
    plain = inner.update(game, point, batch)
    first = xi(game, point, batch) + 2 * (whole(plain.direction) - xi(game, point, batch))
    second = xi(game, at(point, whole(point.parameters) - 0.2 * first), batch)
    update = jare_tf.heun(0.2, inner).update(game, point, batch)
    np.testing.assert_allclose(whole(update.direction), (first + second) / 2, rtol=1e-12)
    assert [float(one) for one in update.regularizer] == [float(one) for one in plain.regularizer]
    assert jare_tf.heun(0.2, inner).differentiates_twice and not jare_tf.heun(0.2).differentiates_twice


def test_extrapolated_points_are_those_of_optimistic(float64):
    """With u_t = w_t − s g_{t−1}: u_{t+1} = u_t − s (2 ξ(u_t) − ξ(u_{t−1})), on a nonlinear game."""
    game, batch = small_game(jare_tf.NonSaturating())
    step, start = 0.1, game.point()
    past, optimistic = jare_tf.extrapolation_from_the_past(step), jare_tf.optimistic()
    point, memory = start, past.memory(start)
    extrapolated = []
    for _ in range(4):
        extrapolated.append(whole(point.descended(memory, step).parameters))
        update = past.update(game, point, batch, memory)
        point, memory = point.descended(update.direction, step), update.memory
    # Its first step has no last gradient, where `optimistic` has 0: u_1 = u_0 − 2 s ξ(u_0).
    point, memory = start, optimistic.memory(start)
    for expected in extrapolated:
        np.testing.assert_allclose(whole(point.parameters), expected, rtol=1e-12)
        update = optimistic.update(game, point, batch, memory)
        point, memory = point.descended(update.direction, step), update.memory


def test_momentum_is_that_of_keras(float64):
    """For β ≥ 0 it is SGD's own, which has none below 0, and learning rates in float32."""
    game, batch = small_game(jare_tf.NonSaturating())
    point = game.point()
    rule = jare_tf.momentum(PLAIN, 0.6)
    memory = rule.memory(point)
    variables = [tf.Variable(one) for one in tf.nest.flatten(point.parameters)]
    optimizer = keras.optimizers.SGD(0.1, momentum=0.6)
    for _ in range(3):
        here = point._replace(parameters=tf.nest.pack_sequence_as(point.parameters, [v.value() for v in variables]))
        np.testing.assert_allclose(whole(here.parameters), whole(point.parameters), rtol=1e-6)
        optimizer.apply_gradients(
            zip(tf.nest.flatten(PLAIN.update(game, here, batch).direction), variables, strict=True)
        )
        update = rule.update(game, point, batch, memory)
        point, memory = point.descended(update.direction, 0.1), update.memory
    np.testing.assert_allclose(whole(point.parameters), np.concatenate([np.ravel(v) for v in variables]), rtol=1e-6)


@pytest.mark.parametrize("beta", [-0.9, -0.5, 0.9])
def test_the_mean_direction_of_momentum(float64, beta):
    """At one point it settles at d/(1 − β), which decides over eigenvalues of a game of any size."""
    game, batch = small_game(jare_tf.NonSaturating())
    found = whole(spectrum.mean_direction(game, jare_tf.momentum(PLAIN, beta), game.point(), batch))
    np.testing.assert_allclose(found, xi(game, game.point(), batch) / (1 - beta), rtol=0.02)


@pytest.mark.parametrize("beta", [-1.0, 1.0, float("nan")])
def test_beta(beta):
    with pytest.raises(jare_tf.InputError, match="momentum: beta must be a finite number, above -1 and below 1, not"):
        jare_tf.momentum(PLAIN, beta)
