"""What the theory says about an experiment."""

import json
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.data.dataset import Dataset, as_floats, check
from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.dynamics.rule import Rule
from jare_tf.errors import InputError
from jare_tf.experiment.parts import check_dataset, check_factories, check_integers, say_differences
from jare_tf.game import precision as precisions
from jare_tf.report import curves, spectra
from jare_tf.theory.analysis import Analysis, analyse
from jare_tf.training import run_directory
from jare_tf.training.checkpoints import restore_networks, steps_of
from jare_tf.training.gan import GAN
from jare_tf.types import Batch, Players, Point


def spectrum(
    *,
    model_dir: str,
    use_checkpoint: bool,
    check_config: Callable[[], Sequence[str]],
    make_gan: Callable[[], GAN],
    dataset: Dataset,
    discriminator_optimizer: Callable[[], keras.optimizers.Optimizer],
    generator_optimizer: Callable[[], keras.optimizers.Optimizer],
    batch_size: int,
    equilibrium: Players | None = None,
    at: str | None = None,
    samples: int = 512,
    dense_up_to: int = 4000,
) -> None:
    """Writes what the theory says about an experiment: model_dir/spectrum.json and model_dir/spectrum.png.

    The arguments from `dataset` to `equilibrium` are those that the experiment binds for `train`, and mean the same;
    the others are bound for `experiment.spectrum`. A game of up to `dense_up_to` parameters is analysed in float64,
    with all eigenvalues, and on `samples` samples that have the exact mean and covariance where the data are Gaussian:
    at the equilibrium of the isotropic Gaussian the expectations are exact. A larger one is analysed at the ends of its
    spectrum, in float32, on one batch as in training.

    Args:
      model_dir: where the files go, and where a checkpoint may lie.
      use_checkpoint: whether `at` may by default be the newest checkpoint in model_dir.
      check_config: called when everything has been made: raises InputError for a binding that nothing used, and returns
        how the configuration differs from that of the run in model_dir.
      make_gan: makes the experiment's GAN, at its initialisation.
      at: "checkpoint", "equilibrium" or "initialisation". By default the checkpoint if that may be and there is one,
        else the equilibrium if it is known, else the initialisation.
      samples: samples of each distribution in a dense analysis.
      dense_up_to: most parameters of both networks together for a dense analysis.

    Raises:
      InputError: what the experiment is made of does not fit together, or there is nothing at `at`.
    """
    check_integers("spectrum", 1, samples=samples, dense_up_to=dense_up_to)
    check_factories(discriminator_optimizer=discriminator_optimizer, generator_optimizer=generator_optimizer)
    check_dataset(dataset)
    gan = make_gan()
    check(dataset, gan.sample_shape, batch_size, gan.first_seed)
    optimizers = Players(discriminator_optimizer(), generator_optimizer())
    differences = check_config()
    run_directory.make(model_dir)
    points = {"initialisation": gan.game.point()}
    if equilibrium is not None:
        points["equilibrium"] = points["initialisation"]._replace(parameters=equilibrium)
    kept = steps_of(model_dir) if at == "checkpoint" or (at is None and use_checkpoint) else []
    step = kept[-1] if kept else None
    if kept:
        restore_networks(model_dir, gan, step)
        points["checkpoint"] = gan.game.point()
        for optimizer in optimizers:
            optimizer.iterations.assign(step)  # for a schedule of learning rates
        say_differences(differences)
    at = at or list(points)[-1]
    if at not in points:
        raise InputError(
            f"experiment.spectrum.at = {at!r}: there is only the {' and the '.join(points)} in {model_dir}"
        )

    if sum(np.size(leaf) for leaf in tf.nest.flatten(gan.game.point().parameters)) <= dense_up_to:
        real = dataset.expectation(samples, gan.first_seed)
        latent = gan.latent_prior.expectation(samples, gan.latent_dim, gan.first_seed)
        with precisions.float64():
            game = make_gan().game
        batch = Batch(*(tf.cast(as_floats(tf.convert_to_tensor(part)), tf.float64) for part in (real, latent)))
    else:
        game, batch = gan.game, gan.batch(dataset.batch(0, batch_size, gan.seed), 0)

    def analysed(one: Rule, point: Point) -> Analysis:
        cast = tf.nest.map_structure(lambda value, like: tf.cast(value, like.dtype), point, game.point())
        return analyse(game, one, cast, batch, schedule=gan.schedule, optimizers=optimizers, dense=game is not gan.game)

    title = {"checkpoint": f"after {step} iterations"}.get(at, f"at the {at}")
    points_shown = (
        {"before training": points["initialisation"], title: points[at]} if at == "checkpoint" else {title: points[at]}
    )
    rules = [gan.rule] if gan.rule == sim_gd() else [sim_gd(), gan.rule]
    rows = {name: [analysed(one, point) for one in rules] for name, point in points_shown.items()}
    result = rows[title][-1]
    shown = [{"point": point, **one.to_json()} for point, row in rows.items() for one in row]
    record = {"at": at, "step": step or 0, "not_as_in_the_run": differences if step else [], **result.to_json()}
    record["shown"] = shown
    files.replace(f"{model_dir}/spectrum.json", json.dumps(record) + "\n")
    curves.save(spectra.draw(rows), f"{model_dir}/spectrum.png")
    print(result.summary(), f"{model_dir}/spectrum.json", f"{model_dir}/spectrum.png", sep="\n", flush=True)
