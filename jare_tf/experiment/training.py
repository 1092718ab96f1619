"""Training."""

import contextlib
from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from jare_tf.data.dataset import Dataset, check
from jare_tf.data.latent import Normal, Prior
from jare_tf.dynamics.debiased import debiased
from jare_tf.dynamics.rule import Rule, within
from jare_tf.dynamics.schedule import Schedule, Simultaneous
from jare_tf.errors import InputError, RunError
from jare_tf.experiment.parts import check_dataset, check_factories, check_integers, make_gan
from jare_tf.game import precision as precisions
from jare_tf.game.losses.gradient_penalty import GradientPenalty
from jare_tf.game.networks import batch_norm
from jare_tf.report.samples import Picture, save_samples
from jare_tf.training import run_directory, strategy
from jare_tf.training.checkpoints import Checkpoints
from jare_tf.training.probes import ALWAYS, ParameterDistance, Periodic, Probe, SpectrumEstimate
from jare_tf.training.run import Pace, run
from jare_tf.types import Players, each_player


def train(
    *,
    model_dir: str,
    record_config: Callable[[str, bool], tuple[str, Mapping[str, bool | int | float | str]]],
    devices: tf.distribute.Strategy,
    profile: tuple[int, int] | None,
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
    histograms_every: int = 0,
    probes: Sequence[Probe] = (),
    keep_checkpoints: int = 3,
    seed: int = 0,
) -> int | None:
    """Trains a GAN, or goes on from the newest checkpoint in model_dir.

    Args:
      model_dir: the run directory; made when missing.
      record_config: checks the configuration against model_dir, told whether a run is resumed; returns it as text, and
        its hyperparameters by name.
      devices: where it trains (`training.strategy.make`).
      profile: two steps between which TensorFlow is profiled, or None.
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
      histograms_every: steps between histograms of every trainable variable in TensorBoard, or 0 for none.
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
    check_integers(
        "train", 0, spectrum_every=spectrum_every, histograms_every=histograms_every, max_rewinds=max_rewinds
    )
    check_integers("train", 1, batch_size=batch_size, steps=steps, log_every=log_every, save_every=save_every)
    check_integers(
        "train", 1, sample_every=sample_every, steps_per_call=steps_per_call, keep_checkpoints=keep_checkpoints
    )
    check_factories(discriminator_optimizer=discriminator_optimizer, generator_optimizer=generator_optimizer)
    check_dataset(dataset)
    if spectrum_every % log_every:
        raise InputError(
            f"experiment.train.spectrum_every must be a multiple of log_every, {log_every}, not {spectrum_every}"
        )
    probes = [*ALWAYS, *probes]
    if equilibrium is not None:
        probes = [*probes, ParameterDistance(equilibrium=equilibrium)]
    if spectrum_every:
        estimate = SpectrumEstimate(dataset=dataset, batch_size=batch_size)
        probes = [*probes, Periodic(probe=estimate, every=spectrum_every)]
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
                gan = make_gan(
                    generator=generator,
                    discriminator=discriminator,
                    loss=loss,
                    rule=rule,
                    latent_dim=latent_dim,
                    latent_prior=latent_prior,
                    penalty=penalty,
                    schedule=schedule,
                    average_decay=average_decay,
                    seed=seed,
                )
                if synchronize_batch_norm and count > 1:
                    each_player(batch_norm.synchronize, gan.game.networks)
                gan.compile(discriminator_optimizer(), generator_optimizer())
            check(dataset, gan.sample_shape, batch_size, seed)
            checkpoints = Checkpoints(model_dir, gan, dataset, keep_checkpoints, chief)
            config, hyperparameters = record_config(model_dir, checkpoints.exist())
            return run(
                model_dir,
                gan,
                dataset,
                checkpoints,
                config=config,
                hyperparameters=hyperparameters,
                pace=Pace(steps, log_every, save_every, sample_every, histograms_every, steps_per_call),
                batch_size=batch_size,
                jit_compile=jit_compile,
                probes=probes,
                draw=lambda run_log: save_samples(model_dir, run_log, gan, picture),
                profile=profile,
                max_rewinds=max_rewinds if nan_policy == "rewind" else 0,
            )
    except (tf.errors.OpError, OSError) as error:
        raise RunError(f"{model_dir}: {strategy.lost(devices, error)}") from error
