"""Figures of the gradient-regularised GAN (Nagarajan & Kolter 2017)."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

import jare_tf
from jare_tf.game.losses import objectives
from jare_tf.game.networks import linear_quadratic
from jare_tf.report import curves, pictures, spectra
from jare_tf.reproduction.jare import covers, densities
from jare_tf.reproduction.workspace import Claim, Result, TrainedRun, Workspace
from jare_tf.theory.streamlines import Streamlines, streamlines
from jare_tf.types import Batch

# √(‖b − v‖² + ‖AAᵀ − σ²I‖²) at A = I, b = 0, for v = (1, −1) and σ = ½ (base/linear_quadratic.gin).
START = float(np.hypot(np.sqrt(2), 0.75 * np.sqrt(2)))
ETAS = (0.0, 0.25, 0.5, 1.0)
# The midpoints of 1,000 equal parts of [−1, 1] stand for the uniform distribution.
UNIFORM = tf.constant((np.arange(1000)[:, None] + 0.5) / 500 - 1, tf.float32)


def first_covering(run: TrainedRun) -> int | None:
    """The first step in the table at which all eight modes are covered."""
    return next((int(step) for step, modes in zip(*run.curve("modes_covered"), strict=True) if modes == 8), None)


def fig1(workspace: Workspace) -> Result:
    """Eight Gaussians: the gradient-regularised GAN, η = 0.5, against the GAN unrolled by ten steps, and a GAN."""
    names = {"gradient-regularised": "generator_only", "10-unrolled": "unrolled", "GAN": "gan"}
    shorter = "STEPS = 20000", "SAMPLE_EVERY = 4000"
    runs = {
        label: [
            workspace.train(f"mixture_gradreg_paper/{name}.gin", "LOG_EVERY = 100", cpu=shorter, seed=seed)
            for seed in workspace.first_if_smoke((0, 1, 2))
        ]
        for label, name in names.items()
    }
    picture, data = densities(runs)
    source = "section 4 and Fig. 1"
    ours, unrolled, gans = runs.values()
    gan = max(gans, key=lambda run: run.curve("modes_covered")[1].max())
    first = {
        "regularised": [first_covering(run) for run in ours],
        "unrolled": [first_covering(run) for run in unrolled],
    }
    spreading = {
        label: [_spreading(run) for run in of] for label, of in (("regularised", ours), ("unrolled", unrolled))
    }
    few = {
        "regularised": max(map(_rows_of_few_modes, ours)),
        "unrolled": min(map(_rows_of_few_modes, unrolled)),
    }
    number = lambda value: np.inf if value is None else value
    sooner = lambda one, other: all(number(a) < number(b) for a, b in zip(one, other, strict=True))
    return Result(
        picture,
        data,
        [
            Claim(
                "the regularised GAN quickly spreads over all modes, before the unrolled one",
                source,
                {f"first row with all modes covered, {label}, by seed": str(steps) for label, steps in first.items()}
                | {f"iterations from the first mode to all, {label}": str(of) for label, of in spreading.items()},
                all(map(covers, ours)) and sooner(*first.values()) and sooner(*spreading.values()),
            ),
            Claim(
                "the unrolled GAN first explores only a few modes and then redistributes its mass over all",
                source,
                {f"rows with 1 to 7 modes covered, {label}": count for label, count in few.items()},
                all(map(covers, unrolled)) and few["unrolled"] > few["regularised"],
            ),
            Claim(
                "conventional updates enter mode collapse",
                source,
                {"most modes covered by the GAN": int(gan.curve("modes_covered")[1].max())},
                gan.curve("modes_covered")[1].max() < 8,
            ),
        ],
    )


def _spreading(run: TrainedRun) -> int | None:
    """Iterations from the first row with a mode covered to the first with all eight; None: never."""
    steps, modes = run.curve("modes_covered")
    last = first_covering(run)
    return None if last is None else int(last - steps[np.argmax(modes > 0)])


def _rows_of_few_modes(run: TrainedRun) -> int:
    """Rows of the table in which some of the modes are covered, and not all."""
    modes = run.curve("modes_covered")[1]
    return int(np.count_nonzero((modes > 0) & (modes < 8)))


# Twenty epochs of the 9,000 digits at hand, of which 140 batches of 64 are one.
_EPOCH = 140
_STACKED = {"gradient-regularised": "generator_only", "traditional": "gan"}


def _stacked(workspace: Workspace, epochs: Sequence[int]) -> Result:
    fake_data = workspace.by_scale(
        smoke=[
            "from jare_tf.reproduction import fake_data",
            "data.stacked_mnist.StackedMnist.digits = @fake_data.images()",
            "fake_data.images.side = 28",
            "fake_data.images.channels = 1",
            "evaluation.StackedModes.digits = @fake_data.digits",
            "evaluation.StackedModes.samples = 8",
            "COUNT_MODES_EVERY = 2",
            "FILTERS = 2",
        ],
        cpu=[],
        paper=[],
    )
    pace = [f"SAMPLE_EVERY = {_EPOCH}", f"SAVE_EVERY = {_EPOCH}", f"COUNT_MODES_EVERY = {20 * _EPOCH}"]
    cpu = [*pace, f"STEPS = {20 * _EPOCH}", f"LOG_EVERY = {_EPOCH}", "DIGITS_SPLIT = 'train[:9000]'"]
    runs = {
        label: workspace.train(f"stacked_mnist/{name}.gin", cpu=cpu, not_in_name=fake_data)
        for label, name in _STACKED.items()
    }
    samples = {label: list(run.drawn().values()) for label, run in runs.items()}
    shown = workspace.first_if_smoke(epochs)
    picture = pictures.table(
        {label: [of[min(epoch, len(of) - 1)] for epoch in shown] for label, of in samples.items()},
        [f"epoch {epoch}" for epoch in shown],
    )
    tags = "modes_covered", "reverse_kl", "confident_fraction"
    data = [{"method": label, **{tag: run.last(tag) for tag in tags}} for label, run in runs.items()]
    ours, theirs = (run.last("modes_covered") for run in runs.values())
    measured = {"modes covered by the regularised GAN": ours, "by the traditional one": theirs}
    claim = "the regularised DCGAN covers the modes of stacked MNIST, the traditional one collapses"
    return Result(picture, data, [Claim(claim, "section 4 and Figs. 2, 4", measured, ours > 900 and theirs < 500)])


def fig2(workspace: Workspace) -> Result:
    """Stacked MNIST after 1, 4 and 20 epochs."""
    return _stacked(workspace, (1, 4, 20))


def fig4(workspace: Workspace) -> Result:
    """Stacked MNIST after 1, 2, 4, 8, 12, 16 and 20 epochs."""
    return _stacked(workspace, (1, 2, 4, 8, 12, 16, 20))


def linear_quadratic_fields() -> Iterator[tuple[str, Streamlines]]:
    """By title the vector fields of D(x) = w x², G(z) = a z, as a GAN and as a Wasserstein GAN, for every η = γ/2."""
    batch, w, a = Batch(UNIFORM, UNIFORM), np.linspace(-1, 1, 25), np.linspace(0, 2, 25)
    for name, loss in {"GAN": jare_tf.Minimax(), "WGAN": jare_tf.Minimax(objectives.wasserstein())}.items():
        game = jare_tf.TwoPlayerGame(linear_quadratic.generator(), linear_quadratic.discriminator(), loss)
        for eta in ETAS:
            yield f"{name}, η = {eta:g}", streamlines(game, jare_tf.generator_only(gamma=2 * eta), batch, w, a)


def fig3(workspace: Workspace) -> Result:
    """Streamlines of the GAN and the WGAN of two parameters for η = 0, 0.25, 0.5 and 1, and runs of them."""
    picture = spectra.draw_streamlines(dict(linear_quadratic_fields()), (0, 1), columns=4)
    file = lambda kind, eta: f"uniform_1d/{kind}_{str(f'{eta:g}').replace('.', 'p')}.gin"
    distance = lambda run: [run.curve(f"parameter_distance/{player}")[1] for player in ("discriminator", "generator")]
    left = {
        (kind, eta): max(
            float(np.hypot(*distance(workspace.train(file(kind, eta), seed=seed)))[-1])
            for seed in workspace.first_if_smoke((0, 1, 2))
        )
        for kind in ("gan", "wgan")
        for eta in workspace.first_if_smoke(ETAS, 2)
    }
    data = [{"game": kind, "eta": eta, "largest distance at the end": value} for (kind, eta), value in left.items()]
    circling = left.pop(("wgan", 0.0))
    regularised = {f"{kind}, η = {eta:g}": value for (kind, eta), value in left.items() if eta}
    started = np.hypot(0.5, 0.5)
    source = "section 4 and Fig. 3"
    return Result(
        picture,
        data,
        [
            Claim(
                "the WGAN goes in orbits",
                source,
                {"distance at the end": circling, "at the start": started},
                circling > 0.5,
            ),
            Claim(
                "the original GAN converges",
                source,
                {"distance at the end": left[("gan", 0.0)]},
                left[("gan", 0.0)] < 0.05,
            ),
            Claim("with the regulariser both converge", source, regularised, max(regularised.values()) < 0.05),
        ],
    )


def appendix_d(workspace: Workspace) -> Result:
    """A Gaussian learned by a linear generator against a quadratic discriminator (Appendices D and E)."""
    names = {
        "GAN": "simgd",
        "GAN, regularised": "generator_only",
        "WGAN": "wgan_simgd",
        "WGAN, regularised": "wgan_generator_only",
    }
    runs = {label: [workspace.train(f"linear_quadratic/{name}.gin")] for label, name in names.items()}
    tags = {"mean_distance": "distance of the means", "covariance_distance": "distance of the covariances"}
    picture = curves.panels(
        [
            [
                curves.Panel(title, {label: [of[0].curve(tag)] for label, of in runs.items()})
                for tag, title in tags.items()
            ]
        ]
    )
    data = [
        {"method": label, **{tag: row[tag] for tag in ("step", *tags)}}
        for label, (run,) in runs.items()
        for row in run.rows()
        if all(tag in row for tag in tags)
    ]
    distance = {label: np.hypot(*(run.curve(tag)[1] for tag in tags)) for label, (run,) in runs.items()}
    left = {label: float(of[-len(of) // 5 :].max()) / START for label, of in distance.items()}
    second_half = distance["WGAN"][len(distance["WGAN"]) // 2 :] / START
    what = "largest distance in the last fifth over that at the start"
    return Result(
        picture,
        data,
        [
            Claim("the GAN converges to the Gaussian", "section 3.3", {what: left["GAN"]}, left["GAN"] <= 0.1),
            Claim(
                "the WGAN cycles around the equilibrium without converging",
                "section 3.4",
                {
                    "largest distance in the second half over that at the start": float(second_half.max()),
                    "least": float(second_half.min()),
                },
                second_half.max() >= 1 and second_half.min() >= 0.1,
            ),
            Claim(
                "with the regulariser the WGAN converges",
                "Theorem 3.2",
                {what: left["WGAN, regularised"]},
                left["WGAN, regularised"] <= 0.1,
            ),
        ],
    )
