"""The same networks in PyTorch, and the same directions from the same weights; where there is PyTorch.

PyTorch computes in a process of its own: in one with TensorFlow it ends in a segmentation fault.
"""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import conv4, dcgan, resnet
from jare_tf.reproduction import pytorch_process
from jare_tf.types import Batch, Players

with_pytorch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="no PyTorch is installed")
PARAMETERS = {  # of generator and discriminator, as published
    "A": (3_811_459, 2_935_873),
    "C": (345_219, 312_513),
    "E": (343_779, 384_929),
    "F": (441_507, 384_929),
}
# Generator and discriminator, and the sides of the images behind and before their dense layers.
NETWORKS = {
    "A": (lambda filters: conv4.generator(batch_norm=True, filters=filters), conv4.discriminator, 4, 4),
    "B": (conv4.generator, conv4.discriminator, 4, 4),
    "C": (dcgan.generator, dcgan.discriminator, 2, 2),
    "E": (resnet.generator_v1, resnet.discriminator, 2, 2),
    "F": (resnet.generator_v2, resnet.discriminator, 4, 2),
}
RULES = {"GAN": jare_tf.sim_gd(), "ConOpt": jare_tf.con_opt(gamma=10.0), "JARE": jare_tf.jare(gamma=100.0)}

# Of weights, real images and latent vectors, each player's losses and directions by every method.
DIRECTIONS = """
import sys
import numpy as np, torch
import pytorch_steps

file, setting = sys.argv[1:]
given = np.load(file)
networks = [make(4).double() for make in pytorch_steps.NETWORKS[setting]]
parameters = [list(network.parameters()) for network in reversed(networks)]
with torch.no_grad():
    for player, own in enumerate(parameters):
        for index, parameter in enumerate(own):
            parameter.copy_(torch.from_numpy(given[f"{player}.{index}"]))
found = {}
for method in pytorch_steps.METHODS:
    losses = pytorch_steps.losses(*networks, torch.from_numpy(given["real"]), torch.from_numpy(given["latent"]))
    found[f"{method}.losses"] = np.array([loss.item() for loss in losses])
    for player, own in enumerate(pytorch_steps.direction(method, pytorch_steps.METHODS[method], losses, parameters)):
        found |= {f"{method}.{player}.{index}": part.numpy() for index, part in enumerate(own)}
np.savez(file, **found)
"""


def in_pytorch(code, *arguments):
    """What a program prints that imports `pytorch_steps`."""
    folder = pytorch_process.__file__.rpartition("/")[0]
    program = [sys.executable, "-c", f"import sys; sys.path.insert(0, {folder!r})\n{code}", *arguments]
    ended = subprocess.run(program, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@with_pytorch
def test_parameters():
    counts = in_pytorch(
        """
import json, pytorch_steps
count = lambda network: sum(one.numel() for one in network.parameters())
print(json.dumps({name: [count(make(64)) for make in makers] for name, makers in pytorch_steps.NETWORKS.items()}))
"""
    )
    found = json.loads(counts)
    assert list(found) == list(pytorch_process.SETTINGS)
    assert {name: tuple(found[name]) for name in PARAMETERS} == PARAMETERS


def mirrored(images):
    """Images, channels last, as PyTorch sees them."""
    return images[:, ::-1, ::-1].transpose(0, 3, 1, 2)


def as_torch(players: Players, generator_side: int, discriminator_side: int) -> list[list[np.ndarray]]:
    """Parameters, or what has their shapes, in PyTorch's layout and mirrored."""
    flat = lambda rows, side: mirrored(rows.reshape(-1, side, side, rows.shape[-1] // side**2)).reshape(rows.shape)
    kernel = lambda value: value[::-1, ::-1].transpose(3, 2, 0, 1) if value.ndim == 4 else value
    discriminator, generator = (list(map(np.asarray, part)) for part in players)
    generator[:2] = flat(generator[0], generator_side).T, flat(generator[1][None], generator_side)[0]
    discriminator[-2] = flat(discriminator[-2].T, discriminator_side)
    return [[kernel(value) for value in part] for part in (discriminator, generator)]


@with_pytorch
@pytest.mark.parametrize("setting", NETWORKS)
def test_directions(float64, setting, tmp_path):
    *makers, generator_side, discriminator_side = NETWORKS[setting]
    generator, discriminator = (make(filters=4) for make in makers)
    game = jare_tf.TwoPlayerGame(generator, discriminator, jare_tf.NonSaturating())
    rng = np.random.default_rng(0)
    point = game.point()
    point = point._replace(
        parameters=tf.nest.map_structure(lambda value: value + 0.1 * rng.normal(size=value.shape), point.parameters)
    )
    real, latent = rng.uniform(-1, 1, (3, 32, 32, 3)), rng.normal(size=(3, 128))

    values = as_torch(point.parameters, generator_side, discriminator_side)
    given = {f"{player}.{index}": value for player, own in enumerate(values) for index, value in enumerate(own)}
    np.savez(tmp_path / "values.npz", real=mirrored(real), latent=latent, **given)
    in_pytorch(DIRECTIONS, str(tmp_path / "values.npz"), setting)
    found = np.load(tmp_path / "values.npz")
    assert tuple(RULES) == pytorch_process.METHODS
    for method, rule in RULES.items():
        expected = rule.update(game, point, Batch(tf.constant(real), tf.constant(latent)), rule.memory(point))
        np.testing.assert_allclose(found[f"{method}.losses"], expected.evaluation.losses, rtol=1e-7)
        for player, own in enumerate(as_torch(expected.direction, generator_side, discriminator_side)):
            size = max(np.abs(part).max() for part in own)
            for index, part in enumerate(own):
                other = found[f"{method}.{player}.{index}"]
                np.testing.assert_allclose(other, part, rtol=0, atol=1e-6 * size, err_msg=method)


@with_pytorch
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_steps(precision):
    with pytorch_process.PyTorchProcess("D", ["GAN", "JARE"], precision, batch_size=2, filters=4) as process:
        assert len(process.first_calls) == 2 and min(process.first_calls) > 0
        for method in (0, 1, 0):
            process.step(method)
        with pytest.raises(jare_tf.RunError, match="PyTorch: IndexError: list index out of range"):
            process.step(2)


def test_without_pytorch(monkeypatch, tmp_path):
    """A line that says what to install."""
    (tmp_path / "torch.py").write_text("raise ImportError('No module named torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = pytorch_process.PyTorchProcess("C", ["GAN"], "float32", 2, 4)
    with pytest.raises(jare_tf.InputError, match=r"PyTorch: pip install torch \(No module named torch\)"):
        process.__enter__()
