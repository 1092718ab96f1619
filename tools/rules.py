"""A table of every update rule: what it costs, what the theory says about it, and whether it does that.

    python tools/rules.py

Prints Markdown. Cost is that of a step of dcgan4 at batch 64: arithmetic counted in the traced graph and milliseconds
measured, the rules in turn, both relative to sim_gd. The theory is that of the isotropic Gaussian (JARE section 7, μ =
4, σ = 0.2, η = 0.001) in float64, without sampling noise, and of the bilinear game ℓ_G = −ℓ_D = θ(1 − φ) at η = 0.1.
"""

import argparse
import math
import statistics
import time

from jare_tf import cli


def parser() -> cli.Parser:
    made = cli.Parser("rules", __doc__)
    made.add_argument("--rounds", type=int, default=7, help="measurements of each step time; %(default)s by default")
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

import keras
import numpy as np
import tensorflow as tf

import jare_tf
from jare_tf.game.losses import objectives
from jare_tf.game.networks import affine, dcgan
from jare_tf.game.precision import float64
from jare_tf.output import show
from jare_tf.settings import Count, check
from jare_tf.theory import arithmetic, eigenvalues, spectrum, step_size
from jare_tf.types import Batch, Players, Point

MEAN, SIGMA, ETA, BILINEAR_ETA = [0.0, 4.0], 0.2, 0.001, 0.1

# The rule on the isotropic Gaussian and on dcgan4, and on the bilinear game.
RULES = [
    (jare_tf.sim_gd(), jare_tf.sim_gd()),
    (jare_tf.jare(gamma=10.0), jare_tf.jare(gamma=0.5)),
    (jare_tf.con_opt(gamma=10.0), jare_tf.con_opt(gamma=0.5)),
    (jare_tf.generator_only(gamma=10.0), jare_tf.generator_only(gamma=0.5)),
    (jare_tf.discriminator_only(gamma=10.0), jare_tf.discriminator_only(gamma=0.5)),
    (jare_tf.smoothing(gamma=10.0), jare_tf.smoothing(gamma=0.5)),
    (jare_tf.debiased(jare_tf.jare(gamma=10.0)), jare_tf.debiased(jare_tf.jare(gamma=0.5))),
    (jare_tf.adversarial_extrapolation(10.0), jare_tf.adversarial_extrapolation(0.5)),
    (jare_tf.adversarial_extrapolation(20.0), jare_tf.adversarial_extrapolation(1.0)),
    (jare_tf.extragradient(ETA), jare_tf.extragradient(BILINEAR_ETA)),
    (jare_tf.extrapolation_from_the_past(ETA), jare_tf.extrapolation_from_the_past(BILINEAR_ETA)),
    (jare_tf.optimistic(), jare_tf.optimistic()),
    (jare_tf.heun(ETA), jare_tf.heun(BILINEAR_ETA)),
    (jare_tf.runge_kutta4(ETA), jare_tf.runge_kutta4(BILINEAR_ETA)),
    (jare_tf.momentum(jare_tf.sim_gd(), -0.5), jare_tf.momentum(jare_tf.sim_gd(), -0.5)),
    (jare_tf.symplectic_gradient_adjustment(10.0), jare_tf.symplectic_gradient_adjustment(0.5)),
    (jare_tf.lola(10.0), jare_tf.lola(0.5)),
    (jare_tf.stable_opponent_shaping(10.0), jare_tf.stable_opponent_shaping(0.5)),
    (jare_tf.hamiltonian(), jare_tf.hamiltonian()),
    (jare_tf.competitive(ETA), jare_tf.competitive(BILINEAR_ETA)),
    (jare_tf.adaptive_competitive(1.0, 0.9, 1.0), jare_tf.adaptive_competitive(1.0, 0.9, 1.0)),
    (jare_tf.drift_cancellation(ETA, ETA), jare_tf.drift_cancellation(BILINEAR_ETA, BILINEAR_ETA)),
    (jare_tf.follow_the_ridge(), jare_tf.follow_the_ridge(damping=0.1)),
    (jare_tf.local_symplectic_surgery(), jare_tf.local_symplectic_surgery()),
    (jare_tf.unrolled(steps=10, step=0.1), jare_tf.unrolled(steps=10, step=0.1)),
    (jare_tf.clipped(jare_tf.jare(gamma=10.0), norm=0.1), jare_tf.clipped(jare_tf.jare(gamma=0.5), norm=0.1)),
    *(
        (jare_tf.lazy(jare_tf.jare(gamma=10.0), every), jare_tf.lazy(jare_tf.jare(gamma=0.5), every))
        for every in (4, 8, 16)
    ),
]


def milliseconds(rules: list[jare_tf.Rule], rounds: int) -> list[float]:
    """Median step times, the rules in turn in every round; a round is a whole period of a rule."""
    real = [tf.constant(np.random.default_rng(0).uniform(-1, 1, (64, 32, 32, 3)), tf.float32)]
    steps = []
    for rule in rules:
        gan = jare_tf.GAN(
            dcgan.generator(), dcgan.discriminator(), rule=rule, loss=jare_tf.NonSaturating(), latent_dim=128
        )
        gan.compile(keras.optimizers.Adam(1e-4, beta_1=0.5), keras.optimizers.Adam(1e-4, beta_1=0.5))
        steps.append(tf.function(gan.update))
        for _ in range(rule.period):
            steps[-1](real)
    measured: list[list[float]] = [[] for _ in rules]
    for _ in range(rounds):
        for rule, step, times in zip(rules, steps, measured, strict=True):
            begin = time.perf_counter()
            for _ in range(rule.period):
                float(step(real)["loss/generator"])
            times.append(1e3 * (time.perf_counter() - begin) / rule.period)
    return [statistics.median(times) for times in measured]


def affine_game(mean, loss, sigma):
    """The game in float64, its equilibrium, and a batch with the distributions' exact means and covariances."""
    game = jare_tf.TwoPlayerGame(affine.generator(mean=mean), affine.discriminator(dimension=len(mean)), loss)
    rest = affine.equilibrium(mean=mean)
    point = Point(Players(*(tuple(map(tf.constant, part)) for part in rest)), Players((), ()))
    spread = sigma * len(mean) ** 0.5 * np.concatenate([np.eye(len(mean)), -np.eye(len(mean))])
    # Twice, so that each half of `debiased` has the exact moments too.
    return game, point, Batch(*(tf.constant(np.concatenate([part, part])) for part in (spread + mean, spread)))


def verdict(linear, game, rule, point, batch, eta) -> str:
    """ "yes" or "no" and the predicted rate, with the observed one where a run without noise shows another."""
    optimizer = keras.optimizers.SGD()
    predicted = step_size.rate(linear, optimizer, eta)
    steps = int(min(300_000, 20 / abs(math.log(predicted))))
    observed = step_size.observed_rate(
        game, rule, point, batch, lambda: keras.optimizers.SGD(eta), steps=steps, displacement=1e-4
    )
    agrees = abs(math.log(observed) / math.log(predicted) - 1) < 0.02
    seen = "" if agrees else f" (observed {observed:.6f})"
    return f"{'yes' if observed < 1 else 'no'}, {predicted:.6f}{seen}"


def number(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.3g}"


def print_table(work: list[float], times: list[float]) -> None:
    """A row for each of RULES, with what it costs and what the theory says."""
    gaussian = affine_game(MEAN, jare_tf.Minimax(), SIGMA)
    bilinear = affine_game([1.0], jare_tf.Minimax(objectives.wasserstein()), 0.0)
    show(
        "| rule | arithmetic | step time | ζ | τ | largest stable η | isotropic Gaussian, η = 0.001: converges, rate | "
        "bilinear game, η = 0.1 |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for (rule, on_bilinear), operations, duration in zip(RULES, work, times, strict=True):
        game, point, batch = gaussian
        linear = spectrum.linearize(game, rule, point, batch)
        values = linear.eigenvalues(ETA)
        cells = [
            f"`{rule}`",
            f"{operations / work[0]:.2f}",
            f"{duration / times[0]:.2f}",
            number(eigenvalues.phase_factor(values)),
            number(eigenvalues.conditioning(values)),
            number(step_size.largest_stable_step(linear, keras.optimizers.SGD())),
            verdict(linear, game, rule, point, batch, ETA),
        ]
        game, point, batch = bilinear
        linear = spectrum.linearize(game, on_bilinear, point, batch)
        cells.append(verdict(linear, game, on_bilinear, point, batch, BILINEAR_ETA))
        show(f"| {' | '.join(cells)} |")


def measure(given: argparse.Namespace) -> None:
    check("--rounds", Count, given.rounds)
    images = jare_tf.TwoPlayerGame(dcgan.generator(), dcgan.discriminator(), jare_tf.NonSaturating())
    image_batch = Batch(tf.zeros([64, 32, 32, 3]), tf.zeros([64, 128]))
    work = [arithmetic.operations(rule, images, image_batch) for rule, _ in RULES]
    times = milliseconds([rule for rule, _ in RULES], given.rounds)
    with float64():
        print_table(work, times)
    show(f"\nsim_gd: {times[0]:.0f} ms, {work[0] / 1e9:.1f} · 10⁹ operations a step of dcgan4.")


def main(arguments: list[str] | None = None) -> None:
    parser().run(measure, arguments)


if __name__ == "__main__":
    main()
