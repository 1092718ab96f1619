"""tools/pytorch_steps.py: the same networks, and the same directions from the same weights; where there is PyTorch."""

import json

import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import conv4, dcgan, resnet
from jare_tf.types import Batch, Players

torch = pytest.importorskip("torch")
from tools import pytorch_steps

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
SMALL = ["--rounds", "1", "--batch_size", "2", "--filters", "4"]


@pytest.mark.parametrize("setting", PARAMETERS)
def test_parameters(setting):
    made = (make(64) for make in pytorch_steps.NETWORKS[setting])
    assert tuple(sum(one.numel() for one in network.parameters()) for network in made) == PARAMETERS[setting]


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


@pytest.mark.parametrize("setting", NETWORKS)
def test_directions(float64, setting):
    *makers, generator_side, discriminator_side = NETWORKS[setting]
    generator, discriminator = (make(filters=4) for make in makers)
    game = jare_tf.TwoPlayerGame(generator, discriminator, jare_tf.NonSaturating())
    rng = np.random.default_rng(0)
    point = game.point()
    point = point._replace(
        parameters=tf.nest.map_structure(lambda value: value + 0.1 * rng.normal(size=value.shape), point.parameters)
    )
    real, latent = rng.uniform(-1, 1, (3, 32, 32, 3)), rng.normal(size=(3, 128))

    networks = [make(4).double() for make in pytorch_steps.NETWORKS[setting]]
    parameters = [list(network.parameters()) for network in reversed(networks)]
    values = as_torch(point.parameters, generator_side, discriminator_side)
    with torch.no_grad():
        for own, theirs in zip(parameters, values, strict=True):
            for parameter, value in zip(own, theirs, strict=True):
                parameter.copy_(torch.from_numpy(value.copy()))
    batch = torch.from_numpy(mirrored(real).copy()), torch.from_numpy(latent)
    for method, rule in RULES.items():
        expected = rule.update(game, point, Batch(tf.constant(real), tf.constant(latent)), rule.memory(point))
        losses = pytorch_steps.losses(*networks, *batch)
        np.testing.assert_allclose([loss.item() for loss in losses], expected.evaluation.losses, rtol=1e-7)
        found = pytorch_steps.direction(method, getattr(rule, "gamma", 0.0), losses, parameters)
        for own, theirs in zip(found, as_torch(expected.direction, generator_side, discriminator_side), strict=True):
            size = max(np.abs(part).max() for part in theirs)
            for part, value in zip(own, theirs, strict=True):
                np.testing.assert_allclose(part, value, rtol=0, atol=1e-6 * size, err_msg=method)


def test_rows(tmp_path, capsys):
    pytorch_steps.main([*SMALL, "--settings", "C,D", "--output", str(tmp_path / "rows.json")])
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [(row["setting"], row["method"]) for row in rows] == [(s, m) for s in "CD" for m in RULES]
    assert all(row["milliseconds"] > 0 and row["mode"] == "PyTorch" for row in rows)
    assert "| C | JARE | PyTorch | " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--settings", "G"], "--settings must be some of A, B, C, D, E, F, separated by commas, not 'G'"),
        (["--methods", "SN-GAN"], "--methods must be some of GAN, ConOpt, JARE, separated by commas, not 'SN-GAN'"),
        (["--rounds", "0"], "--rounds must be an integer of at least 1, not 0"),
    ],
)
def test_mistakes(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        pytorch_steps.main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"pytorch_steps: {message}\n"
