"""Streamlines of two games of two parameters (GradReg Fig. 3, and the Dirac GAN for every method).

    python tools/streamlines.py --out streamlines

writes linear_quadratic.png, D(x) = w x² and G(z) = a z with data and latent uniform on [−1, 1], trained by the
gradient-regularised rule with η = 0, 0.25, 0.5 and 1 (γ = 2η) as a vanilla and as a Wasserstein GAN, and dirac.png,
D(x) = θx and G = φ with data at 0, by eight rules.
"""

import argparse
import pathlib

import numpy as np
import tensorflow as tf

import jare_tf
from jare_tf.game.losses import objectives
from jare_tf.game.networks import affine, linear_quadratic
from jare_tf.report import curves, spectra
from jare_tf.theory.streamlines import streamlines
from jare_tf.types import Batch

# The midpoints of 1,000 equal parts of [−1, 1] stand for the uniform distribution.
UNIFORM = tf.constant((np.arange(1000)[:, None] + 0.5) / 500 - 1, tf.float32)
DIRAC_RULES = [
    jare_tf.sim_gd(),
    jare_tf.jare(gamma=1.0),
    jare_tf.con_opt(gamma=1.0),
    jare_tf.generator_only(gamma=1.0),
    jare_tf.symplectic_gradient_adjustment(1.0),
    jare_tf.adversarial_extrapolation(2.0),
    jare_tf.extragradient(0.5),
    jare_tf.unrolled(steps=5, step=0.5),
]


def linear_quadratic_fields():
    batch, w, a = Batch(UNIFORM, UNIFORM), np.linspace(-1, 1, 25), np.linspace(0, 2, 25)
    for name, loss in {"GAN": jare_tf.Minimax(), "WGAN": jare_tf.Minimax(objectives.wasserstein())}.items():
        game = jare_tf.TwoPlayerGame(linear_quadratic.generator(), linear_quadratic.discriminator(), loss)
        for eta in (0.0, 0.25, 0.5, 1.0):
            yield f"{name}, η = {eta:g}", streamlines(game, jare_tf.generator_only(gamma=2 * eta), batch, w, a)


def dirac_fields():
    zero, grid = tf.zeros([1, 1]), np.linspace(-2, 2, 25)
    game = jare_tf.TwoPlayerGame(affine.generator(mean=[0.0]), affine.discriminator(dimension=1), jare_tf.Minimax())
    for rule in DIRAC_RULES:
        yield repr(rule), streamlines(game, rule, Batch(zero, zero), grid, grid)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("streamlines"), help="a folder")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    curves.save(
        spectra.draw_streamlines(dict(linear_quadratic_fields()), (0, 1), columns=4), f"{out}/linear_quadratic.png"
    )
    curves.save(spectra.draw_streamlines(dict(dirac_fields()), (0, 0), columns=4), f"{out}/dirac.png")
    print(*sorted(out.glob("*.png")), sep="\n")
