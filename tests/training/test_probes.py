"""What every row of a run has besides the step's own metrics."""

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.training import actions, loop, probes
from tests.conftest import flat


class Rows(list):
    """A log that keeps what it is told."""

    def scalars(self, step, values):
        self.append(values)


def small_gan(*sample_shape, **kwargs):
    """Networks without biases: a sample of that shape is a linear function of z, and a logit of the sample."""
    size = int(np.prod(sample_shape))
    gan = jare_tf.GAN(
        keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(size, use_bias=False), keras.layers.Reshape(sample_shape)]
        ),
        keras.Sequential([keras.Input(sample_shape), keras.layers.Flatten(), keras.layers.Dense(1, use_bias=False)]),
        rule=jare_tf.sim_gd(),
        loss=jare_tf.Minimax(),
        latent_dim=2,
        **kwargs,
    )
    rates = keras.optimizers.schedules.PiecewiseConstantDecay([1, 2], [0.5, 0.25, 0.125])
    gan.compile(keras.optimizers.SGD(rates), keras.optimizers.SGD(0.75))
    return gan


def test_parameter_norm():
    gan = small_gan(3)
    expected = {
        player: np.linalg.norm(flat(gan.game.networks._asdict()[player].get_weights()))
        for player in ("discriminator", "generator")
    }
    assert probes.parameter_norm(gan) == pytest.approx(
        {f"parameter_norm/{player}": norm for player, norm in expected.items()}, rel=1e-6
    )


def test_learning_rate_is_that_of_the_schedule_now():
    gan, seen = small_gan(3), []
    for _ in range(4):
        seen.append(probes.learning_rate(gan))
        gan.update([tf.zeros([4, 3])])
    assert [row["learning_rate/discriminator"] for row in seen] == [0.5, 0.5, 0.25, 0.125]
    assert [row["learning_rate/generator"] for row in seen] == [0.75] * 4


def test_spectral_norms_of_every_kernel():
    gan = jare_tf.GAN(
        keras.Sequential(
            [
                keras.Input((2,)),
                keras.layers.Dense(8),
                keras.layers.Reshape((2, 2, 2)),
                keras.layers.Conv2DTranspose(1, 3, strides=2, padding="same"),
            ]
        ),
        keras.Sequential(
            [keras.Input((4, 4, 1)), keras.layers.Conv2D(5, 2), keras.layers.Flatten(), keras.layers.Dense(1)]
        ),
        rule=jare_tf.sim_gd(),
        loss=jare_tf.Minimax(),
        latent_dim=2,
    )
    expected = {}
    for player, network in gan.game.networks._asdict().items():
        kernels = [weight for weight in network.get_weights() if weight.ndim > 1]
        for number, kernel in enumerate(kernels):
            expected[f"spectral_norm/{player}/{number}"] = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), 2)
    assert len(expected) == 4
    assert probes.spectral_norms(gan) == pytest.approx(expected, rel=1e-6)


def test_memory_of_the_process():
    measured = probes.memory_bytes(small_gan(3))
    assert measured == {"memory_bytes/host": pytest.approx(psutil.Process().memory_info().rss, rel=0.1)}


def test_memory_of_gpus(monkeypatch):
    """The fullest one counts, and one that does not count is left out."""
    peaks = {"/device:GPU:0": 5, "/device:GPU:1": 7}

    def info(name):
        if name not in peaks:
            raise ValueError("Allocator stats not available")
        return {"current": 1, "peak": peaks[name]}

    gpus = [tf.config.LogicalDevice(f"/device:GPU:{index}", "GPU") for index in range(3)]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: gpus if kind == "GPU" else [])
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", info)
    assert probes.memory_bytes(small_gan(3))["memory_bytes/device_peak"] == 7
    peaks.clear()
    assert set(probes.memory_bytes(small_gan(3))) == {"memory_bytes/host"}


@pytest.mark.parametrize(
    ("sample_shape", "schedule", "speed"),
    [
        ((4, 4, 1), jare_tf.Simultaneous(), {"steps_per_second": 10.0, "images_per_second": 80.0}),
        ((4, 4, 1), jare_tf.Alternating(n_discriminator=5), {"steps_per_second": 10.0, "images_per_second": 480.0}),
        ((3,), jare_tf.Simultaneous(), {"steps_per_second": 10.0}),
    ],
)
def test_speed(sample_shape, schedule, speed):
    """Real images are counted, of every move; the first row, before which a step was compiled, has no speed."""
    rows = Rows()
    log = actions.log(rows, small_gan(*sample_shape, schedule=schedule), [], steps=100, batch_size=8)
    losses = {"loss/discriminator": 1.0, "loss/generator": 2.0}
    log(loop.StepReport(1, losses, steps_per_second=None))
    log(loop.StepReport(2, losses, steps_per_second=10.0))
    assert rows == [losses, {**losses, **speed}]
