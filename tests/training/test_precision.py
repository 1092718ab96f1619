"""Mixed precision: directions as in float32, also where float16 alone would lose them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game import precision
from jare_tf.game.networks import dcgan
from jare_tf.types import Batch, Players
from tests.conftest import flat
from tests.runs import metrics, run
from tests.test_experiment import assert_same_run

SMALL = {"filters": 4, "image_size": 16, "channels": 1}
BATCH = Batch(*(tf.random.stateless_normal(shape, [1, 2]) for shape in ([8, 16, 16, 1], [8, 2])))


def faint(real_logits, fake_logits):
    """A loss whose gradients are in part below the range of float16."""
    return Players(*(1e-4 * loss for loss in jare_tf.NonSaturating()(real_logits, fake_logits)))


def game(policy, loss, scale=None):
    keras.utils.set_random_seed(0)
    with precision.policy(policy):
        made = jare_tf.TwoPlayerGame(
            dcgan.generator(latent_dim=2, batch_norm=True, **SMALL),
            dcgan.discriminator(spectral_norm=True, **SMALL),
            loss,
        )
    made.loss_scale = scale
    return made


def coupling(rule, one):
    """What the rule adds to ξ, of each player as one vector."""
    update = rule.update(one, one.point(), BATCH)
    return [flat(d) - flat(xi) for d, xi in zip(update.direction, update.evaluation.gradient, strict=True)]


def distance(one, other):
    return max(np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("policy", "scale", "most"), [("mixed_bfloat16", None, 0.12), ("mixed_float16", 2.0**15, 0.05)]
)
@pytest.mark.parametrize("name", ["jare", "con_opt"])
def test_direction_is_that_of_float32(policy, scale, most, name):
    rule = getattr(jare_tf, name)(gamma=1e4)
    expected = coupling(rule, game("float32", faint))
    assert distance(coupling(rule, game(policy, faint, scale)), expected) < most


def test_float16_needs_the_scale_in_both_passes():
    rule = jare_tf.jare(gamma=1e4)
    assert distance(coupling(rule, game("mixed_float16", faint)), coupling(rule, game("float32", faint))) > 0.3


def made_gan(policy, rule=jare_tf.jare(gamma=1.0)):
    keras.utils.set_random_seed(0)
    with precision.policy(policy):
        networks = dcgan.generator(latent_dim=2, **SMALL), dcgan.discriminator(spectral_norm=True, **SMALL)
        gan = jare_tf.GAN(*networks, rule=rule, loss=jare_tf.NonSaturating(), latent_dim=2)
    gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
    return gan


def state(gan):
    optimizers = gan.discriminator_optimizer, gan.generator_optimizer
    return [np.array(v) for part in (*gan.game.networks, *optimizers) for v in part.variables]


def test_a_step_out_of_range_changes_nothing_but_the_scale():
    gan = made_gan("mixed_float16")
    gan.update([BATCH.real])
    before = state(gan)
    gan.scaling[0].assign(2.0**60)
    reported = tf.function(gan.update)([BATCH.real])
    for old, new in zip(before, state(gan), strict=True):
        np.testing.assert_array_equal(old, new)
    assert float(gan.scaling[0].numpy()) == 2.0**59
    assert gan.step == 2
    assert all(np.isfinite(value) for value in reported.values())
    gan.scaling[0].assign(2.0**10)
    gan.update([BATCH.real])
    assert any(np.any(old != new) for old, new in zip(before, state(gan), strict=True))


def test_the_scale_is_doubled_after_2000_steps_in_range():
    gan = made_gan("mixed_float16")
    gan.scaling[1].assign(1999)
    gan.update([BATCH.real])
    assert [float(weight.numpy()) for weight in gan.scaling] == [2.0**16, 2000]


def test_bfloat16_needs_no_scale_and_samples_are_float32():
    gan = made_gan("mixed_bfloat16")
    assert gan.scaling == ()
    gan.update([BATCH.real])
    assert gan(tf.zeros([1, 2])).dtype == tf.float32


@pytest.mark.parametrize("policy", [pytest.param("mixed_bfloat16", marks=pytest.mark.slow), "mixed_float16"])
def test_a_run_is_resumed(tmp_path, policy):
    mixed = [f"PRECISION = '{policy}'", "BATCH_SIZE = 4", "experiment.Experiment.average_decay = 0.5"]
    files = ["mixture_jare_paper/jare.gin"]
    run(tmp_path / "whole", *mixed, files=files)
    run(tmp_path / "parts", *mixed, "STEPS = 10", files=files)
    run(tmp_path / "parts", *mixed, files=files)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert all(np.isfinite(value) for row in metrics(tmp_path / "whole") for value in row.values())


def test_no_such_precision(tmp_path):
    with pytest.raises(
        jare_tf.InputError, match="precision must be 'float32', 'mixed_bfloat16' or 'mixed_float16', not"
    ):
        run(tmp_path, "PRECISION = 'float8'")


def test_symplectic_gradient_adjustment_in_float16():
    rule = jare_tf.symplectic_gradient_adjustment(1e4)
    expected = coupling(rule, game("float32", faint))
    assert distance(coupling(rule, game("mixed_float16", faint, 2.0**15)), expected) < 0.1


def test_unrolled_has_no_float16():
    rule = jare_tf.clipped(jare_tf.unrolled(steps=1, step=0.1), norm=1.0)
    made_gan("mixed_bfloat16", rule)
    with pytest.raises(jare_tf.InputError, match=r"unrolled\(.*: its second derivatives leave the range of float16"):
        made_gan("mixed_float16", rule)
