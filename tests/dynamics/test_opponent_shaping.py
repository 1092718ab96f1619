"""LookAhead, LOLA, SOS and Hamiltonian descent by their formulae, and their identities with JARE, in float64."""

import numpy as np
import pytest

import jare_tf
from jare_tf.dynamics.vector_field import evaluation_and_products
from jare_tf.theory.games import NO_BATCH, FormulaGame, bilinear
from jare_tf.types import Players
from tests.dynamics.test_rules import jacobian, update_of, whole, xi
from tests.games import difference_quotient, small_game


def parts(game, point, batch):
    """ξ, J_o and c = (∇θ ℓ_G, ∇φ ℓ_D), by finite differences but for ξ."""
    losses = lambda player: lambda at: float(getattr(game.losses(at, batch)[0], player))
    crossed = [
        difference_quotient(losses("generator"), point, "discriminator"),
        difference_quotient(losses("discriminator"), point, "generator"),
    ]
    coupling, n = jacobian(game, point, batch), len(crossed[0])
    coupling[:n, :n] = coupling[n:, n:] = 0
    return xi(game, point, batch), coupling, np.concatenate(crossed)


@pytest.mark.parametrize("loss", [jare_tf.Minimax(), jare_tf.NonSaturating()], ids=["minimax", "non_saturating"])
@pytest.mark.parametrize("shaping", [0.0, 0.3, 1.0])
def test_lola(float64, loss, shaping):
    game, batch = small_game(loss)
    field, coupling, crossed = parts(game, game.point(), batch)
    found = whole(update_of(jare_tf.lola(0.7, shaping), game, game.point(), batch).direction)
    expected = field - 0.7 * coupling @ field - 0.7 * shaping * coupling.T @ crossed
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("step", "a", "b"), [(0.7, 0.5, 0.1), (50.0, 0.5, 0.1), (0.7, 0.5, 0.9), (50.0, 0.1, 0.9)])
def test_stable_opponent_shaping(float64, step, a, b):
    """Algorithm 1 in NumPy, p_1 and p_2 deciding in turn."""
    game, batch = small_game(jare_tf.NonSaturating())
    point = game.point()
    field, coupling, crossed = parts(game, point, batch)
    foreseeing, shaping = field - step * coupling @ field, -step * coupling.T @ crossed
    along = shaping @ foreseeing
    first = 1.0 if along >= 0 else min(1.0, -a * foreseeing @ foreseeing / along)
    second = field @ field if np.linalg.norm(field) < b else 1.0
    found = whole(update_of(jare_tf.stable_opponent_shaping(step, a, b), game, point, batch).direction)
    np.testing.assert_allclose(found, foreseeing + min(first, second) * shaping, rtol=1e-5, atol=1e-7)


def test_zero_sum_identities(float64):
    """J_oᵀ = −J_o: LookAhead(γ), LOLA(γ/2) and symplectic gradient adjustment are JARE."""
    game, batch = small_game(jare_tf.Minimax())
    jare = whole(update_of(jare_tf.jare(0.6), game, game.point(), batch).direction)
    for rule in (jare_tf.lola(0.6, shaping=0.0), jare_tf.lola(0.3), jare_tf.symplectic_gradient_adjustment(0.6)):
        found = whole(update_of(rule, game, game.point(), batch).direction)
        field = xi(game, game.point(), batch)
        sign = np.sign((found - field) @ (jare - field))  # of SGA's alignment
        assert sign == 1 or isinstance(rule, jare_tf.symplectic_gradient_adjustment)
        np.testing.assert_allclose(field + sign * (found - field), jare, rtol=1e-10, atol=1e-12)


def test_they_differ_with_the_non_saturating_loss(float64):
    """There SGA without alignment is the mean of JARE and LookAhead."""
    game, batch = small_game(jare_tf.NonSaturating())
    point = game.point()
    jare, look_ahead, adjusted = (
        whole(update_of(rule, game, point, batch).direction)
        for rule in (jare_tf.jare(0.6), jare_tf.lola(0.6, 0.0), jare_tf.symplectic_gradient_adjustment(0.6))
    )
    field, mean = xi(game, point, batch), (jare + look_ahead) / 2
    sign = np.sign((adjusted - field) @ (mean - field))
    np.testing.assert_allclose(field + sign * (adjusted - field), mean, rtol=1e-10, atol=1e-12)
    assert np.linalg.norm(jare - look_ahead) > 0.1 * np.linalg.norm(jare - field)


def test_masked_products(float64):
    """(C ∘ J)ᵀu and (C ∘ J)ξ for every mask, the Jacobian by finite differences."""
    game, batch = small_game(jare_tf.NonSaturating())
    point = game.point()
    dense, field = jacobian(game, point, batch), xi(game, point, batch)
    n = sum(np.size(one) for one in point.parameters.discriminator)
    u = Players(*(tuple(np.cos(one) for one in part) for part in point.parameters))
    for number in range(16):
        a, b, c, d = (number >> bit & 1 for bit in range(4))
        masked = dense.copy()
        masked[:n, :n] *= a
        masked[:n, n:] *= b
        masked[n:, :n] *= c
        masked[n:, n:] *= d
        _, transposed, product = evaluation_and_products(game, point, batch, ((a, b), (c, d)), u)
        np.testing.assert_allclose(whole(transposed), masked.T @ whole(u), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(whole(product), masked @ field, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("rule", "resting"),
    [
        (jare_tf.lola(0.1), 4 / 3),  # (1 − 2s)/(1 − 4s)
        (jare_tf.lola(0.1, shaping=0.0), 1.0),
        (jare_tf.stable_opponent_shaping(0.1), 1.0),
        (jare_tf.sim_gd(), 1.0),
    ],
    ids=str,
)
def test_where_they_rest_in_the_tandem_game(float64, rule, resting):
    """ℓ_D = (θ + φ)² − 2θ, ℓ_G = (θ + φ)² − 2φ: arrogance moves LOLA off the fixed points θ + φ = 1."""
    game = FormulaGame(lambda theta, phi: ((theta + phi) ** 2 - 2 * theta, (theta + phi) ** 2 - 2 * phi))
    point = game.point(0.3, 0.1)
    for _ in range(200):
        point = point.descended(update_of(rule, game, point, NO_BATCH).direction, 0.1)
    assert whole(point.parameters).sum() == pytest.approx(resting, abs=2e-3)


def test_hamiltonian(float64):
    game, batch = small_game(jare_tf.NonSaturating())
    point = game.point()
    update = update_of(jare_tf.hamiltonian(), game, point, batch)
    field = xi(game, point, batch)
    np.testing.assert_allclose(whole(update.direction), jacobian(game, point, batch).T @ field, rtol=1e-5, atol=1e-7)
    assert [float(one) for one in update.regularizer] == pytest.approx([field @ field / 2] * 2)


def test_hamiltonian_is_drawn_to_a_maximum(float64):
    """On ℓ_D = −θ², ℓ_G = −φ² gradient descent flees from 0, where both players fare worst; this goes there."""
    game = FormulaGame(lambda theta, phi: (-(theta**2), -(phi**2)))
    for rule, shrinks in ((jare_tf.hamiltonian(), True), (jare_tf.sim_gd(), False)):
        point = game.point(0.5, -0.5)
        for _ in range(20):
            point = point.descended(update_of(rule, game, point, NO_BATCH).direction, 0.1)
        assert (np.abs(whole(point.parameters)).max() < 0.5) == shrinks


@pytest.mark.parametrize("gamma", [0.1, 1.0])
def test_jare_appendix_c(float64, gamma):
    """Where ∇²_φφ f = −t²I the norm alone drives the generator up f, and so does ConOpt if γt² > 1; JARE never does.

    f = θφ − ½t²φ² at φ = 0, where ∇θ f = 0: the generator's direction is a multiple of ∇φ f = θ.
    """
    t = 2.0

    def losses(theta, phi):
        f = theta * phi - t**2 * phi**2 / 2
        return -f, f

    game = FormulaGame(losses)
    point = game.point(0.3, 0.0)
    multiple = lambda rule: float(update_of(rule, game, point, NO_BATCH).direction.generator[0]) / 0.3
    assert multiple(jare_tf.hamiltonian()) == pytest.approx(-(t**2))
    assert multiple(jare_tf.con_opt(gamma)) == pytest.approx(1 - gamma * t**2)
    assert (multiple(jare_tf.con_opt(gamma)) < 0) == (gamma * t**2 > 1)
    for rule in (jare_tf.sim_gd(), jare_tf.jare(gamma), jare_tf.generator_only(gamma)):
        assert multiple(rule) == pytest.approx(1)


def test_hamiltonian_on_the_bilinear_game():
    assert bilinear.direction(jare_tf.hamiltonian(), theta=0.5, phi=0.25) == (0.5, 0.25)  # μ = 1 − η b², b = 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jare_tf.lola(-1.0), "lola: step must be a finite number, at least 0, not -1.0"),
        (lambda: jare_tf.lola(0.1, 1.5), "lola: shaping must be a finite number, at least 0 and at most 1, not 1.5"),
        (
            lambda: jare_tf.stable_opponent_shaping(0.1, a=1.0),
            "a must be a finite number, above 0 and below 1, not 1.0",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(jare_tf.InputError, match=message):
        make()
