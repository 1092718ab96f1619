"""Penalties on the discriminator's gradient with respect to samples, and that every rule differentiates them again."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.dynamics.vector_field import linearize, vector_field
from jare_tf.game.losses import gradient_penalty
from jare_tf.types import Batch
from tests.conftest import flat
from tests.games import difference_quotient, small_game

REAL = tf.constant([[1.0, 2.0], [0.0, -1.0]], tf.float64)
FAKE = tf.constant([[3.0, 0.0], [2.0, 1.0]], tf.float64)


def quadratic(samples):
    """D(x) = ½ ‖x‖², whose gradient is x."""
    return tf.reduce_sum(tf.square(samples), axis=-1, keepdims=True) / 2


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (jare_tf.R1(weight=3.0), 1.5 * (5 + 1) / 2),
        (jare_tf.R2(weight=3.0), 1.5 * (9 + 5) / 2),
        # ε = ¼, ¾: x̂ = (2.5, 0.5) and (0.5, −0.5).
        (jare_tf.WGANGP(weight=3.0), 1.5 * ((np.sqrt(6.5) - 1) ** 2 + (np.sqrt(0.5) - 1) ** 2)),
    ],
)
def test_hand_computed(penalty, expected):
    np.testing.assert_allclose(penalty(quadratic, REAL, FAKE), expected, rtol=1e-9)


PENALTIES = [
    penalty(weight=0.7)
    for penalty in vars(gradient_penalty).values()
    if inspect.isclass(penalty) and issubclass(penalty, jare_tf.GradientPenalty) and not inspect.isabstract(penalty)
]


def test_all_penalties_are_found():
    assert {type(penalty) for penalty in PENALTIES} == {jare_tf.R1, jare_tf.R2, jare_tf.WGANGP}


def penalised_game(penalty):
    game, batch = small_game(jare_tf.Minimax())
    return jare_tf.TwoPlayerGame(
        game.networks.generator, game.networks.discriminator, jare_tf.Minimax(), [penalty]
    ), batch


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: type(penalty).__name__)
def test_is_an_additive_part_of_the_discriminators_loss(float64, penalty):
    game, batch = penalised_game(penalty)
    plain, _ = small_game(jare_tf.Minimax())
    losses, _ = game.losses(game.point(), batch)
    without, _ = plain.losses(plain.point(), batch)
    fake = plain.networks.generator(batch.latent)
    expected = penalty(plain.networks.discriminator, batch.real, fake)
    np.testing.assert_allclose(losses.discriminator - without.discriminator, expected, rtol=1e-10)
    assert float(losses.generator) == float(without.generator)


def test_several_add_up(float64):
    _, batch = small_game(jare_tf.Minimax())
    games = [small_game(jare_tf.Minimax())[0].networks for _ in range(3)]
    each = [[jare_tf.R1(0.5)], [jare_tf.R2(0.25)], [jare_tf.R1(0.5), jare_tf.R2(0.25)]]
    losses = [
        jare_tf.TwoPlayerGame(one.generator, one.discriminator, jare_tf.Minimax(), penalties)
        for one, penalties in zip(games, each, strict=True)
    ]
    first, second, both = (float(game.losses(game.point(), batch)[0].discriminator) for game in losses)
    plain = small_game(jare_tf.Minimax())[0]
    without = float(plain.losses(plain.point(), batch)[0].discriminator)
    np.testing.assert_allclose(both - without, first + second - 2 * without, rtol=1e-10)


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: type(penalty).__name__)
def test_every_block_of_the_coupling_sees_it(float64, penalty):
    """ξ is the gradient of the penalised ℓ_D, and (C ∘ J)ᵀξ that of ½‖ξ‖², by finite differences."""
    game, batch = penalised_game(penalty)
    point = game.point()
    loss = lambda at: float(game.losses(at, batch)[0].discriminator)
    xi = vector_field(game, point, batch).gradient
    np.testing.assert_allclose(flat(xi.discriminator), difference_quotient(loss, point, "discriminator"), atol=1e-7)
    _, pullback = linearize(game, point, batch)
    product = pullback(((1, 1), (1, 1)), xi)
    half_norm = lambda at: 0.5 * sum((flat(part) ** 2).sum() for part in vector_field(game, at, batch).gradient)
    for player in ("discriminator", "generator"):
        expected = difference_quotient(half_norm, point, player)
        np.testing.assert_allclose(flat(getattr(product, player)), expected, atol=1e-6)


def test_every_rule_trains_with_a_penalty(any_rule):
    _, make = any_rule
    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, "softplus"), keras.layers.Dense(1)])
    gan = jare_tf.GAN(
        generator, discriminator, rule=make(0.1), loss=jare_tf.Minimax(), latent_dim=3, penalty=jare_tf.WGANGP()
    )
    gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    for value in gan.update([tf.random.normal([4, 2])]).values():
        assert np.isfinite(value)


def test_a_flat_discriminator_has_a_finite_gradient():
    """‖∇x D‖ = 0 everywhere, where the norm itself has no derivative."""
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    game = jare_tf.TwoPlayerGame(generator, discriminator, jare_tf.Minimax(), [jare_tf.WGANGP()])
    batch = Batch(real=tf.ones([4, 2]), latent=tf.zeros([4, 2]))
    assert np.isfinite(flat(vector_field(game, game.point(), batch).gradient.discriminator)).all()


def test_bad_input():
    with pytest.raises(jare_tf.InputError, match="R1: weight must be a finite number, at least 0, not -1"):
        jare_tf.R1(weight=-1)
    with pytest.raises(jare_tf.InputError, match=r"WGANGP pairs samples: shapes \(2, 2\), \(1, 2\)"):
        jare_tf.WGANGP()(quadratic, REAL, FAKE[:1])
