"""Streamlines of the Dirac GAN, a game of two parameters, for every method.

    python tools/streamlines.py dirac.png

draws D(x) = θx and G = φ with data at 0, by eight rules. (The field of GradReg Fig. 3 is tools/reproduce.py's.)
"""

import argparse

from jare_tf import cli


def parser() -> cli.Parser:
    made = cli.Parser("streamlines", __doc__)
    made.add_argument("output", nargs="?", default="dirac.png", help="a PNG file; %(default)s by default")
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

import numpy as np
import tensorflow as tf

import jare_tf
from jare_tf import files
from jare_tf.game.networks import affine
from jare_tf.output import show
from jare_tf.report import curves, spectra
from jare_tf.theory.streamlines import streamlines
from jare_tf.types import Batch

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


def dirac_fields():
    zero, grid = tf.zeros([1, 1]), np.linspace(-2, 2, 25)
    game = jare_tf.TwoPlayerGame(affine.generator(mean=[0.0]), affine.discriminator(dimension=1), jare_tf.Minimax())
    for rule in DIRAC_RULES:
        yield repr(rule), streamlines(game, rule, Batch(zero, zero), grid, grid)


def draw(given: argparse.Namespace) -> None:
    with files.fresh(given.output) as new:  # where it cannot be written, that is told first
        curves.save(spectra.draw_streamlines(dict(dirac_fields()), (0, 0), columns=4), new)
    show(given.output)


def main(arguments: list[str] | None = None) -> None:
    parser().run(draw, arguments)


if __name__ == "__main__":
    main()
