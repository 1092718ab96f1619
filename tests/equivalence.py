"""Trains small games for 20 steps, where the command line says, and saves the parameters they reach.

    python -m tests.equivalence FOLDER one_device affine/jare dcgan2/jare           (FOLDER/one_device_0.npz)
    python -m tests.equivalence FOLDER mirrored affine/jare dcgan2/jare
    TF_CONFIG=... python -m tests.equivalence FOLDER multi_worker affine/jare       (..._0.npz and ..._1.npz)

`test_strategy` compares the files of several such processes; TensorFlow wants one strategy a process.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

import jare_tf
from jare_tf.data.in_memory import InMemory
from jare_tf.dynamics.schedule import Schedule
from jare_tf.game.networks import affine, batch_norm, conv4, dcgan
from jare_tf.training import loop, strategy
from tests.conftest import RULES
from tests.runs import pace

STEPS = 20
SMALL = {"filters": 2, "image_size": 16, "channels": 1}
# At a learning rate beyond its largest stable step, so that rounding errors would grow.
DAMPED = {"hamiltonian": lambda _: jare_tf.clipped(jare_tf.hamiltonian(), norm=0.1)}
SCHEDULES = {"lookahead": lambda _: jare_tf.Lookahead(period=3), "extrapolating": lambda _: jare_tf.Extrapolating()}


def games():
    """By name (networks, samples, learning rate, rules or schedules). Affine networks are traced in the least time."""
    rng = np.random.default_rng(0)
    points = rng.normal([0.0, 4.0], 0.5, size=(52, 2)).astype(np.float32)
    pictures = rng.integers(0, 256, size=(52, 16, 16, 1), dtype=np.uint8)
    return {
        "affine": (
            lambda: (affine.generator(mean=[0.0, 4.0]), affine.discriminator(dimension=2)),
            points,
            0.05,
            RULES | SCHEDULES | DAMPED,
        ),
        "dcgan2": (
            lambda: (
                dcgan.generator(latent_dim=2, layers=2, batch_norm=True, **SMALL),
                dcgan.discriminator(layers=2, spectral_norm=True, **SMALL),
            ),
            pictures,
            0.05,
            {name: RULES[name] for name in ("sim_gd", "jare")},
        ),
        "dcgan4": (
            lambda: (dcgan.generator(latent_dim=2, **SMALL), dcgan.discriminator(**SMALL)),
            pictures,
            0.05,
            RULES,
        ),
        "conv4": (
            lambda: (
                conv4.generator(latent_dim=2, batch_norm=True, **SMALL),
                conv4.discriminator(spectral_norm=True, **SMALL),
            ),
            pictures,
            0.05,
            {name: RULES[name] for name in ("sim_gd", "jare", "con_opt")},
        ),
    }


def trained(devices, networks, samples, rate, method):
    rule, schedule = (jare_tf.jare(gamma=0.3), method) if isinstance(method, Schedule) else (method, None)
    keras.utils.set_random_seed(0)
    with devices.scope():
        generator, discriminator = networks()
        if devices.num_replicas_in_sync > 1:
            batch_norm.synchronize(generator)
        gan = jare_tf.GAN(
            generator, discriminator, rule=rule, schedule=schedule, loss=jare_tf.NonSaturating(), latent_dim=2
        )
        gan.compile(
            keras.optimizers.SGD(rate, momentum=0.5, clipnorm=1.0), keras.optimizers.Adam(rate / 10, epsilon=1e-3)
        )
    loop.train(gan, InMemory("samples", samples), 8, pace(STEPS, steps_per_call=10))
    return [variable.numpy() for network in gan.game.networks for variable in network.variables]


if __name__ == "__main__":
    folder, name, *cases = sys.argv[1:]
    if name == "mirrored":
        devices = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    where = strategy.make(name)
    arrays, every = {}, games()
    for case in cases:
        game, rule = case.split("/")
        networks, samples, rate, rules = every[game]
        values = trained(where, networks, samples, rate, rules[rule](0.3))
        arrays |= {f"{case}/{index}": value for index, value in enumerate(values)}
    np.savez(f"{folder}/{name}_{strategy.worker(where)}.npz", **arrays)
