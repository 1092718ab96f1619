"""Looking ahead: ExtraAdam's schedule, Lookahead, and Optimistic Adam, by NumPy trajectories and polynomials."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import mlp
from jare_tf.theory import spectrum, step_size
from jare_tf.theory.games import NO_BATCH, bilinear
from tests.dynamics.test_rules import at, whole
from tests.games import affine_game, affine_point, exact_batch

PLAIN = jare_tf.sim_gd()
SGD = keras.optimizers.SGD()


def bilinear_rate(schedule, step, rule=PLAIN, optimizer=SGD):
    """ρ on the bilinear game, whose Jacobian has the eigenvalues ±i."""
    linear = spectrum.linearize(bilinear, rule, bilinear.point(), NO_BATCH, schedule=schedule)
    return step_size.rate(linear, optimizer, step)


def test_extrapolating_is_the_extragradient_method(float64):
    for step in (0.1, 0.5, 0.9, 1.1):
        expected = bilinear_rate(jare_tf.Simultaneous(), step, jare_tf.extragradient(step))
        assert expected == pytest.approx((1 - step**2 + step**4) ** 0.5)
        assert bilinear_rate(jare_tf.Extrapolating(), step) == pytest.approx(expected)


@pytest.mark.parametrize(("period", "factor"), [(2, 0.4), (5, 0.5), (5, 0.9), (7, 1.0)])
@pytest.mark.parametrize("step", [0.05, 0.5])
def test_lookahead_polynomial(float64, period, factor, step):
    """1 − α + α (1 − ηλ)ᵏ every k steps."""
    expected = abs(1 - factor + factor * (1 - 1j * step) ** period) ** (1 / period)
    assert bilinear_rate(jare_tf.Lookahead(period, factor), step) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("period", [2, 5, 10])
def test_where_lookahead_is_stable(float64, period):
    """For small steps exactly if α < 1 − 1/k; with k = 5, α = ½ up to ηb = 0.7428."""
    edge = 1 - 1 / period
    assert bilinear_rate(jare_tf.Lookahead(period, edge - 0.02), 0.01) < 1
    assert bilinear_rate(jare_tf.Lookahead(period, edge + 0.02), 0.01) > 1
    assert bilinear_rate(jare_tf.Lookahead(5, 0.5), 0.742) < 1 < bilinear_rate(jare_tf.Lookahead(5, 0.5), 0.744)


def test_nested_lookahead_and_a_rule_with_a_period(float64):
    """The nested polynomial; of a lazy rule whose period is no divisor of Lookahead's, the product over both."""
    step, inner, outer = 0.3, 3, 6
    of_three = 0.5 + 0.5 * (1 - 1j * step) ** inner
    nested = jare_tf.Lookahead(outer, 0.25, jare_tf.Lookahead(inner, 0.5))
    expected = abs(0.75 + 0.25 * of_three**2) ** (1 / outer)
    assert bilinear_rate(nested, step) == pytest.approx(expected, rel=1e-9)
    plain, strong = 1 - 1j * step, 1 - step * (1j + 2 * 0.5)  # of lazy(jare(½), 2), λ = ±i: γ is doubled
    moves = itertools.cycle([strong, plain])
    total = 1.0
    for _ in range(2):
        total *= 0.5 + 0.5 * np.prod([next(moves) for _ in range(3)])
    found = bilinear_rate(jare_tf.Lookahead(3, 0.5), step, jare_tf.lazy(jare_tf.jare(0.5), 2))
    assert found == pytest.approx(abs(total) ** (1 / 6), rel=1e-9)


def gan(schedule, optimizer, rule=PLAIN):
    made = jare_tf.GAN(
        mlp.generator(latent_dim=3, width=4, depth=1),
        mlp.discriminator(width=4, depth=1),
        rule=rule,
        loss=jare_tf.NonSaturating(),
        latent_dim=3,
        schedule=schedule,
    )
    made.compile(optimizer(), optimizer())
    return made


REAL = tf.constant(np.random.default_rng(0).normal(size=(6, 2)))


class Adam:
    """Adam in NumPy, as Keras has it; `direction` without the learning rate."""

    def __init__(self, beta_1=0.5, beta_2=0.9, epsilon=1e-3):
        self.betas, self.epsilon, self.m, self.v, self.t = (beta_1, beta_2), epsilon, 0.0, 0.0, 0

    def direction(self, gradient):
        beta_1, beta_2 = self.betas
        self.t += 1
        self.m = beta_1 * self.m + (1 - beta_1) * gradient
        self.v = beta_2 * self.v + (1 - beta_2) * gradient**2
        unbiased = (1 - beta_2**self.t) ** 0.5 / (1 - beta_1**self.t)
        return unbiased * self.m / (self.v**0.5 + self.epsilon)


def keras_adam():
    return keras.optimizers.Adam(0.01, beta_1=0.5, beta_2=0.9, epsilon=1e-3)


def optimistic_adam():
    return jare_tf.OptimisticAdam(0.01, beta_1=0.5, beta_2=0.9, epsilon=1e-3)


def trajectory(made, steps, step):
    """Runs a GAN beside `step(w, field, number)` in NumPy, `field(w, move)` the rule's direction; compares weights."""
    w = whole(made.game.point().parameters)
    start, moves = made.game.point(), len(made.schedule.moves)
    run = tf.function(made.update)

    def field(w, move):
        return whole(made.rule.update(made.game, at(start, w), made.batch(REAL, move)).direction)

    for number in range(steps):
        w = step(w, lambda w, index, number=number: field(w, number * moves + index), number)
        run([REAL] * moves)
        np.testing.assert_allclose(whole(made.game.point().parameters), w, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("rule", [PLAIN, jare_tf.jare(0.5)], ids=str)
def test_extra_adam(float64, rule):
    """w½ = w − u_t(d(w)), w' = w − u_{t+1}(d(w½)), a batch for each, the moments advanced by both."""
    adam = Adam()

    def step(w, field, number):
        ahead = w - 0.01 * adam.direction(field(w, 0))
        return w - 0.01 * adam.direction(field(ahead, 1))

    trajectory(gan(jare_tf.Extrapolating(), keras_adam, rule), 10, step)


def test_optimistic_adam(float64):
    """w_{t+1} = w_t − 2η r_t + η r_{t−1}, r_0 = 0."""
    adam, last = Adam(), [0.0]

    def step(w, field, number):
        now = adam.direction(field(w, 0))
        w, last[0] = w - 0.01 * (2 * now - last[0]), now
        return w

    trajectory(gan(None, optimistic_adam), 10, step)


def test_lookahead(float64):
    """Nested, under Adam: weights go back to the copies, moments go on."""
    adam, slow, slower = Adam(), [None], [None]

    def step(w, field, number):
        if number == 0:
            slow[0] = slower[0] = w
        w = w - 0.01 * adam.direction(field(w, 0))
        if (number + 1) % 2 == 0:
            w = slow[0] = slow[0] + 0.5 * (w - slow[0])
        if (number + 1) % 4 == 0:
            w = slower[0] = slower[0] + 0.25 * (w - slower[0])
            slow[0] = slower[0]
        return w

    trajectory(gan(jare_tf.Lookahead(4, 0.25, jare_tf.Lookahead(2)), keras_adam), 10, step)


def test_optimistic_adam_at_rest(float64):
    """Where gradients are far below ε and β1 = 0 it is `optimistic()` under plain gradient descent of step η/ε."""
    made = jare_tf.OptimisticAdam(epsilon=2.0, beta_1=0.0)
    for step in (0.1, 0.8):
        found = bilinear_rate(jare_tf.Simultaneous(), step, PLAIN, made)
        assert found == pytest.approx(bilinear_rate(jare_tf.Simultaneous(), step / 2, jare_tf.optimistic()), rel=1e-9)
    made = lambda: jare_tf.OptimisticAdam(0.4, beta_1=0.3, beta_2=0.9, epsilon=2.0)
    observed = step_size.observed_rate(bilinear, PLAIN, bilinear.point(), NO_BATCH, made, steps=400, displacement=1e-6)
    assert observed == pytest.approx(bilinear_rate(jare_tf.Simultaneous(), 0.4, PLAIN, made()), rel=1e-4)


def test_the_period_of_a_lookahead_within():
    with pytest.raises(jare_tf.InputError, match="Lookahead: period 7 is not a multiple of the inner period 5"):
        jare_tf.Lookahead(7, schedule=jare_tf.Lookahead(5))


def test_lookahead_on_the_gaussian_is_stable_where_its_rate_says_so(float64):
    """With a momentum optimizer, whose slots stay, the largest stable step is where runs begin to diverge."""
    mean = [0.0, 1.5]
    game, batch = affine_game(mean), exact_batch(mean, 0.8)
    linear = spectrum.linearize(game, PLAIN, affine_point([0.0, 0.0], mean), batch, schedule=jare_tf.Lookahead(3, 0.5))
    optimizer = keras.optimizers.SGD(momentum=0.5)
    largest = step_size.largest_stable_step(linear, optimizer)
    assert step_size.rate(linear, optimizer, 0.99 * largest) < 1 < step_size.rate(linear, optimizer, 1.01 * largest)
