"""The Jacobian of the implemented step of any rule on any game, and its eigenvalues."""

import dataclasses
import functools
import math

import numpy as np
import tensorflow as tf
from scipy.linalg import block_diag
from scipy.sparse import linalg

from jare_tf.dynamics.rule import Rule
from jare_tf.dynamics.schedule import Schedule, Simultaneous
from jare_tf.dynamics.vector_field import transposed_products
from jare_tf.errors import InputError, RunError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.theory.matrix_free import Flat, Operator, traced
from jare_tf.types import Batch, Players, Point, each_player

ROUNDING = 1e-12  # a multiplier this close to 1 belongs to a direction along which nothing moves


@dataclasses.dataclass(frozen=True)
class Linearization:
    """The moves of a rule to first order around a point w*, over one period of the rule and its schedule. In move i,

        (direction, next memory) ≈ constant + K_i (w − w*, memory − memory*).

    Args:
      moves: the K_i, float64 [moves, n + m, n + m], rows (direction, next memory) and columns (w, memory), for n
        parameters and m remembered numbers. w is (θ, φ), the discriminator first.
      changes: which of (w, memory) move i changes, those of the players that move: booleans [moves, n + m].
      parameters: n.
      steps: training steps that these moves are.
      schedule: who moves, from where, and what pulls the weights back.
    """

    moves: np.ndarray
    changes: np.ndarray
    parameters: int
    steps: int
    schedule: Schedule = Simultaneous()

    @property
    def memoryless(self) -> bool:
        """Whether every step is the same single move of both players, direction = K (w − w*)."""
        return self.moves.shape == (1, self.parameters, self.parameters) and not self.schedule.pull_backs

    @property
    def period(self) -> int:
        """Training steps after which everything is as it was: the rule, and all that pulls back."""
        return math.lcm(self.steps, *(pull_back.period for pull_back in self.schedule.pull_backs))

    @functools.cached_property
    def curvatures(self) -> np.ndarray:
        """The n eigenvalues κ of the single K of a memoryless rule, along which direction = κ (w − w*)."""
        if not self.memoryless:
            raise ValueError("a rule with a memory, a period or a schedule has no single Jacobian")
        return np.linalg.eigvals(self.moves[0])

    def eigenvalues(self, step: float) -> np.ndarray:
        """The n values λ with which gradient descent of step size η multiplies errors by 1 + ηλ a training step.

        For a memoryless rule these are the eigenvalues of A = −∂direction/∂w, whatever η. Else, with μ the multipliers
        over one period of p steps, λ = (μ^(1/p) − 1)/η with the principal root, of the n largest |μ|: the m others,
        which a memory adds, decay within a few steps. Such λ depend on η. A negative μ, an overshoot once a period and
        no rotation, counts as |μ|.
        """
        if self.memoryless:
            return -self.curvatures
        multipliers = np.linalg.eigvals(self.period_matrix(np.ones([1, 1]), np.array([step]))).astype(complex)
        largest = multipliers[np.argsort(-np.abs(multipliers), kind="stable")[: self.parameters]]
        overshoot = (largest.imag == 0) & (largest.real < 0)
        roots = np.where(overshoot, -largest, largest) ** (1 / self.period)
        return np.where(np.abs(roots - 1) < ROUNDING, 0, (roots - 1) / step)

    def period_matrix(self, transition: np.ndarray, response: np.ndarray) -> np.ndarray:
        """The matrix of one period under an optimizer with state (w, slots)' = transition (w, slots) − response d.

        Args:
          transition: [k, k], what the optimizer does to each parameter and its k − 1 slots when the direction is 0.
          response: [k], how they answer the parameter's direction d.

        Returns:
          [k n + m, k n + m], the product of the period's moves on (w − w*, slots, memory − memory*).
        """
        of_steps = self._step_matrices(transition, response)

        @functools.cache
        def stretch(level: int, phase: int) -> np.ndarray:
            """From a step that is `phase` into the moves to the end of a period of the pull at `level`."""
            if not level:
                return of_steps[phase]
            length, factor = spans[level]
            phases = [(phase + step) % self.steps for step in range(0, length, spans[level - 1][0])]
            return _pulled_back(_product([stretch(level - 1, one) for one in phases]), self.parameters, factor)

        spans = [(1, 1.0), *self.schedule.pull_backs]
        length = spans[-1][0]
        starts = range(0, self.period, length)
        return _product([stretch(len(spans) - 1, start % self.steps) for start in starts])

    def _step_matrices(self, transition: np.ndarray, response: np.ndarray) -> list[np.ndarray]:
        n, slots = self.parameters, len(response)
        first = np.eye(1, slots)
        remembered = self.moves.shape[1] - n
        still = np.eye(slots * n + remembered)
        steady = block_diag(np.kron(transition, np.eye(n)), np.zeros([remembered, remembered]))
        steps = []
        per_step = len(self.moves) // self.steps
        for number, (move, changes) in enumerate(zip(self.moves, self.changes, strict=True)):
            if number % per_step == 0:
                total = still
            moved = np.block(
                [
                    [-np.kron(np.outer(response, first), move[:n, :n]), -np.kron(response[:, None], move[:n, n:])],
                    [np.kron(first, move[n:, :n]), move[n:, n:]],
                ]
            )
            # Where every move starts from: the weights of now, or those before the step.
            origin = np.concatenate([still[:n], total[n:]]) if self.schedule.returns else total
            changed = np.concatenate([np.tile(changes[:n], slots), changes[n:]])
            total = np.where(changed[:, None], steady @ origin + moved @ total, origin)
            if (number + 1) % per_step == 0:
                steps.append(total)
        return steps


def _product(matrices: list[np.ndarray]) -> np.ndarray:
    """The last one times ... times the first one."""
    if all(matrix is matrices[0] for matrix in matrices):
        return np.linalg.matrix_power(matrices[0], len(matrices))
    return functools.reduce(lambda total, matrix: matrix @ total, matrices)


def _pulled_back(matrix: np.ndarray, parameters: int, factor: float) -> np.ndarray:
    """What a stretch of steps does where its end pulls the weights back to their start, s + factor · (w − s)."""
    pulled = factor * matrix[:parameters] + (1 - factor) * np.eye(parameters, len(matrix))
    return np.concatenate([pulled, matrix[parameters:]])


def moving(multipliers: np.ndarray) -> np.ndarray:
    """The multipliers without those of directions along which nothing moves, which are 1 but for rounding."""
    return multipliers[np.abs(multipliers - 1) > ROUNDING]


def linearize(
    game: TwoPlayerGame,
    rule: Rule,
    point: Point,
    batch: Batch,
    *,
    schedule: Schedule = Simultaneous(),
    rows_at_once: int = 64,
) -> Linearization:
    """The exact Jacobian of a rule's moves at a point, by automatic differentiation, `rows_at_once` rows a pass.

    A memory is first brought to what it is after the periods at the point in which it settles.

    Args:
      game: the game.
      rule: any rule.
      point: where; a move is a linear map of the distance to it where it is an equilibrium. Zero eigenvalues are told
        from small ones in float64 only.
      batch: the samples that stand for the expectations, in every move.
      schedule: who moves when.
      rows_at_once: rows that share one backward pass; more need more memory.

    Raises:
      RunError: the Jacobian is not finite.
    """
    flat = Flat(point)
    remembered = traced(lambda memory: rule.update(game, point, batch, memory).memory)
    update = lambda memory: remembered(memory) if tf.nest.flatten(memory) else memory

    @traced
    def products(vector, memory, rows):
        sizes = [leaf.shape.num_elements() for leaf in tf.nest.flatten(memory) if leaf.dtype.is_floating]

        def move(vector):
            parameters, *leaves = tf.split(vector, [flat.size, *sizes])
            update = rule.update(game, flat.point(parameters), batch, _with_floats(memory, leaves))
            return flat.vector((update.direction, update.memory))

        return transposed_products(move, vector, rows)

    movers = schedule.moves * rule.period
    memory = rule.memory(point)
    for players in movers * rule.settles:
        memory = _changed(memory, update(memory), players)
    moves, changes = [], []
    for players in movers:
        start = flat.vector((point.parameters, memory))
        rows = np.eye(len(start), dtype=start.dtype.as_numpy_dtype)
        blocks = [products(start, memory, rows[i : i + rows_at_once]) for i in range(0, len(rows), rows_at_once)]
        moves.append(np.concatenate(blocks).astype(np.float64))
        parts = [zip(players, nest, strict=True) for nest in (point.parameters, memory)]
        changes.append(np.concatenate([np.full(_floats(part), now) for pairs in parts for now, part in pairs]))
        memory = _changed(memory, update(memory), players)
    if not np.isfinite(moves).all():
        raise RunError("the Jacobian is not finite at this point")
    return Linearization(np.stack(moves), np.stack(changes), flat.size, rule.period, schedule)


def _changed(before: Players, after: Players, players: Players) -> Players:
    """What the moving players have of `after`, the others of `before`."""
    return each_player(lambda old, new, moves: new if moves else old, before, after, players)


def extremal_eigenvalues(
    game: TwoPlayerGame,
    rule: Rule,
    point: Point,
    batch: Batch,
    *,
    preconditioner: np.ndarray | float = 1.0,
    count: int = 4,
    tolerance: float = 1e-2,
    iterations: int = 10,
    seed: int = 0,
) -> np.ndarray:
    """Eigenvalues λ of A = −P ∂direction/∂(θ, φ) at the ends of the spectrum of a game of any size.

    Arnoldi's method (ARPACK, through `scipy.sparse.linalg.eigs`) on Aᵀ, which has A's eigenvalues and needs only
    backward passes: those of largest modulus, of largest real part and of largest imaginary part, which decide over
    stable steps and oscillation. Small eigenvalues inside the spectrum are out of its reach, so that what
    `phase_factor` and `conditioning` make of the result are lower bounds.

    For a rule with a memory or a period, direction is the mean over a period that is spent at the point, which has the
    step's eigenvalues to first order in the step size.

    Args:
      game: the game.
      rule: any rule.
      point: where.
      batch: the samples that stand for the expectations.
      preconditioner: P's diagonal, [n] or one number (`theory.preconditioner`).
      count: eigenvalues of each kind.
      tolerance: relative error at which ARPACK stops.
      iterations: most restarts of each kind; what has not converged by then is left out.
      seed: of the first vector.

    Returns:
      The distinct eigenvalues found, complex, by falling modulus; a complex pair gives both. Empty if none converged.

    Raises:
      InputError: the game has fewer than 4 parameters.
    """
    flat = Flat(point)
    start = flat.vector(point.parameters)

    direction = lambda vector: flat.vector(mean_direction(game, rule, flat.point(vector), batch))
    products = traced(functools.partial(transposed_products, direction))

    def minus_transposed(vector: np.ndarray) -> np.ndarray:
        row = tf.cast(np.reshape(preconditioner * vector, [1, -1]), start.dtype)
        return -products(start, row).numpy()[0]

    matrix = Operator(minus_transposed, flat.size)
    if flat.size < 4:
        raise InputError(f"a game of {flat.size} parameters is too small for Arnoldi's method: use a dense spectrum")
    options = {"k": min(count, flat.size - 2), "tol": tolerance, "maxiter": iterations, "return_eigenvectors": False}
    options["v0"] = np.random.default_rng(seed).normal(size=flat.size)
    found: list[complex] = []
    for which in ("LM", "LR", "LI"):
        try:
            found.extend(linalg.eigs(matrix, which=which, **options))
        except linalg.ArpackNoConvergence as error:
            found.extend(error.eigenvalues)
    return _distinct(np.array(found, complex), tolerance / 10)


def mean_direction(game: TwoPlayerGame, rule: Rule, point: Point, batch: Batch) -> Players:
    """The mean of a rule's directions over a period that is spent at a point, after those in which its memory settles.

    The direction itself for most rules; for `lazy` that of the rule which it wraps, and for `optimistic` ξ.
    """
    memory = rule.memory(point)
    if rule.period > 1 or tf.nest.flatten(memory):
        for _ in range(rule.period * rule.settles):
            memory = rule.update(game, point, batch, memory).memory
    directions = []
    for _ in range(rule.period):
        update = rule.update(game, point, batch, memory)
        memory = update.memory
        directions.append(update.direction)
    return tf.nest.map_structure(lambda *parts: tf.add_n(parts) / rule.period, *directions)


def _distinct(values: np.ndarray, tolerance: float) -> np.ndarray:
    """The values with their complex conjugates, by falling modulus, without those that lie next to one before them."""
    kept: list[complex] = []
    near = tolerance * np.abs(values).max(initial=0.0)
    for value in values[np.argsort(-np.abs(values), kind="stable")]:
        for one in (value, np.conj(value)) if abs(value.imag) > near else (value,):
            if all(abs(one - other) > near for other in kept):
                kept.append(one)
    return np.array(kept, complex)


def _floats(nest) -> int:
    """How many floating-point numbers the tensors of a nest hold."""
    return sum(leaf.shape.num_elements() for leaf in tf.nest.flatten(nest) if leaf.dtype.is_floating)


def _with_floats(nest, vectors) -> Players:
    """The nest with its floating-point tensors replaced by the numbers of the vectors."""
    vectors = iter(vectors)
    replaced = lambda leaf: tf.reshape(next(vectors), leaf.shape) if leaf.dtype.is_floating else leaf
    return tf.nest.map_structure(replaced, nest)
