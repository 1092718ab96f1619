"""Paths and slices against closed forms and direct evaluation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.dynamics.vector_field import vector_field
from jare_tf.game.networks import batch_norm
from jare_tf.theory import hessians, path
from jare_tf.theory.games import NO_BATCH, FormulaGame
from jare_tf.types import Players
from tests.conftest import flat
from tests.games import small_game

ALPHAS = np.linspace(-0.1, 1.1, 25)


def test_attraction():
    """ξ = w − w*, w_T = w*: cos(α) = sign(1 − α), ‖ξ‖ = |1 − α|‖Δ‖; at α = 1 ξ is 0 and cos not defined."""
    game = FormulaGame(lambda theta, phi: (theta**2 / 2, phi**2 / 2))
    found = path.between(game, game.point(3.0, -4.0), game.point(0.0, 0.0), [NO_BATCH], [-0.1, 0.0, 0.4, 1.0, 1.1])
    for cosines in found.cosines:
        np.testing.assert_allclose(cosines, [1, 1, 1, np.nan, -1], atol=1e-12)
    np.testing.assert_allclose(found.norms.both, 5 * np.abs(1 - found.alphas), atol=1e-12)
    np.testing.assert_allclose(found.norms.generator, 4 * np.abs(1 - found.alphas), atol=1e-12)
    np.testing.assert_allclose(found.losses.discriminator, 4.5 * (1 - found.alphas) ** 2, atol=1e-12)
    np.testing.assert_allclose(found.sign_changes, [0.75])  # halfway between the last two that are known


@pytest.mark.parametrize("delta", [(0.1, 0.02), (-0.3, 0.4)])
def test_rotation(delta):
    """The bilinear game, J = b[[0, −1], [1, 0]], w_T = w* + δ: cos = ⟨Δ, Jδ⟩/(b‖Δ‖‖(1 − α)Δ + δ‖)."""
    b, start = 0.7, np.array([2.0, 1.0])
    game = FormulaGame(lambda theta, phi: (-b * theta * phi, b * theta * phi))
    found = path.between(game, game.point(*start), game.point(*delta), [NO_BATCH], ALPHAS)
    back = start - delta
    away = (1 - ALPHAS)[:, None] * back + delta
    jacobian = b * np.array([[0, -1], [1, 0]])
    sizes = b * np.linalg.norm(away, axis=1)
    np.testing.assert_allclose(found.norms.both, sizes, rtol=1e-12)
    np.testing.assert_allclose(
        found.cosines.both, back @ jacobian @ delta / (np.linalg.norm(back) * sizes), rtol=1e-10, atol=1e-12
    )
    assert found.sign_changes == []
    assert ALPHAS[np.abs(found.cosines.both).argmax()] == pytest.approx(1 + delta @ back / (back @ back), abs=0.06)


def test_of_networks(float64):
    """Directly: ξ and losses at some α, of both players and each alone, as means over two batches."""
    game, batch = small_game(jare_tf.NonSaturating())
    batches = [batch, batch._replace(real=batch.real + 1)]
    start, end = game.point(), game.point().descended(game.point().parameters, 0.3)
    found = path.between(game, start, end, batches, [0.0, 0.25])
    there = start.descended(game.point().parameters, 0.25 * 0.3)
    evaluations = [vector_field(game, there, one) for one in batches]
    own = [np.mean([flat(one.gradient[i]) for one in evaluations], axis=0) for i in (0, 1)]
    back = [0.3 * flat(part) for part in start.parameters]
    for name, field, part in (("discriminator", own[0], back[0]), ("generator", own[1], back[1]),
                              ("both", np.concatenate(own), np.concatenate(back))):  # fmt: skip
        cosine = field @ part / (np.linalg.norm(field) * np.linalg.norm(part))
        assert getattr(found.cosines, name)[1] == pytest.approx(cosine, rel=1e-9)
        assert getattr(found.norms, name)[1] == pytest.approx(np.linalg.norm(field), rel=1e-9)
    losses = np.mean([[float(loss) for loss in one.losses] for one in evaluations], axis=0)
    np.testing.assert_allclose([curve[1] for curve in found.losses], losses, rtol=1e-12)


def test_one_player_stood_still(float64):
    game, batch = small_game(jare_tf.Minimax())
    start = game.point()
    end = start._replace(parameters=start.parameters._replace(generator=tuple(
        2 * one for one in start.parameters.generator)))  # fmt: skip
    found = path.between(game, start, end, [batch], [0.5])
    assert np.isnan(found.cosines.discriminator) and np.isfinite([found.cosines.both, found.cosines.generator]).all()
    with pytest.raises(jare_tf.InputError, match="the parameters at its start and at its end are the same"):
        path.between(game, start, start, [batch], [0.5])


def test_state_is_interpolated(float64):
    """Floating-point state is, counters are the end's."""
    seen = []

    class Recorded(FormulaGame):
        def losses(self, point, batch, training=True):
            seen.append(point.state)
            return super().losses(point, batch)

    game = Recorded(lambda theta, phi: (theta**2, phi**2))
    ends = [
        game.point(value, value)._replace(state=Players((tf.constant(value, tf.float64), tf.constant(int(value))), ()))
        for value in (1.0, 5.0)
    ]
    tf.config.run_functions_eagerly(True)
    try:
        blended = path._on_line(*ends, 0.25).state.discriminator
    finally:
        tf.config.run_functions_eagerly(False)
    assert (float(blended[0]), int(blended[1])) == (2.0, 5)
    path.between(game, *ends, [NO_BATCH], [0.5])
    assert len(seen) == 1


def test_networks_with_batch_norm(float64):
    """Their averages are state; the path, the Hessians and the slices are made."""
    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), batch_norm.layer(), keras.layers.Dense(2)])
    _, batch = small_game(jare_tf.Minimax())
    game = jare_tf.TwoPlayerGame(generator, small_game(jare_tf.Minimax())[0].networks.discriminator, jare_tf.Minimax())
    start = game.point()
    state = tf.nest.map_structure(lambda one: one + 1, start.state)
    end = start.descended(start.parameters, 0.5)._replace(state=state)
    assert np.isfinite(path.between(game, start, end, [batch], ALPHAS[::8]).cosines.both).all()
    parts = [make(game, end, [batch]).generator for make in (hessians.matrices, hessians.operators)]
    dense, free = (part @ np.eye(part.shape[0]) for part in parts)
    np.testing.assert_allclose(free, dense, atol=1e-9)
    np.testing.assert_allclose(dense, dense.T, atol=1e-9)


def test_slices_are_losses_along_eigenvectors(float64):
    game, batch = small_game(jare_tf.NonSaturating())
    batches = [batch, batch._replace(real=batch.real + 1)]
    found = hessians.curvature(hessians.matrices(game, game.point(), batches))
    pairs = Players(found.discriminator, found.generator)
    slices = list(path.along(game, game.point(), batches, pairs, points=5))
    assert [one.player for one in slices] == ["discriminator"] * 2 + ["generator"] * 2
    for one, end in zip(slices, (0, -1, 0, -1), strict=True):
        own = getattr(pairs, one.player)
        direction = own.vectors[:, end]
        assert one.eigenvalue == own.values[end]
        reach = min(
            np.sqrt(0.2 / abs(one.eigenvalue)), np.linalg.norm(flat(getattr(game.point().parameters, one.player)))
        )
        np.testing.assert_allclose(one.distances, np.linspace(-reach, reach, 5))
        for index in (0, 3):
            there = moved(game.point(), one.player, one.distances[index] * direction)
            losses = np.mean([[float(loss) for loss in game.losses(there, one)[0]] for one in batches], axis=0)
            np.testing.assert_allclose([curve[index] for curve in one.losses], losses, rtol=1e-12)
    # The curvature of the player's own loss along its eigenvector is the eigenvalue, by central differences.
    for one in path.along(game, game.point(), batches, pairs, points=3, change=1e-6):
        before, here, after = getattr(one.losses, one.player)
        assert (before - 2 * here + after) / one.distances[-1] ** 2 == pytest.approx(one.eigenvalue, rel=0.01, abs=1e-3)


def moved(point, player, step):
    """The point with one player's parameters, as a vector, moved."""
    tensors = getattr(point.parameters, player)
    parts = np.split(flat(tensors) + step, np.cumsum([np.size(one) for one in tensors])[:-1])
    new = tuple(tf.constant(part.reshape(one.shape)) for part, one in zip(parts, tensors, strict=True))
    return point._replace(parameters=point.parameters._replace(**{player: new}))
