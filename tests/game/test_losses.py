"""Every objective and every form of loss, found by looking, keeps what it states; each has hand-computed numbers."""

import inspect

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

import jare_tf
from jare_tf.dynamics.vector_field import gradient
from jare_tf.game.losses import forms, objectives
from jare_tf.theory.closed_form import SimpleGame
from jare_tf.theory.spectrum import linearize
from jare_tf.types import Batch
from tests.games import affine_game, affine_point, exact_batch

OBJECTIVES = {
    name: function
    for name, function in vars(objectives).items()
    if inspect.isfunction(function) and function.__module__ == objectives.__name__ and not name.startswith("_")
}
FORMS = {
    name: form
    for name, form in vars(forms).items()
    if inspect.isclass(form) and issubclass(form, forms.Loss) and not inspect.isabstract(form)
}
every_objective = pytest.mark.parametrize("name", OBJECTIVES)
every_form = pytest.mark.parametrize("form", FORMS)

# ℓ_D and the ℓ_G of Minimax, NonSaturating and LinearGenerator with D(x) = 1 and D(G(z)) = 2, by hand:
# softplus(−1) = 0.31326169, softplus(2) = 2.12692801, softplus(−2) = 0.12692801, log 2 = 0.69314718,
# e = 2.71828183, e² = 7.38905610, e^−1 = 0.36787944, e^−2 = 0.13533528, tanh 1 = 0.76159416, tanh 2 = 0.96402758.
BY_HAND = {
    "vanilla": (2.44018970, -2.44018970, 0.12692801, -2.0),
    "wasserstein": (1.0, -1.0, -2.0, -2.0),
    "hinge": (3.0, -3.0, 0.0, -2.0),
    "least_squares": (0.125 + 3.125, -3.25, 1.125, -2.0),
    "jensen_shannon": (2.44018970 - 1.38629436, -1.05389534, 0.12692801 - 0.69314718, -2.0),
    "kullback_leibler": (-2 + 7.38905610, -5.38905610, -3.0, -2.0),
    "reverse_kullback_leibler": (0.36787944 + 1, -1.36787944, 0.13533528, -2.0),
    "pearson_chi_squared": (-2.0 + 8.0, -6.0, -4.0, -2.0),
    "neyman_chi_squared": (-1.0 + 4.0, -3.0, 0.0, -2.0),
    "squared_hellinger": (-1 + 0.36787944 - 1 + 7.38905610, -5.75693554, -1 + 0.13533528, -2.0),
    "total_variation": (0.5 * (-0.76159416 + 0.96402758), -0.10121671, -0.48201379, -2.0),
}

# ℓ_D and ℓ_G of Relativistic, −g1(1 − 2) and −g1(2 − 1): softplus(1) = 1.31326169.
PAIRED_BY_HAND = {
    "vanilla": (1.31326169, 0.31326169),
    "wasserstein": (1.0, -1.0),
    "hinge": (2.0, 0.0),
    "least_squares": (1.125, 0.125),
    "jensen_shannon": (1.31326169 - 0.69314718, 0.31326169 - 0.69314718),
    "kullback_leibler": (0.0, -2.0),
    "reverse_kullback_leibler": (2.71828183, 0.36787944),
    "pearson_chi_squared": (2.0, -2.0),
    "neyman_chi_squared": (3.0, -1.0),
    "squared_hellinger": (1.71828183, -1 + 0.36787944),
    "total_variation": (0.38079708, -0.38079708),
}


def divergences(p, q):
    mean = (p + q) / 2
    return {
        "jensen_shannon": (p * np.log(p / mean) + q * np.log(q / mean)).sum(),
        "kullback_leibler": (p * np.log(p / q)).sum(),
        "reverse_kullback_leibler": (q * np.log(q / p)).sum(),
        "pearson_chi_squared": ((p - q) ** 2 / q).sum(),
        "neyman_chi_squared": ((p - q) ** 2 / p).sum(),
        "squared_hellinger": ((np.sqrt(p) - np.sqrt(q)) ** 2).sum(),
        "total_variation": np.abs(p - q).sum() / 2,
    }


def test_hand_computed_numbers_are_of_every_objective():
    assert BY_HAND.keys() == PAIRED_BY_HAND.keys() == OBJECTIVES.keys()
    assert FORMS.keys() == {"Minimax", "NonSaturating", "LinearGenerator", "Relativistic"}


@every_objective
@every_form
def test_hand_computed(name, form):
    losses = FORMS[form](OBJECTIVES[name]())(tf.constant([[1.0]], tf.float64), tf.constant([[2.0]], tf.float64))
    discriminator, *generators = BY_HAND[name]
    expected = dict(zip(("Minimax", "NonSaturating", "LinearGenerator"), generators, strict=True))
    expected = (discriminator, expected[form]) if form in expected else PAIRED_BY_HAND[name]
    np.testing.assert_allclose(losses, expected, atol=2e-8)


def test_pairs():
    """The mean over pairs of samples in their order, of patches of logits too."""
    real, fake = tf.constant([[1.0, 5.0], [2.0, 0.0]]), tf.constant([[2.0, 3.0], [0.0, 1.0]])
    differences = np.array([-1.0, 2.0, 2.0, -1.0])
    losses = forms.Relativistic()(real, fake)
    np.testing.assert_allclose(losses.discriminator, np.log1p(np.exp(-differences)).mean(), rtol=1e-6)
    np.testing.assert_allclose(losses.generator, np.log1p(np.exp(differences)).mean(), rtol=1e-6)
    with pytest.raises(jare_tf.InputError, match="^Relativistic pairs real and generated samples: shapes of logits"):
        forms.Relativistic()(real, fake[:1])


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_relativistic_gaussian_is_as_well_conditioned_as_its_variance(float64, weight):
    """At the equilibrium of x ~ N(v, σ² I) the discriminator's block is (½σ² + 2γ) I, whatever v is, with R1 + R2.

    With differences t = wᵀ(x − x') of two independent samples E[t tᵀ] = 2σ² I; vanilla has ½(σ² + ‖v‖²) along v.
    """
    sigma, mean = 0.7, (3.0, 4.0)
    plain = affine_game(mean)
    penalties = [jare_tf.R1(weight), jare_tf.R2(weight)]
    game = jare_tf.TwoPlayerGame(
        plain.networks.generator, plain.networks.discriminator, forms.Relativistic(), penalties
    )
    real, latent = exact_batch(mean, sigma)
    every_pair = Batch(tf.repeat(real, 4, axis=0), tf.tile(latent, [4, 1]))
    jacobian = linearize(game, jare_tf.sim_gd(), affine_point([0.0, 0.0], mean), every_pair).moves[0]
    np.testing.assert_allclose(jacobian[:2, :2], np.eye(2) * (sigma**2 / 2 + 2 * weight), atol=1e-9)


@every_objective
def test_states_its_derivatives_at_zero(name):
    objective = OBJECTIVES[name]()
    for g, slope, curvature in zip((objective.g1, objective.g2), objective.slopes, objective.curvatures, strict=True):
        zero = tf.zeros((), tf.float64)
        np.testing.assert_allclose(gradient(g, zero), slope, atol=1e-12)
        np.testing.assert_allclose(gradient(lambda t, g=g: gradient(g, t), zero), curvature, atol=1e-12)


def test_which_satisfy_assumption_2():
    """JARE says so of vanilla, reverse KL and WGAN (section 6)."""
    without = {name for name, make in OBJECTIVES.items() if not make().satisfies_assumption_2}
    assert without == {"wasserstein", "hinge", "total_variation"}
    for name, make in OBJECTIVES.items():
        holds = "does not hold: Q = 0" if name in without else "Assumption 2 holds"
        assert holds in make().theory
    convex = objectives.Objective(maker="convex", g1=tf.square, g2=tf.square, slopes=(0.0, 0.0), curvatures=(2.0, 2.0))
    assert "neither JARE nor GradReg" in convex.theory


@every_objective
def test_the_game_has_the_jacobian_that_the_theory_takes_from_the_stated_numbers(name, float64):
    """JARE Lemma 2: of D(x) = θᵀx and G(z) = φ + z at the equilibrium, from slope and curvature alone."""
    objective, mean, sigma = OBJECTIVES[name](), [1.0, 2.0], 0.5
    game = affine_game(mean, jare_tf.Minimax(objective))
    point, batch = affine_point([0.0, 0.0], mean), exact_batch(np.array(mean), sigma)
    jacobian = linearize(game, jare_tf.sim_gd(), point, batch).moves[0]
    spread = sigma**2 * np.eye(2) + np.outer(mean, mean)
    expected = np.block(
        [[-objective.curvature * spread, objective.slope * np.eye(2)], [-objective.slope * np.eye(2), np.zeros((2, 2))]]
    )
    np.testing.assert_allclose(jacobian, expected, atol=1e-12)
    if objective.satisfies_assumption_2:
        closed = SimpleGame(sigma=sigma, mean=mean, slope=objective.slope, curvature=objective.curvature)
        values = [np.sort_complex(np.round(part, 9)) for part in (-np.linalg.eigvals(jacobian), closed.sim_gd())]
        np.testing.assert_allclose(*values, atol=2e-9)


@pytest.mark.parametrize("name", divergences(np.ones(1), np.ones(1)))
def test_the_best_discriminator_attains_the_divergence(name):
    """sup_D Σ p g1(D) + q g2(D), found point by point, on distributions over five points."""
    p, q = np.array([0.1, 0.2, 0.3, 0.15, 0.25]), np.array([0.3, 0.25, 0.05, 0.3, 0.1])
    objective = OBJECTIVES[name]()

    def best(real, generated):
        def cost(t):
            t = tf.constant(t, tf.float64)
            return -float(real * objective.g1(t) + generated * objective.g2(t))

        return -scipy.optimize.minimize_scalar(cost, bounds=(-20, 20), method="bounded", options={"xatol": 1e-9}).fun

    attained = sum(best(real, generated) for real, generated in zip(p, q, strict=True))
    np.testing.assert_allclose(attained, divergences(p, q)[name], atol=1e-6)
    np.testing.assert_allclose(sum(best(real, real) for real in p), 0.0, atol=1e-9)


@every_objective
def test_both_losses_are_means_over_the_batch(name):
    """ℓ_D = −f, and the zero-sum ℓ_G = f with the term of the real samples."""
    objective, (real, fake) = OBJECTIVES[name](), np.random.default_rng(0).normal(size=(2, 9, 1))
    losses = jare_tf.Minimax(objective)(tf.constant(real), tf.constant(fake))
    value = np.mean([objective.g1(tf.constant(x)) for x in real]) + np.mean(
        [objective.g2(tf.constant(x)) for x in fake]
    )
    np.testing.assert_allclose(losses, [-value, value], rtol=1e-12)


def test_vanilla_rests_at_two_log_two():
    rest = jare_tf.Minimax()(tf.zeros([4, 1], tf.float64), tf.zeros([4, 1], tf.float64))
    np.testing.assert_allclose(rest.discriminator, 2 * np.log(2), rtol=1e-14)


@every_objective
@every_form
def test_large_logits_stay_finite(name, form):
    largest = 40.0 if name in ("kullback_leibler", "reverse_kullback_leibler", "squared_hellinger") else 1e4
    for value in FORMS[form](OBJECTIVES[name]())(tf.constant([[-largest]]), tf.constant([[largest]])):
        assert np.isfinite(value)


def test_total_variation_of_conopts_code():
    losses = jare_tf.NonSaturating(objectives.total_variation(scale=1.0))(tf.constant([[1.0]]), tf.constant([[2.0]]))
    np.testing.assert_allclose(losses, [0.96402758 - 0.76159416, -0.96402758], atol=1e-6)
    with pytest.raises(jare_tf.InputError, match="total_variation: scale must be a finite number, above 0, not 0"):
        objectives.total_variation(scale=0)


def test_an_objective_that_is_not_called():
    with pytest.raises(jare_tf.InputError, match=r"Minimax: objective must be an objective such as vanilla\(\)"):
        jare_tf.Minimax(objectives.hinge)


def test_objectives_are_values():
    assert repr(jare_tf.Minimax()) == "Minimax(objective=vanilla())"
    assert repr(objectives.total_variation(scale=1.0)) == "total_variation(scale=1.0)"
    assert jare_tf.Minimax() == jare_tf.Minimax(objectives.vanilla()) != jare_tf.NonSaturating()
    assert objectives.hinge() == objectives.hinge() != objectives.wasserstein()
    assert objectives.total_variation() != objectives.total_variation(scale=1.0)
