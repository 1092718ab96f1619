"""A trained generator for use without this package."""

import functools

import keras
import tensorflow as tf

from jare_tf import files
from jare_tf.data import latent
from jare_tf.data.dataset import as_pixels
from jare_tf.errors import InputError
from jare_tf.experiment.checkpoint import Checkpoint, output_folder, restore
from jare_tf.experiment.experiment import Experiment
from jare_tf.output import say
from jare_tf.settings import checked
from jare_tf.training.gan import GAN
from jare_tf.training.run import Run


@checked
def export(experiment: Experiment, run: Run, *, checkpoint: Checkpoint = "newest", output: str | None = None) -> None:
    """Writes a run's generator, with the weights of its moving average where there is one, in two forms.

    `generator.keras` is the Keras model, from latent vectors [n, latent_dim] to samples, images in [−1, 1], in float32;
    the generators of this package for images have Keras' own layers in it. `saved_model/<step>` is a SavedModel that
    TensorFlow Serving loads from the folder `saved_model`, with the step as its version, and two signatures:
    `serving_default`, from `latent` float32 [n, latent_dim], and `from_seeds`, from `seeds` int64 [n], to `images`
    uint8 [n, height, width, channels], or `samples` float32 where samples are no images. A seed gives the sample that
    it gives in `experiment.sample`.

    Args:
      experiment: what the run trains.
      run: the run.
      checkpoint: "newest", "best" (what `evaluate` kept), or the number of a step.
      output: the folder; by default exported/ in the run directory.

    Raises:
      InputError: there is no such checkpoint, the generator is neither sequential nor functional, or `output` cannot be
        written to.
    """
    gan = experiment.gan()
    step = restore(run, gan, checkpoint)
    folder = output_folder(output, f"{run}/exported")
    generator = _without_this_package(gan)
    keras_file, saved_model = f"{folder}/generator.keras", f"{folder}/saved_model/{step}"
    with files.fresh(keras_file) as new:
        generator.save(new)
    signatures = _signatures(gan, generator)
    tf.saved_model.save(_Served(generator), saved_model, signatures=signatures)
    say(f"the generator of step {step}: {keras_file}, {saved_model}")


class _Served(tf.Module):
    """What a SavedModel holds on to."""

    def __init__(self, generator: keras.Model):
        super().__init__()
        self.generator_variables = generator.variables


def _without_this_package(gan: GAN) -> keras.Model:
    """The generator with the weights that `gan` samples by and, for layers with the inference of Keras' own, those."""

    def clone(layer):
        kind = vars(type(layer)).get("in_keras", type(layer))  # a subclass may differ
        return kind.from_config(layer.get_config())

    try:
        generator = keras.models.clone_model(gan.generator, clone_function=clone)
    except ValueError as error:
        raise InputError(
            f"cannot export a generator of class {type(gan.generator).__name__}: make it a keras.Sequential or a "
            "functional model"
        ) from error
    gan.copy_sampling_weights(generator)
    return generator


def _signatures(gan: GAN, generator: keras.Model) -> dict:
    images = len(gan.sample_shape) == 3

    def served(z):
        samples = tf.cast(generator(z, training=False), tf.float32)
        return {"images": as_pixels(samples)} if images else {"samples": samples}

    from_seeds = lambda seeds: served(latent.of_seeds(gan.latent_prior, gan.latent_dim, seeds))
    graph = functools.partial(tf.function, autograph=False)
    return {
        "serving_default": graph(served, [tf.TensorSpec([None, gan.latent_dim], tf.float32, "latent")]),
        "from_seeds": graph(from_seeds, [tf.TensorSpec([None], tf.int64, "seeds")]),
    }
