"""Every method on the same game, with as much arithmetic and the same seeds: beyond the papers."""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from jare_tf import config, experiment
from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.report import ranking
from jare_tf.reproduction.workspace import Result, TrainedRun, Workspace
from jare_tf.theory import arithmetic
from jare_tf.types import Batch, Players

SEEDS = (0, 1, 2)


def _part(name: str, of: str = "rule", **arguments: Any) -> list[str]:
    """Bindings of the experiment's rule or schedule; a value that begins with @ is a reference."""
    value = lambda given: given if str(given).startswith("@") else repr(given)
    return [
        f"experiment.Experiment.{of} = @rules.{name}()",
        *(f"rules.{name}.{key} = {value(given)}" for key, given in arguments.items()),
    ]


def _wrapped(name: str, inner: Sequence[str], **arguments: Any) -> list[str]:
    """A rule around the rule that other bindings make."""
    inner_rule, *others = inner
    return [*_part(name, rule=inner_rule.partition(" = ")[2], **arguments), *others]


def _optimizer(name: str) -> list[str]:
    return [f"experiment.Experiment.{player}_optimizer = @{name}" for player in Players._fields]


def methods(gamma: float, step: float, rate: float, optimistic_adam: Sequence[str]) -> dict[str, list[str]]:
    """Every method as bindings, by what a picture calls it.

    Args:
      gamma: of what regularises or couples through the Jacobian; the game's paper has it.
      step: of what looks ahead by plain gradient descent.
      rate: of ACGD, which takes the place of the optimizer.
      optimistic_adam: the bindings of that optimizer.
    """
    plain = _part("sim_gd")
    jare = _part("jare", gamma=gamma)
    coupled = ("jare", "con_opt", "generator_only", "discriminator_only", "smoothing", "symplectic_gradient_adjustment")
    ahead = ("extragradient", "extrapolation_from_the_past", "heun", "runge_kutta4")
    return {
        "simultaneous": plain,
        "alternating": [*plain, *_part("Alternating", "schedule")],
        **{name: _part(name, gamma=gamma) for name in coupled},
        "debiased jare": _wrapped("debiased", jare),
        "lazy jare, every 8": _wrapped("lazy", jare, every=8),
        "clipped jare": _wrapped("clipped", jare, norm=1.0),
        "jare, alternating": [*jare, *_part("Alternating", "schedule")],
        "adversarial_extrapolation": _part("adversarial_extrapolation", gamma=2 * gamma),
        "lookahead (LOLA without shaping)": _part("lola", step=gamma, shaping=0.0),
        "lola": _part("lola", step=gamma / 2),
        "stable_opponent_shaping": _part("stable_opponent_shaping", step=gamma / 2),
        "competitive": _part("competitive", step=gamma),
        "adaptive_competitive": [
            *_part("adaptive_competitive", step=rate),
            *_optimizer("keras.optimizers.SGD"),
            "keras.optimizers.SGD.learning_rate = 1.0",
        ],
        "follow_the_ridge": _part("follow_the_ridge", damping=1.0),
        "local_symplectic_surgery": _part("local_symplectic_surgery"),
        "hamiltonian": _part("hamiltonian"),
        **{name: _part(name, step=step) for name in ahead},
        "drift_cancellation": _part("drift_cancellation", discriminator_step=step, generator_step=step),
        "optimistic": _part("optimistic"),
        "unrolled, 5 steps": _part("unrolled", steps=5, step=step),
        "negative momentum, alternating": [
            *_wrapped("momentum", plain, beta=-0.5),
            *_part("Alternating", "schedule"),
        ],
        "Extrapolating": [*plain, *_part("Extrapolating", "schedule")],
        "Lookahead": [*plain, *_part("Lookahead", "schedule")],
        "Lookahead, jare": [*jare, *_part("Lookahead", "schedule")],
        "OptimisticAdam": [*plain, *optimistic_adam],
    }


def cost(file: str, bindings: Sequence[str]) -> float:
    """The arithmetic of a training step relative to both players' gradients at one point."""
    config.parse([file], bindings)
    made = config.call(experiment.Experiment)
    gan = made.gan()
    batch = Batch(tf.zeros([made.batch_size, *gan.sample_shape]), tf.zeros([made.batch_size, made.latent_dim]))
    of_moves = [arithmetic.operations(gan.rule, gan.game, batch, movers) for movers in gan.schedule.moves]
    return sum(of_moves) / arithmetic.operations(sim_gd(), gan.game, batch)


def _league(
    workspace: Workspace,
    file: str,
    entries: dict[str, list[str]],
    budget: int,
    train: Callable[..., TrainedRun],
    scores: Callable[[TrainedRun], dict[str, float]],
    panels: dict[str, str],
    lower_is_better: bool,
) -> Result:
    """The table of a game: a row for each method and seed, and a picture with the best method first.

    Args:
      workspace: where runs are kept.
      file: the configuration of simultaneous gradient descent.
      entries: bindings by method.
      budget: evaluations of both players' gradients whose arithmetic every run gets.
      train: `workspace.train` or the like.
      scores: of a run, by name.
      panels: titles by score; methods are ranked by the first.
      lower_is_better: whether the least first score is the best.
    """
    data: list[dict[str, Any]] = []
    for label, bindings in workspace.first_if_smoke(list(entries.items()), 2):
        relative = cost(file, bindings)
        for seed in workspace.first_if_smoke(SEEDS):
            run = train(file, *bindings, f"STEPS = {round(budget / relative)}", seed=seed)
            row = {"method": label, "cost": relative, "seed": seed, "finite": run.not_finite is None}
            data.append({**row, **scores(run)})
    of = lambda label, name: [row[name] for row in data if row["method"] == label]
    first = next(iter(panels))
    mean = {row["method"]: statistics.fmean(of(row["method"], first)) for row in data}
    order = sorted(mean, key=mean.__getitem__, reverse=not lower_is_better)
    titles = {label: f"{label} ({of(label, 'cost')[0]:.3g})" for label in order}
    values = {title: {titles[label]: of(label, name) for label in order} for name, title in panels.items()}
    return Result(ranking.draw(values), data, [])


def _modes(run: TrainedRun) -> dict[str, float]:
    """A generator that is not finite any more covers nothing."""
    tags = "modes_covered", "high_quality_fraction"
    return {tag: run.last(tag) if run.not_finite is None else 0.0 for tag in tags}


def mixture(workspace: Workspace) -> Result:
    """Every method on the ring of eight Gaussians of ConOpt, three seeds, as much arithmetic for each."""
    entries = methods(
        10.0, 0.1, 1e-4, [*_optimizer("rules.OptimisticAdam"), "rules.OptimisticAdam.learning_rate = 1e-4"]
    )
    panels = {"modes_covered": "modes covered, of 8", "high_quality_fraction": "fraction within 3 σ of a mode"}
    file = "mixture_conopt_paper/simgd.gin"
    return _league(workspace, file, entries, 100_000, workspace.train, _modes, panels, lower_is_better=False)


def cifar10(workspace: Workspace) -> Result:
    """Every method on CIFAR-10 in setting C with an eighth of the filters, three seeds, as much arithmetic for each."""
    optimistic = [*_optimizer("rules.OptimisticAdam"), "rules.OptimisticAdam.learning_rate = %RATE"]
    narrow = ["FILTERS = 8", "RATE = 8e-4", "keras.optimizers.Adam.learning_rate = %RATE", "SAMPLE_EVERY = 1000"]
    entries = {label: [*narrow, *bindings] for label, bindings in methods(100.0, 0.01, 8e-4, optimistic).items()}

    def last(run: TrainedRun) -> dict[str, float]:
        """A generator that is not finite any more is as bad as can be."""
        if run.not_finite is not None:
            return {"fid": math.inf, "inception_score": 1.0}
        return {name: value for name, value in workspace.scores(run)[-1].items() if name != "step"}

    panels = {"fid": "Fréchet distance", "inception_score": "inception score"}
    return _league(
        workspace, "cifar10/c_gan.gin", entries, 3000, workspace.train_images, last, panels, lower_is_better=True
    )
