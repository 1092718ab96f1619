"""The engine against finite differences, hand-computed numbers and closed forms, all in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import mlp
from jare_tf.types import Batch, Players
from tests.conftest import PRESETS, flat
from tests.games import affine_game, affine_point, difference_quotient, exact_batch, moved, small_game

# What each player descends besides its own loss, written out for each method independently of the masks:
# (target, source): the target's term is ½γ ∇_target ‖ξ_source‖².
TERMS = {
    "sim_gd": [],
    "jare": [("discriminator", "generator"), ("generator", "discriminator")],
    "con_opt": [(t, s) for t in ("discriminator", "generator") for s in ("discriminator", "generator")],
    "generator_only": [("generator", "discriminator")],
    "discriminator_only": [("discriminator", "generator")],
    "smoothing": [("discriminator", "discriminator"), ("discriminator", "generator")],
}


@pytest.mark.parametrize("loss", [jare_tf.Minimax(), jare_tf.NonSaturating()], ids=["minimax", "non_saturating"])
def test_direction_equals_finite_differences(float64, preset, loss):
    name, rule = preset
    game, batch = small_game(loss)
    point, gamma = game.point(), 0.7

    def own_loss(player):
        return lambda at: float(getattr(game.losses(at, batch)[0], player))

    def half_squared_norm(player):
        gradient = lambda at: flat(getattr(jare_tf.sim_gd().update(game, at, batch).direction, player))
        return lambda at: 0.5 * float(gradient(at) @ gradient(at))

    update = rule(gamma).update(game, point, batch)
    for player in Players._fields:
        expected = difference_quotient(own_loss(player), point, player)
        for target, source in TERMS[name]:
            if target == player:
                expected = expected + gamma * difference_quotient(half_squared_norm(source), point, player)
        np.testing.assert_allclose(flat(getattr(update.direction, player)), expected, rtol=1e-6, atol=1e-8)
        regularizer = sum(
            gamma * half_squared_norm(source)(point) for target, source in TERMS[name] if target == player
        )
        np.testing.assert_allclose(float(getattr(update.regularizer, player)), regularizer, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "theta", "phi"),
    [
        # One real sample x = 2 and one latent z = 1 in one dimension, θ = 0 and φ = 0, γ = 10. With s = sigmoid:
        # ℓ_D = softplus(−2θ) + softplus(θ(φ + 1)), ∇θ ℓ_D = −2 s(−2θ) + (φ+1) s(θ(φ+1)) = −1 + ½ = −½;
        # ∇φ ℓ_G = −θ s(θ(φ+1)) = 0. ∂θ∇θ ℓ_D = 4·¼ + 1·¼ = 5/4; ∂φ∇θ ℓ_D = s(0) = ½; ∂θ∇φ ℓ_G = −½; ∂φ∇φ ℓ_G = 0.
        ("sim_gd", -0.5, 0.0),
        ("jare", -0.5, 0.0 + 10 * 0.5 * -0.5),
        ("con_opt", -0.5 + 10 * 1.25 * -0.5, -2.5),
        ("generator_only", -0.5, -2.5),
        ("discriminator_only", -0.5, 0.0),
        ("smoothing", -0.5 + 10 * 1.25 * -0.5, 0.0),
    ],
)
def test_hand_computed_at_zero(float64, name, theta, phi):
    batch = Batch(real=tf.constant([[2.0]], tf.float64), latent=tf.constant([[1.0]], tf.float64))
    update = PRESETS[name](10.0).update(affine_game([0.0]), affine_point([0.0], [0.0]), batch)
    np.testing.assert_allclose(flat(update.direction.discriminator), [theta], atol=1e-15)
    np.testing.assert_allclose(flat(update.direction.generator), [phi], atol=1e-15)


def test_hand_computed_jare_away_from_zero(float64):
    # x = 2, z = 1, θ = ln 2, φ = 0, γ = 10: s(θ(φ+1)) = 2/3 with derivative 2/9; s(−2θ) = 1/5.
    # ξ_D = −2/5 + 2/3 = 4/15; ξ_G = −(2/3) ln 2; ∂θ ξ_G = −2/3 − (2/9) ln 2; ∂φ ξ_D = 2/3 + (2/9) ln 2.
    batch = Batch(real=tf.constant([[2.0]], tf.float64), latent=tf.constant([[1.0]], tf.float64))
    update = jare_tf.jare(gamma=10.0).update(affine_game([0.0]), affine_point([np.log(2)], [0.0]), batch)
    xi_d, xi_g = 4 / 15, -2 / 3 * np.log(2)
    cross = 2 / 3 + 2 / 9 * np.log(2)
    np.testing.assert_allclose(flat(update.direction.discriminator), [xi_d - 10 * cross * xi_g], rtol=1e-13)
    np.testing.assert_allclose(flat(update.direction.generator), [xi_g + 10 * cross * xi_d], rtol=1e-13)
    np.testing.assert_allclose(update.regularizer.discriminator, 5 * xi_g**2, rtol=1e-13)
    np.testing.assert_allclose(update.regularizer.generator, 5 * xi_d**2, rtol=1e-13)


@pytest.mark.parametrize(("sigma", "mu", "gamma"), [(0.2, 4.0, 10.0), (1.0, 2.0, 0.5), (0.5, 6.0, 3.0)])
@pytest.mark.parametrize("name", ["sim_gd", "jare"])
def test_eigenvalues_are_those_of_theorems_1_and_3(float64, name, sigma, mu, gamma):
    """λ = (−(s + γ) ± √((s + γ)² − (γ² + 4)))/4 with s = σ² and s = σ² + ‖v‖² (JARE Theorem 3; Theorem 1: γ = 0)."""
    mean = np.array([0.0, mu])
    game, batch, rule = affine_game(mean), exact_batch(mean, sigma), PRESETS[name](gamma)
    gamma = gamma if name == "jare" else 0.0
    point = affine_point([0.0, 0.0], mean)
    columns = []
    for player in Players._fields:
        for index in range(2):
            plus, minus = (rule.update(game, moved(point, player, index, h), batch).direction for h in (1e-5, -1e-5))
            columns.append((flat([*plus[0], *plus[1]]) - flat([*minus[0], *minus[1]])) / 2e-5)
    measured = np.sort_complex(np.linalg.eigvals(-np.stack(columns, axis=1)))
    expected = []
    for s in (sigma**2, sigma**2 + mu**2):
        root = np.sqrt(complex((s + gamma) ** 2 - (gamma**2 + 4)))
        expected += [(-(s + gamma) + root) / 4, (-(s + gamma) - root) / 4]
    np.testing.assert_allclose(measured, np.sort_complex(np.array(expected)), rtol=1e-6, atol=1e-6)


def test_unreached_variables_get_their_plain_gradient(float64):
    """The bias of D's logit has a gradient of its own, but ∇φ ℓ_G of a critic does not depend on it."""
    generator = mlp.generator(latent_dim=1, output_dim=1, width=2, depth=1)
    discriminator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    loss = lambda real, fake: Players(tf.reduce_mean(tf.square(fake - 1) + real), -tf.reduce_mean(fake))
    game = jare_tf.TwoPlayerGame(generator, discriminator, loss)
    batch = Batch(real=tf.ones([3, 1], tf.float64), latent=tf.constant([[1.0], [2.0], [-1.0]], tf.float64))
    plain = jare_tf.sim_gd().update(game, game.point(), batch).direction.discriminator
    regularised = jare_tf.discriminator_only(gamma=5.0).update(game, game.point(), batch).direction.discriminator
    kernel, bias = 0, 1
    assert float(abs(plain[bias])[0]) > 0.1
    np.testing.assert_array_equal(regularised[bias], plain[bias])
    assert not np.allclose(regularised[kernel], plain[kernel])


def test_gathered_parameters(float64):
    """The gradient of an embedding is sparse; the engine differentiates it again all the same."""
    embedding = keras.layers.Embedding(4, 2, dtype="float64")
    generator = keras.Sequential([keras.Input((1,)), embedding, keras.layers.Flatten()])
    game = jare_tf.TwoPlayerGame(generator, mlp.discriminator(width=3, depth=1), jare_tf.Minimax())
    batch = Batch(real=tf.ones([2, 2], tf.float64), latent=tf.constant([[1.0], [3.0]], tf.float64))
    update = jare_tf.con_opt(gamma=1.0).update(game, game.point(), batch)
    rows = np.abs(update.direction.generator[0]).sum(axis=1)
    assert rows[1] > 0 and rows[3] > 0
    assert rows[0] == rows[2] == 0


@pytest.mark.parametrize("gamma", [-1.0, float("nan"), float("inf")])
def test_bad_gamma(gamma):
    with pytest.raises(jare_tf.InputError, match="gamma must be a finite number, at least 0, not"):
        jare_tf.jare(gamma=gamma)
