"""Directions beside float64: right ones are near, a wrong one is called so, and parts are told from wholes."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import mlp
from jare_tf.reproduction import exactness
from jare_tf.types import Players

REAL = np.random.default_rng(0).normal(size=(8, 2))
GAMMA = 3.0


@dataclasses.dataclass(frozen=True)
class WrongInFloat32(jare_tf.Rule):
    """Simultaneous gradient descent whose generator goes a fortieth too far in float32."""

    def update(self, game, point, batch, memory=()):
        update = jare_tf.sim_gd().update(game, point, batch, memory)
        mine, yours = update.direction
        factor = 1.025 if yours[0].dtype == tf.float32 else 1.0
        return update._replace(direction=Players(mine, tuple(factor * one for one in yours)))


def make():
    keras.utils.set_random_seed(0)
    networks = mlp.generator(latent_dim=3, width=8, depth=2), mlp.discriminator(width=8, depth=2)
    return jare_tf.GAN(*networks, rule=jare_tf.sim_gd(), loss=jare_tf.NonSaturating(), latent_dim=3)


def by_rule(precision="float32", xla=False, **rules):
    return {row.rule: row for row in exactness.compare(make, rules, REAL, [precision], [xla])}


def test_a_wrong_direction_is_called_so():
    rows = by_rule(plain=jare_tf.sim_gd(), wrong=WrongInFloat32())
    assert rows["plain"].right and not rows["wrong"].right
    assert rows["plain"].part == Players(None, None)
    assert rows["wrong"].whole.discriminator.error < 1e-5
    assert rows["wrong"].whole.generator == pytest.approx((0.025, 1.0), abs=1e-4)
    table = exactness.table(list(rows.values()))
    assert "| `plain` | float32 | no |" in table and "**WRONG**" in table.splitlines()[-1]
    assert table.count("\n") == 3


@pytest.mark.parametrize("xla", [False, True])
@pytest.mark.parametrize(("precision", "least", "most"), [("float32", 0, 1e-4), ("mixed_bfloat16", 1e-4, 0.1)])
def test_parts(precision, least, most, xla):
    rows = by_rule(precision, xla, jare=jare_tf.jare(GAMMA), half=jare_tf.generator_only(GAMMA))
    for one in (*rows["jare"].whole, *rows["jare"].part):
        assert least <= one.error < most and one.cosine > 0.99
    assert rows["half"].part.discriminator is None and rows["half"].part.generator.error < most
    assert {row.xla for row in rows.values()} == {xla}


def test_float16_is_scaled_and_has_no_unrolled():
    rows = by_rule("mixed_float16", jare=jare_tf.jare(GAMMA), unrolled=jare_tf.unrolled(steps=1, step=0.1))
    assert list(rows) == ["jare"] and rows["jare"].right


def test_parameters_of_another():
    other = make()
    for variable in other.trainable_variables:
        variable.assign(2 * variable)
    real = REAL.astype(np.float64)
    [here] = exactness.compare(make, {"jare": jare_tf.jare(GAMMA)}, real, ["mixed_bfloat16"])
    [there] = exactness.compare(make, {"jare": jare_tf.jare(GAMMA)}, real, ["mixed_bfloat16"], parameters_of=other)
    assert there.right and here.whole != there.whole


def test_nothing_beside_nothing():
    zeros, ones = np.zeros(3), np.ones(3)
    assert exactness._distance(zeros, zeros) == (0.0, 1.0)
    assert exactness._distance(ones, zeros).error == exactness._distance(zeros, ones).error == np.inf
    assert exactness._distance(np.array([1.0, 1.0, 2.0]), ones) == pytest.approx((1 / 3**0.5, 4 / 18**0.5))
