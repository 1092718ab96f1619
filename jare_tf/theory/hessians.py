"""The players' Hessians, and the symmetric and the antisymmetric part of the game's Jacobian.

J = ∂ξ/∂(θ, φ) = [[A, B], [C, E]] is the Jacobian of the plain field ξ = (∇θ ℓ_D, ∇φ ℓ_G), whatever the rule.
A = ∇²θθ ℓ_D and E = ∇²φφ ℓ_G are the curvature of each player's own loss: where E has a negative eigenvalue, the
generator rests at a saddle of its loss (Berard et al. 2020, arXiv 1906.04848). J_s = ½(J + Jᵀ) attracts and repels,
J_a = ½(J − Jᵀ) rotates; in a zero-sum game J_s = diag(A, E). All eigenvalues λ of J lie in a rectangle (Bendixson):
λ_min(J_s) ≤ Re λ ≤ λ_max(J_s) and |Im λ| ≤ ‖J_a‖.

```python
parts = hessians.operators(gan.game, gan.game.point(), [gan.batch(images, 0)])
found = hessians.curvature(parts)
found.generator.values, found.generator.residuals
```
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from scipy.sparse import linalg

from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.dynamics.vector_field import WHOLE, Mask, Product, products
from jare_tf.errors import RunError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.theory import spectrum
from jare_tf.theory.matrix_free import Flat, Matrix, Operator, traced
from jare_tf.types import Batch, Players, Point

RESTARTS = 30  # of Lanczos' method at each end, at most


class Parts(NamedTuple):
    """Parts of the Jacobian of a game with n = n_D + n_G parameters: arrays, or operators known by their products.

    discriminator: A = ∇²θθ ℓ_D, [n_D, n_D].
    generator: E = ∇²φφ ℓ_G, [n_G, n_G].
    symmetric: J_s = ½(J + Jᵀ), [n, n].
    antisymmetric: J_a = ½(J − Jᵀ), [n, n].
    """

    discriminator: Matrix
    generator: Matrix
    symmetric: Matrix
    antisymmetric: Matrix


class Eigenpairs(NamedTuple):
    """Eigenvalues of a symmetric matrix S.

    values: λ, increasing, [k].
    residuals: ‖Su − λu‖/‖u‖, [k]; S has an eigenvalue no further than that from λ.
    vectors: u, of length 1, the columns of [n, k].
    """

    values: np.ndarray
    residuals: np.ndarray
    vectors: np.ndarray

    @property
    def negative(self) -> int:
        """How many are negative by more than their residual, and by more than rounding."""
        return int(np.sum(self.values < -np.maximum(self.residuals, 1e-12 * np.abs(self.values).max())))


class Curvature(NamedTuple):
    """What the parts of a Jacobian say of the game around a point.

    discriminator, generator, symmetric: eigenvalues of A, E and J_s, all or those at both ends.
    rotation: ‖J_a‖, its largest singular value.
    rotation_residual: ‖J_a v − i‖J_a‖ v‖/‖v‖ for the eigenvector v that was found.
    """

    discriminator: Eigenpairs
    generator: Eigenpairs
    symmetric: Eigenpairs
    rotation: float
    rotation_residual: float

    @property
    def real_bounds(self) -> tuple[float, float]:
        """Between which Re λ of every eigenvalue λ of J lies (Bendixson)."""
        return float(self.symmetric.values[0]), float(self.symmetric.values[-1])


def matrices(game: TwoPlayerGame, point: Point, batches: Sequence[Batch]) -> Parts:
    """The parts as arrays, for games of up to some thousand parameters; the mean over the batches.

    Raises:
      RunError: the Jacobian is not finite.
    """
    jacobian = np.mean([spectrum.linearize(game, sim_gd(), point, batch).moves[0] for batch in batches], axis=0)
    n = Flat(point).sizes.discriminator
    symmetric, antisymmetric = (jacobian + jacobian.T) / 2, (jacobian - jacobian.T) / 2
    return Parts(jacobian[:n, :n], jacobian[n:, n:], symmetric, antisymmetric)


def operators(game: TwoPlayerGame, point: Point, batches: Sequence[Batch]) -> Parts:
    """The parts as operators, for games of any size; the mean over the batches.

    For each batch a product with A or E costs one backward pass through ξ, one with J_s or J_a three.
    """
    flat = Flat(point)
    n = flat.sizes.discriminator
    dtype = flat.vector(point.parameters).dtype

    def operator(combine: Callable[[Product, Product, Players], Players], part: slice) -> Operator:
        @traced
        def product(batch, vector):
            _, transposed, forward = products(game, point, batch)
            return flat.vector(combine(transposed, forward, flat.point(vector).parameters))

        def mean(vector: np.ndarray) -> np.ndarray:
            whole = np.zeros(flat.size)
            whole[part] = vector
            whole = tf.cast(whole, dtype)
            rows = [product(batch, whole).numpy()[part] for batch in batches]
            result = np.asarray(np.mean(rows, axis=0, dtype=np.float64))
            if not np.isfinite(result).all():
                raise RunError("the Jacobian is not finite at this point")
            return result

        return Operator(mean, len(range(flat.size)[part]))

    def own(mask: Mask):
        return lambda transposed, forward, u: transposed(mask, u)

    def half(sign: int):
        return lambda transposed, forward, u: tf.nest.map_structure(
            lambda ahead, back: (ahead + sign * back) / 2, forward(WHOLE, u), transposed(WHOLE, u)
        )

    everything = slice(0, flat.size)
    return Parts(
        operator(own(((1, 0), (0, 0))), slice(0, n)),
        operator(own(((0, 0), (0, 1))), slice(n, flat.size)),
        operator(half(1), everything),
        operator(half(-1), everything),
    )


def curvature(
    parts: Parts, *, count: int = 10, tolerance: float = 1e-4, iterations: int = RESTARTS, seed: int = 0
) -> Curvature:
    """Eigenvalues of the parts: all of an array's, of an operator's those at both ends (see `eigenpairs`).

    Raises:
      RunError: the Jacobian is not finite, or no eigenvalue converged.
    """
    of = lambda part: eigenpairs(part, count=count, tolerance=tolerance, iterations=iterations, seed=seed)
    norm, residual = rotation(parts.antisymmetric, tolerance=tolerance, iterations=iterations, seed=seed)
    return Curvature(of(parts.discriminator), of(parts.generator), of(parts.symmetric), norm, residual)


def eigenpairs(
    matrix: Matrix, *, count: int = 10, tolerance: float = 1e-4, iterations: int = RESTARTS, seed: int = 0
) -> Eigenpairs:
    """Eigenvalues of a symmetric matrix: all of an array's, of an operator's the `count` smallest and largest.

    The latter by Lanczos' method (ARPACK, through `scipy.sparse.linalg.eigsh`) on S ± 2‖S‖, so that one tolerance holds
    for large eigenvalues and for small ones: next to zero, where most eigenvalues of networks are, one relative to λ is
    never reached.

    Args:
      matrix: S, symmetric but for rounding.
      count: eigenvalues of each end. An operator of no more than 2 · count + 1 rows is taken for an array.
      tolerance: of a residual, relative to about ‖S‖, at which ARPACK stops.
      iterations: most restarts of each end; what has not converged by then is left out.
      seed: of the first vector.

    Raises:
      RunError: no eigenvalue of one end converged.
    """
    if not isinstance(matrix, np.ndarray) and matrix.shape[0] <= 2 * count + 1:
        matrix = matrix @ np.eye(matrix.shape[0])
    if isinstance(matrix, np.ndarray):
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    else:
        values, vectors = _ends(matrix, count, tolerance, iterations, _start(matrix, seed))
    residuals = np.linalg.norm(matrix @ vectors - vectors * values, axis=0)
    return Eigenpairs(values, residuals, vectors)


def rotation(matrix: Matrix, tolerance: float = 1e-4, iterations: int = RESTARTS, seed: int = 0) -> tuple[float, float]:
    """‖J_a‖ and its residual, ‖J_a v − iβ v‖/‖v‖ for β = ‖J_a‖ and an eigenvector v.

    β² is the largest eigenvalue of −J_a², with an eigenvector u, and v = u − i J_a u/β. The arguments are those of
    `eigenpairs`, and so are the errors.
    """
    start = _start(matrix, seed)
    square = Operator(lambda vector: -(matrix @ (matrix @ vector)), len(start))
    if not (matrix @ start).any():
        return 0.0, 0.0
    if len(start) > 3:
        values, vectors = _eigsh(square, 1, "LA", tolerance, iterations, start)
    else:
        values, vectors = np.linalg.eigh(square @ np.eye(len(start)))
    value, vector = float(values[-1]), vectors[:, -1]
    return float(np.sqrt(value)), float(np.linalg.norm(square @ vector - value * vector) / np.sqrt(2 * value))


def most_products(count: int, iterations: int = RESTARTS) -> int:
    """With how many vectors `eigenpairs` multiplies an operator at most."""
    one, end = (max(2 * k + 1, 20) + iterations * (max(2 * k + 1, 20) - k) for k in (1, count))
    return 1 + one + 2 * end + 2 * count


def _start(matrix: Matrix, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=[matrix.shape[0]])


def _ends(
    matrix: Operator, count: int, tolerance: float, iterations: int, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues at both ends, increasing, and their vectors; 0 alone of a matrix that is zero."""
    if not (matrix @ start).any():
        return np.zeros([1]), start[:, None] / np.linalg.norm(start)
    norm = abs(_eigsh(matrix, 1, "LM", 0.1, iterations, start)[0][0])
    found = []
    for which, shift in (("SA", -2 * norm), ("LA", 2 * norm)):
        values, vectors = _eigsh(_shifted(matrix, shift), count, which, tolerance / 3, iterations, start)
        found.append((values - shift, vectors))
    values, vectors = np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found], axis=1)
    order = np.argsort(values, kind="stable")
    return values[order], vectors[:, order]


def _shifted(matrix: Operator, shift: float) -> Operator:
    return Operator(lambda vector: matrix @ vector + shift * vector, matrix.shape[0])


def _eigsh(matrix, count: int, which: str, tolerance: float, iterations: int, start: np.ndarray):
    try:
        return linalg.eigsh(matrix, count, which=which, tol=tolerance, maxiter=iterations, v0=start)
    except linalg.ArpackNoConvergence as error:
        if not len(error.eigenvalues):
            raise RunError("no eigenvalue converged: allow more iterations, or a larger tolerance") from error
        return error.eigenvalues, error.eigenvectors
