"""Players' Hessians, parts of the Jacobian and spectral densities against closed forms and dense algebra."""

import numpy as np
import pytest

import jare_tf
from jare_tf.theory import hessians, spectral_density, spectrum
from jare_tf.theory.games import NO_BATCH, bilinear
from jare_tf.theory.matrix_free import Operator
from tests.games import affine_game, affine_point, exact_batch, small_game

BOTH = pytest.mark.parametrize("make", [hessians.matrices, hessians.operators])


def array(part):
    return part @ np.eye(part.shape[0])


def of(matrix):
    """A symmetric or antisymmetric matrix as an operator."""
    return Operator(lambda vector: matrix @ vector, len(matrix))


def symmetric(size, seed=0, rank=None):
    root = np.random.default_rng(seed).normal(size=(size, rank or size))
    return root @ np.diag(np.linspace(-1, 3, root.shape[1])) @ root.T


@BOTH
@pytest.mark.parametrize(("sigma", "mean"), [(0.2, (0.0, 4.0)), (0.7, (1.0, -2.0, 0.5))])
def test_isotropic_gaussian(float64, make, sigma, mean):
    """At rest A = ½(σ²I + vvᵀ), E = 0, and J_a has ±½i (JARE section 4, vanilla minimax)."""
    n = len(mean)
    parts = make(affine_game(mean), affine_point(np.zeros(n), mean), [exact_batch(mean, sigma)])
    found = hessians.curvature(parts)
    own = [*[sigma**2 / 2] * (n - 1), (sigma**2 + np.dot(mean, mean)) / 2]
    np.testing.assert_allclose(found.discriminator.values, own, atol=1e-12)
    np.testing.assert_allclose(found.generator.values, np.zeros(n), atol=1e-12)
    np.testing.assert_allclose(found.symmetric.values, [*[0] * n, *own], atol=1e-12)
    np.testing.assert_allclose(np.sort(np.linalg.eigvals(array(parts.antisymmetric)).imag), n * [-0.5] + n * [0.5])
    assert found.rotation == pytest.approx(0.5, abs=1e-12)
    assert max(found.rotation_residual, *found.symmetric.residuals) < 1e-12
    assert found.real_bounds == pytest.approx((0, own[-1]), abs=1e-12)


def test_a_zero_sum_game(float64):
    """J_s = diag(A, E), and J_a is the off-diagonal part of J."""
    game, batch = small_game(jare_tf.Minimax())
    parts = hessians.operators(game, game.point(), [batch])
    a, e = array(parts.discriminator), array(parts.generator)
    jacobian = spectrum.linearize(game, jare_tf.sim_gd(), game.point(), batch).moves[0]
    n = len(a)
    zeros = np.zeros([n, len(e)])
    np.testing.assert_allclose(array(parts.symmetric), np.block([[a, zeros], [zeros.T, e]]), atol=1e-10)
    off = np.block([[0 * a, jacobian[:n, n:]], [jacobian[n:, :n], 0 * e]])
    np.testing.assert_allclose(array(parts.antisymmetric), off, atol=1e-10)


def test_operators_are_the_arrays(float64):
    """Over several batches their mean; in a game that is not zero-sum."""
    game, batch = small_game(jare_tf.NonSaturating())
    batches = [batch, batch._replace(real=2 * batch.real)]
    dense, free = (make(game, game.point(), batches) for make in (hessians.matrices, hessians.operators))
    for expected, part in zip(dense, free, strict=True):
        np.testing.assert_allclose(array(part), expected, atol=1e-10)
    with pytest.raises(jare_tf.RunError, match="the Jacobian is not finite"):
        array(hessians.operators(game, game.point(), [batch._replace(real=np.nan * batch.real)]).symmetric)


@pytest.mark.parametrize("loss", [jare_tf.Minimax(), jare_tf.NonSaturating()])
def test_bendixson(float64, loss):
    """All eigenvalues of J are in the rectangle, for networks; it is no larger than its definition."""
    game, batch = small_game(loss)
    jacobian = spectrum.linearize(game, jare_tf.sim_gd(), game.point(), batch).moves[0]
    values = np.linalg.eigvals(jacobian)
    found = hessians.curvature(hessians.operators(game, game.point(), [batch]), count=4, tolerance=1e-9)
    low, high = found.real_bounds
    assert low <= values.real.min() + 1e-9 and values.real.max() <= high + 1e-9
    assert np.abs(values.imag).max() <= found.rotation + 1e-9
    ends = np.linalg.eigvalsh((jacobian + jacobian.T) / 2)[[0, -1]]
    np.testing.assert_allclose([low, high], ends, atol=1e-7)
    assert found.rotation == pytest.approx(np.linalg.norm((jacobian - jacobian.T) / 2, 2), abs=1e-7)


@pytest.mark.parametrize("rank", [None, 12])
def test_eigenvalues_at_the_ends(rank):
    """Of a matrix, and of one most of whose eigenvalues are 0, as those of networks."""
    matrix = symmetric(80, rank=rank)
    found, whole = hessians.eigenpairs(of(matrix), count=3, tolerance=1e-8), hessians.eigenpairs(matrix)
    size = np.abs(whole.values).max()
    np.testing.assert_allclose(found.values, whole.values[[0, 1, 2, -3, -2, -1]], atol=1e-6 * size)
    assert found.residuals.max() < 1e-7 * size
    assert len(whole.values) == 80 and whole.residuals.max() < 1e-12 * size
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=0), 1)
    coarse = hessians.eigenpairs(of(matrix), count=3, tolerance=0.1)
    for value, residual in zip(coarse.values, coarse.residuals, strict=True):
        assert np.abs(whole.values - value).min() <= residual + 1e-12 * size
    assert (whole.negative, found.negative) == (int((whole.values < -1e-10).sum()), 3)


def test_rotation():
    root = np.random.default_rng(0).normal(size=(60, 60))
    found = [hessians.rotation(one, tolerance=1e-10) for one in (root - root.T, of(root - root.T))]
    np.testing.assert_allclose(found, [(np.linalg.norm(root - root.T, 2), 0.0)] * 2, atol=1e-5)


def test_a_matrix_that_is_zero():
    """As ∇²φφ ℓ_G of a linear generator; an operator, and an array."""
    for zero in (np.zeros([40, 40]), of(np.zeros([40, 40]))):
        assert hessians.eigenpairs(zero, count=2).values.tolist() == [0.0] * (40 if isinstance(zero, np.ndarray) else 1)
        assert hessians.rotation(zero) == (0.0, 0.0)
    density = spectral_density.density(spectral_density.quadratures(zero, 5, 2), 5)
    assert np.trapezoid(density.values, density.points) == pytest.approx(1, abs=1e-4)


def test_nothing_converges():
    with pytest.raises(jare_tf.RunError, match="no eigenvalue converged"):
        hessians.eigenpairs(of(symmetric(300)), count=1, tolerance=1e-14, iterations=1)


def test_a_player_of_one_parameter(float64):
    """ℓ_G = −ℓ_D = θφ: A = E = 0 and J_a = [[0, −1], [1, 0]]."""
    point = bilinear.point(0.3, -0.2)
    for make in (hessians.matrices, hessians.operators):
        found = hessians.curvature(make(bilinear, point, [NO_BATCH]))
        assert (found.real_bounds, found.rotation) == ((0.0, 0.0), pytest.approx(1.0))
        assert found.generator.negative == 0


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_a_quadrature_has_the_moments(steps):
    """Σ ω τ^p = vᵀS^p v/n for p < 2m, and not for p = 2m."""
    matrix = symmetric(30) / 100
    vector = np.random.default_rng(1).choice([-1.0, 1.0], 30)
    found = spectral_density.quadrature(matrix, vector, steps)
    moments = [(found.weights @ found.nodes**p, vector @ np.linalg.matrix_power(matrix, p) @ vector / 30) for p in
               range(2 * steps + 1)]  # fmt: skip
    for ours, exact in moments[:-1]:
        assert ours == pytest.approx(exact, rel=1e-9)
    assert moments[-1][0] != pytest.approx(moments[-1][1], rel=1e-9)
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    assert (found.weights >= 0).all() and len(found.nodes) == steps


@pytest.mark.parametrize("make", [lambda matrix: matrix, of])
def test_a_diagonal_matrix_has_weights_by_multiplicity(make):
    """Whatever the draw; the Krylov space ends after as many steps as there are eigenvalues."""
    drawn = spectral_density.quadratures(make(np.diag([3.0, 3.0, -1.0, 0.0, 0.0, 0.0])), steps=6, draws=5)
    for one in drawn:
        np.testing.assert_allclose(one.nodes, [-1, 0, 3], atol=1e-12)
        np.testing.assert_allclose(one.weights, [1 / 6, 3 / 6, 2 / 6], atol=1e-12)
    assert spectral_density.density(drawn, 6).standard_errors.max() < 1e-12


def test_the_density_of_the_isotropic_gaussian(float64):
    """v along an axis: J_s has ¼ at ½σ², ¼ at ½(σ² + ‖v‖²), ½ at 0."""
    sigma, mean = 1.0, (0.0, 2.0)
    parts = hessians.operators(affine_game(mean), affine_point([0.0, 0.0], mean), [exact_batch(mean, sigma)])
    for one in spectral_density.quadratures(parts.symmetric, steps=4, draws=3):
        np.testing.assert_allclose(one.nodes, [0, sigma**2 / 2, (sigma**2 + 4) / 2], atol=1e-12)
        np.testing.assert_allclose(one.weights, [1 / 2, 1 / 4, 1 / 4], atol=1e-12)


def test_a_density_is_that_of_all_eigenvalues():
    """Within its standard errors, and it integrates to 1."""
    matrix = symmetric(400) / 400
    drawn = spectral_density.density(spectral_density.quadratures(of(matrix), steps=40, draws=12), steps=40)
    values = np.linalg.eigvalsh(matrix)
    kernel = np.exp(-0.5 * ((drawn.points[:, None] - values) / drawn.width) ** 2)
    exact = kernel.mean(axis=1) / (drawn.width * np.sqrt(2 * np.pi))
    assert np.trapezoid(drawn.values, drawn.points) == pytest.approx(1, abs=1e-4)
    assert (drawn.draws, drawn.width) == (12, pytest.approx(np.ptp(values) / 40, rel=0.05))
    clear = exact > 0.05 * exact.max()
    deviations = (drawn.values - exact)[clear] / drawn.standard_errors[clear]
    assert 0.3 < np.sqrt(np.mean(deviations**2)) < 3
    known = spectral_density.of_eigenvalues(values, parts=40)
    assert np.trapezoid(known.values, known.points) == pytest.approx(1, abs=1e-4)
    assert (known.draws, known.standard_errors.max()) == (0, 0)


def test_lanczos_stays_orthogonal():
    """With an outlier, where without reorthogonalisation the large eigenvalue would come several times."""
    matrix = np.diag([1e6, *np.linspace(0, 1, 199)])
    found = spectral_density.quadrature(matrix, np.ones(200), steps=60)
    assert (found.nodes > 10).sum() == 1
    assert found.weights[-1] == pytest.approx(1 / 200, rel=1e-9)


def test_the_wasserstein_generator_has_no_curvature(float64):
    game = affine_game([1.0], jare_tf.Minimax(jare_tf.losses.wasserstein()))
    found = hessians.curvature(hessians.operators(game, affine_point([0.4], [0.1]), [exact_batch([1.0], 0.5)]))
    assert found.rotation == pytest.approx(1.0)
    assert found.real_bounds == (0.0, 0.0)
