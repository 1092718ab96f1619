"""Trains a classifier of a labelled TFDS data set, through which generated samples of that data set can be scored.

    python tools/train_classifier.py cifar10 --output classifiers/cifar10.keras

The file is a Keras model of standard layers. It takes floats in [−1, 1], [n, height, width, channels], and gives
{"features": [n, 128], "logits": [n, classes]}. A .json file beside it says how it was trained, how often it is right on
the test split, and the hash by which scores name it: those through different classifiers cannot be compared. Until it
is finished the last epoch's is in a file whose name ends in -unfinished.keras, which stays after Ctrl-C.
"""

import argparse
import json
import os
import pathlib
import time

from jare_tf import cli


def parser() -> cli.Parser:
    made = cli.Parser("train_classifier", __doc__)
    made.add_argument("name", help="of a TFDS data set of labelled images of one size, such as cifar10")
    made.add_argument("--output", required=True, help="the .keras file; required")
    made.add_argument("--split", default="train", help="to train on; %(default)s by default")
    made.add_argument("--test_split", default="test", help="to count what is right on; %(default)s by default")
    made.add_argument("--epochs", type=int, default=15, help="passes over the images; %(default)s by default")
    made.add_argument("--seed", type=int, default=0, help="of weights, order and variations; %(default)s by default")
    made.add_argument("--data_dir", help="where TFDS data lie; by default $TFDS_DATA_DIR")
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

import keras
import numpy as np
import tensorflow as tf

from jare_tf.data import tfds_images
from jare_tf.errors import InputError
from jare_tf.evaluation import embedding
from jare_tf.output import say
from jare_tf.settings import Count, CountFromZero, check
from jare_tf.training.run import Run

BATCH, PEAK_RATE, WEIGHT_DECAY = 128, 0.1, 5e-4
LAYERS = ((64, 1), (96, 2), (128, 1), (192, 2), (128, 1))  # (filters, stride) of 3 × 3 convolutions after the first


def build(shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Six convolutions with batch norm: 25 million multiplications for an image of 32 × 32 pixels.

    The first one goes down to about 16 × 16 pixels at once, because that is where a CPU would spend most of its time.
    """
    images = keras.Input(shape)
    stride = max(1, round(shape[0] / 16))
    outputs = _convolution(images, 48, max(3, 2 * stride - 1), stride)
    for filters, stride in LAYERS:
        outputs = _convolution(outputs, filters, 3, stride)
    features = keras.layers.GlobalAveragePooling2D()(outputs)
    logits = keras.layers.Dense(classes, name="logits")(features)
    return keras.Model(images, {"features": features, "logits": logits})


def _convolution(images, filters: int, kernel: int, stride: int):
    images = keras.layers.Conv2D(filters, kernel, stride, "same", use_bias=False)(images)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(images))


def varied(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """The image moved by up to an eighth of its side, and if it has colour mirrored or not; gray ones may be digits."""
    shape = image.shape
    most = shape[0] // 8
    padded = tf.pad(image, [[most, most], [most, most], [0, 0]], "REFLECT")
    image = tf.image.stateless_random_crop(padded, shape, seed)
    return tf.image.stateless_random_flip_left_right(image, seed + 1) if shape[-1] == 3 else image


def batches(images: np.ndarray, labels: np.ndarray, seed: int) -> tf.data.Dataset:
    """(floats in [−1, 1], labels): an epoch of varied images, another one each time it is read."""
    samples = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images), seed=seed)
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
    batched = tf.data.Dataset.zip(samples, seeds).batch(BATCH, drop_remainder=len(images) > BATCH)

    def vary(batch, seeds):
        pixels = tf.map_fn(lambda one: varied(*one), (batch[0], seeds), fn_output_signature=tf.uint8)
        return scaled(tf.ensure_shape(pixels, (None, *images.shape[1:]))), batch[1]

    return batched.map(vary, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def scaled(images: tf.Tensor) -> tf.Tensor:
    return tf.cast(images, tf.float32) / 127.5 - 1


def train(model: keras.Model, images: np.ndarray, labels: np.ndarray, epochs: int, seed: int, path: str) -> None:
    """By stochastic gradient descent, whose rate rises for a fifth of the steps and falls to 0 as a cosine.

    After each epoch it is saved.
    """
    data = batches(images, labels, seed)
    steps = epochs * len(data)
    rising = steps // 5
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps - rising, warmup_target=PEAK_RATE, warmup_steps=rising)
    classifier = keras.Model(model.inputs, model.get_layer("logits").output)
    classifier.compile(
        keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    begin = time.monotonic()

    def save(epoch, logs):
        model.save(path)
        left = (time.monotonic() - begin) * (epochs / (epoch + 1) - 1)
        say(
            f"epoch {epoch + 1} of {epochs}: loss {logs['loss']:.3f}, {logs['accuracy']:.1%} of varied training images "
            f"right, {left / 60:.1f} min left"
        )

    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=save)]
    classifier.fit(data, epochs=epochs, shuffle=False, verbose=0, callbacks=callbacks)


def accuracy(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    parts = [model(scaled(images[first : first + 500]), training=False) for first in range(0, len(images), 500)]
    return float(np.mean(np.concatenate([part["logits"] for part in parts]).argmax(axis=1) == labels))


def make(options: argparse.Namespace) -> None:
    output = pathlib.Path(options.output).expanduser()
    if output.suffix != ".keras" or output.is_dir():
        raise InputError(f"--output must be a file that ends in .keras, not {output}")
    check("--epochs", Count, options.epochs)
    check("--seed", CountFromZero, options.seed)
    Run(str(output.parent)).make()
    begin = time.monotonic()
    images, labels = tfds_images.labelled(name=options.name, split=options.split, data_dir=options.data_dir)
    test = tfds_images.labelled(name=options.name, split=options.test_split, data_dir=options.data_dir)
    keras.utils.set_random_seed(options.seed)
    model = build(images.shape[1:], int(labels.max()) + 1)
    say(f"{len(images):,} images {images.shape[1:]}, {model.count_params():,} parameters")
    unfinished = output.with_name(f"{output.stem}-unfinished.keras")
    train(model, images, labels, options.epochs, options.seed, str(unfinished))
    os.replace(unfinished, output)
    facts = {
        "dataset": options.name,
        "split": options.split,
        "test_split": options.test_split,
        "epochs": options.epochs,
        "seed": options.seed,
        "accuracy": accuracy(model, *test),
        "seconds": round(time.monotonic() - begin, 1),
        "hash": embedding.load(path=str(output)).hash,
    }
    output.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n")
    say(f"{output}: {facts['accuracy']:.2%} of {len(test[1]):,} test images right, {facts['seconds']:.0f} s")


def main(arguments: list[str] | None = None) -> None:
    parser().run(make, arguments, {"cannot write to": "--output"})


if __name__ == "__main__":
    main()
