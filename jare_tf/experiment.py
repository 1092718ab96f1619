"""What the program can do: each root is a function whose keyword arguments a configuration binds."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.data.dataset import Dataset, as_floats, check
from jare_tf.data.latent import Normal, Prior
from jare_tf.dynamics.debiased import debiased
from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.dynamics.rule import Rule, within
from jare_tf.dynamics.schedule import Schedule, Simultaneous
from jare_tf.errors import InputError, RunError, check_integer
from jare_tf.game import precision as precisions
from jare_tf.game.losses.gradient_penalty import GradientPenalty
from jare_tf.game.networks import batch_norm
from jare_tf.report import curves, spectra
from jare_tf.report.samples import Picture, save_samples
from jare_tf.theory.analysis import Analysis, analyse
from jare_tf.training import actions, run_directory, strategy
from jare_tf.training.checkpoints import Checkpoints, restore_networks
from jare_tf.training.gan import GAN
from jare_tf.training.probes import ParameterDistance, SpectrumEstimate
from jare_tf.training.run import Pace, run
from jare_tf.types import Batch, Players, Point, each_player


def train(
    *,
    model_dir: str,
    record_config: Callable[[str, bool], str],
    devices: tf.distribute.Strategy,
    generator: Callable[..., keras.Model],
    discriminator: Callable[..., keras.Model],
    loss: Callable[..., Players],
    rule: Rule,
    dataset: Dataset,
    picture: Picture,
    discriminator_optimizer: Callable[[], keras.optimizers.Optimizer],
    generator_optimizer: Callable[[], keras.optimizers.Optimizer],
    latent_dim: int,
    batch_size: int,
    steps: int,
    log_every: int,
    save_every: int,
    sample_every: int,
    steps_per_call: int,
    jit_compile: bool | str = "auto",
    precision: str = "float32",
    synchronize_batch_norm: bool = True,
    nan_policy: str = "stop",
    max_rewinds: int = 3,
    latent_prior: Prior = Normal(),
    penalty: GradientPenalty | None = None,
    schedule: Schedule = Simultaneous(),
    equilibrium: Players | None = None,
    average_decay: float = 0.0,
    spectrum_every: int = 0,
    probes: Sequence[actions.Probe] = (),
    keep_checkpoints: int = 3,
    seed: int = 0,
) -> int | None:
    """Trains a GAN, or goes on from the newest checkpoint in model_dir.

    Args:
      model_dir: the run directory; made when missing.
      record_config: checks the configuration against model_dir and returns it; told whether a run is resumed.
      devices: where it trains (`training.strategy.make`).
      generator: makes a model [n, latent_dim] → samples.
      discriminator: makes a model samples → logits [n, 1].
      loss: the losses of both players.
      rule: the update rule.
      dataset: the real samples.
      picture: how samples are drawn.
      discriminator_optimizer: makes the discriminator's optimizer.
      generator_optimizer: makes the generator's optimizer.
      latent_dim: length of z.
      batch_size: real samples, and latent vectors, of a batch, on all devices together.
      steps: training steps in all, those before a resume included.
      log_every: steps between rows of metrics.
      save_every: steps between checkpoints.
      sample_every: steps between pictures.
      steps_per_call: most steps in one compiled call; a signal waits for the call under way.
      jit_compile: compile the step with XLA; "auto": where that was measured to be faster (`training.loop.use_xla`).
      precision: what the networks compute in, "float32", "mixed_bfloat16" or "mixed_float16"; parameters are float32.
      synchronize_batch_norm: on several devices batch norm normalises by the global batch, so that the step is that of
        one device; else each device by its part.
      nan_policy: what to do when a loss, a gradient norm or a parameter is not finite any more: "stop", or "rewind" to
        the newest checkpoint and go on from there with other random draws.
      max_rewinds: how often to rewind, at most.
      latent_prior: the distribution of z.
      penalty: added to the discriminator's loss.
      schedule: who moves when.
      equilibrium: the parameters at which the game rests, where they are known; rows then have the distance to them.
      average_decay: decay of a moving average of the generator's weights, by which samples are drawn and scored; 0 for
        none. After step t, counted from 0, it is at most (1 + t)/(10 + t).
      spectrum_every: steps between estimates of the game's phase factor and conditioning, which rows then have; a
        multiple of log_every, or 0 for none.
      probes: further quantities for the rows of metrics.
      keep_checkpoints: how many of the newest checkpoints are kept.
      seed: of initial parameters and every random draw.

    Returns:
      The signal that came while it trained and made it stop, or None.

    Raises:
      InputError: what the run is made of does not fit together, or not with what model_dir holds.
      RunError: a loss, a gradient norm or a parameter is not finite any more, the run directory cannot be written to,
        or a device or another worker is lost.
    """
    _check_integers("train", 0, seed=seed, spectrum_every=spectrum_every, max_rewinds=max_rewinds)
    _check_integers("train", 1, batch_size=batch_size, steps=steps, log_every=log_every, save_every=save_every)
    _check_integers(
        "train", 1, sample_every=sample_every, steps_per_call=steps_per_call, keep_checkpoints=keep_checkpoints
    )
    _check_factories(discriminator_optimizer=discriminator_optimizer, generator_optimizer=generator_optimizer)
    if spectrum_every % log_every:
        raise InputError(
            f"experiment.train.spectrum_every must be a multiple of log_every, {log_every}, not {spectrum_every}"
        )
    if equilibrium is not None:
        probes = [*probes, ParameterDistance(equilibrium=equilibrium)]
    if spectrum_every:
        probes = [*probes, SpectrumEstimate(dataset=dataset, batch_size=batch_size, every=spectrum_every)]
    if nan_policy not in ("stop", "rewind"):
        raise InputError(f"experiment.train.nan_policy must be 'stop' or 'rewind', not {nan_policy!r}")
    count = devices.num_replicas_in_sync
    parts = 2 * count if within(rule, debiased) and count > 1 else count  # debiased compares the halves of a batch
    if batch_size % parts:
        raise InputError(
            f"experiment.train.batch_size = {batch_size} must be a multiple of {parts} for this rule on {count} devices"
        )
    chief = strategy.worker(devices) == 0
    try:
        with run_directory.held(model_dir) if chief else contextlib.nullcontext():
            with devices.scope(), precisions.policy(precision):
                gan = _gan(
                    generator,
                    discriminator,
                    dataset,
                    seed,
                    rule=rule,
                    loss=loss,
                    latent_dim=latent_dim,
                    latent_prior=latent_prior,
                    penalty=penalty,
                    schedule=schedule,
                    average_decay=average_decay,
                )
                if synchronize_batch_norm and count > 1:
                    each_player(batch_norm.synchronize, gan.game.networks)
                gan.compile(discriminator_optimizer(), generator_optimizer())
            check(dataset, gan.sample_shape, batch_size, seed)
            checkpoints = Checkpoints(model_dir, gan, dataset, keep_checkpoints, chief)
            return run(
                model_dir,
                gan,
                dataset,
                checkpoints,
                config=record_config(model_dir, checkpoints.exist()),
                pace=Pace(steps, log_every, save_every, sample_every, steps_per_call),
                batch_size=batch_size,
                jit_compile=jit_compile,
                probes=probes,
                draw=lambda run_log: save_samples(model_dir, run_log, gan, picture),
                max_rewinds=max_rewinds if nan_policy == "rewind" else 0,
            )
    except (tf.errors.OpError, OSError) as error:
        raise RunError(f"{model_dir}: {strategy.lost(devices, error)}") from error


def spectrum(
    *,
    model_dir: str,
    use_checkpoint: bool,
    check_config: Callable[[], Sequence[str]],
    generator: Callable[..., keras.Model],
    discriminator: Callable[..., keras.Model],
    loss: Callable[..., Players],
    rule: Rule,
    dataset: Dataset,
    discriminator_optimizer: Callable[[], keras.optimizers.Optimizer],
    generator_optimizer: Callable[[], keras.optimizers.Optimizer],
    latent_dim: int,
    batch_size: int,
    latent_prior: Prior = Normal(),
    penalty: GradientPenalty | None = None,
    schedule: Schedule = Simultaneous(),
    equilibrium: Players | None = None,
    seed: int = 0,
    at: str | None = None,
    samples: int = 512,
    dense_up_to: int = 4000,
) -> None:
    """Writes what the theory says about an experiment: model_dir/spectrum.json and model_dir/spectrum.png.

    The arguments up to `seed` are those that the experiment binds for `train`, and mean the same; the others are bound
    for `experiment.spectrum`. A game of up to `dense_up_to` parameters is analysed in float64, with all eigenvalues,
    and on `samples` samples that have the exact mean and covariance where the data are Gaussian: at the equilibrium of
    the isotropic Gaussian the expectations are exact. A larger one is analysed at the ends of its spectrum, in float32,
    on one batch as in training.

    Args:
      model_dir: where the files go, and where a checkpoint may lie.
      use_checkpoint: whether `at` may by default be the newest checkpoint in model_dir.
      check_config: called when everything has been made: raises InputError for a binding that nothing used, and returns
        how the configuration differs from that of the run in model_dir.
      at: "checkpoint", "equilibrium" or "initialisation". By default the checkpoint if that may be and there is one,
        else the equilibrium if it is known, else the initialisation.
      samples: samples of each distribution in a dense analysis.
      dense_up_to: most parameters of both networks together for a dense analysis.

    Raises:
      InputError: what the experiment is made of does not fit together, or there is nothing at `at`.
    """
    _check_integers("spectrum", 1, samples=samples, dense_up_to=dense_up_to)
    _check_factories(discriminator_optimizer=discriminator_optimizer, generator_optimizer=generator_optimizer)
    parts = {"rule": rule, "loss": loss, "penalty": penalty, "schedule": schedule}
    prior = {"latent_dim": latent_dim, "latent_prior": latent_prior}
    make_gan = lambda: _gan(generator, discriminator, dataset, seed, **parts, **prior)
    gan = make_gan()
    check(dataset, gan.sample_shape, batch_size, seed)
    optimizers = Players(discriminator_optimizer(), generator_optimizer())
    differences = check_config()
    run_directory.make(model_dir)
    points = {"initialisation": gan.game.point()}
    if equilibrium is not None:
        points["equilibrium"] = points["initialisation"]._replace(parameters=equilibrium)
    step = restore_networks(model_dir, gan) if at == "checkpoint" or (at is None and use_checkpoint) else None
    if step is not None:
        points["checkpoint"] = gan.game.point()
        for optimizer in optimizers:
            optimizer.iterations.assign(step)  # for a schedule of learning rates
        for line in differences:
            print(f"not as in the run: {line}", flush=True)
    at = at or list(points)[-1]
    if at not in points:
        raise InputError(
            f"experiment.spectrum.at = {at!r}: there is only the {' and the '.join(points)} in {model_dir}"
        )

    if sum(np.size(leaf) for leaf in tf.nest.flatten(gan.game.point().parameters)) <= dense_up_to:
        real, latent = dataset.expectation(samples, seed), latent_prior.expectation(samples, latent_dim, seed)
        with precisions.float64():
            game = make_gan().game
        batch = Batch(*(tf.cast(as_floats(tf.convert_to_tensor(part)), tf.float64) for part in (real, latent)))
    else:
        game, batch = gan.game, gan.batch(dataset.batch(0, batch_size, gan.seed), 0)

    def analysed(one: Rule, point: Point) -> Analysis:
        cast = tf.nest.map_structure(lambda value, like: tf.cast(value, like.dtype), point, game.point())
        return analyse(game, one, cast, batch, schedule=schedule, optimizers=optimizers, dense=game is not gan.game)

    title = {"checkpoint": f"after {step} iterations"}.get(at, f"at the {at}")
    shown = (
        {"before training": points["initialisation"], title: points[at]} if at == "checkpoint" else {title: points[at]}
    )
    rules = [rule] if rule == sim_gd() else [sim_gd(), rule]
    rows = {name: [analysed(one, point) for one in rules] for name, point in shown.items()}
    result = rows[title][-1]
    record = {"at": at, "step": step or 0, "not_as_in_the_run": differences if step else [], **result.to_json()}
    files.replace(f"{model_dir}/spectrum.json", json.dumps(record) + "\n")
    curves.save(spectra.draw(rows), f"{model_dir}/spectrum.png")
    print(result.summary(), f"{model_dir}/spectrum.json", f"{model_dir}/spectrum.png", sep="\n", flush=True)


def compare(
    *,
    model_dir: str,
    train_config: Callable[[str, Sequence[str], str], int | None],
    configs: Mapping[str, str | Sequence[str]],
    tags: Mapping[str, str],
) -> int | None:
    """Trains several configurations and draws their metrics in one picture, model_dir/comparison.png.

    Args:
      model_dir: where the runs go, each in a folder named after its label.
      train_config: trains the configuration of that file name with those overrides in that run directory; `train`'s
        result.
      configs: by label a file name, or a list of a file name and overrides as --gin_param takes them.
      tags: titles of the picture's panels by tag of metrics.jsonl.

    Returns:
      The signal that stopped a run, or None when all reached their end.
    """
    runs = {label: f"{model_dir}/{label}" for label in configs}
    entries = {label: [named] if isinstance(named, str) else named for label, named in configs.items()}
    for label, entry in entries.items():
        if not isinstance(entry, list | tuple) or not entry or not all(isinstance(part, str) for part in entry):
            raise InputError(f"experiment.compare.configs: {label!r} must be a file name or [file name, override, ...]")
    for label, (file, *overrides) in entries.items():
        signal = train_config(file, overrides, runs[label])
        if signal is not None:
            return signal
    picture = f"{model_dir}/comparison.png"
    curves.save(curves.draw(runs, tags), picture)
    print(f"the picture: {picture}", flush=True)
    return None


def _gan(generator, discriminator, dataset: Dataset, seed: int, **parts: Any) -> GAN:
    """The GAN that an experiment binds, at its initialisation, with the kind of every part checked."""
    kinds = {"rule": Rule, "schedule": Schedule, "latent_prior": Prior}
    kinds |= {"penalty": GradientPenalty} if parts["penalty"] is not None else {}
    _check_objects(dataset=(dataset, Dataset), **{name: (parts[name], kind) for name, kind in kinds.items()})
    if isinstance(parts["loss"], type):
        raise InputError("experiment.train.loss must be a loss: '@module.name()', with parentheses")
    _check_factories(generator=generator, discriminator=discriminator)
    keras.utils.set_random_seed(seed)
    return GAN(generator(), discriminator(), seed=seed, **parts)


def _check_integers(root: str, least: int, **settings: Any) -> None:
    for name, value in settings.items():
        check_integer(f"experiment.{root}.{name}", value, least, below=2**31)


def _check_objects(**settings: tuple[Any, type]) -> None:
    for name, (value, kind) in settings.items():
        if not isinstance(value, kind):
            raise InputError(f"experiment.train.{name} must be a {kind.__name__}: '@module.name()', with parentheses")


def _check_factories(**settings: Any) -> None:
    for name, value in settings.items():
        if isinstance(value, keras.Model | keras.optimizers.Optimizer):
            raise InputError(f"experiment.train.{name} must be what makes it: '@module.name', without parentheses")
