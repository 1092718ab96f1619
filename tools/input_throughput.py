"""How fast images reach training: from memory, and from a folder of files decoded on the way.

    python tools/input_throughput.py [--folder my_images --image_size 64]

Without --folder it makes folders of JPEG files of smooth noise, 64 × 64 and, as CelebA's, 178 × 218 pixels. Prints the
time of a batch of 64 from memory next to that of a training step of the DCGAN of setting C (JARE section 7, SimGD),
and images a second of a folder, medians of five rounds.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

from jare_tf import cli


def parser() -> cli.Parser:
    made = cli.Parser("input_throughput", __doc__)
    made.add_argument("--folder", help="your own images; by default folders of noise are made")
    made.add_argument("--image_size", type=int, default=64, help="to which images are resized; %(default)s by default")
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

import jare_tf
from jare_tf.data import image_folder
from jare_tf.data.in_memory import InMemory
from jare_tf.errors import InputError
from jare_tf.game.networks import dcgan
from jare_tf.output import show
from jare_tf.settings import Size, check

BATCH, ROUNDS = 64, 5


def make_folder(folder: str, count: int, width: int, height: int) -> None:
    """Smooth noise, so that a file is about as long as a photograph's (about 9 KB at 178 × 218)."""
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (height // 6, width // 6, 3)).astype(np.uint8))
        picture = coarse.resize((width, height), Image.Resampling.BICUBIC)
        picture.save(pathlib.Path(folder, f"{number:05d}.jpg"), quality=85)


def seconds(function, repeats: int) -> float:
    """The median over rounds of the time of one call."""
    function()
    rounds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(repeats):
            function()
        rounds.append((time.perf_counter() - begin) / repeats)
    return statistics.median(rounds)


def memory_against_step() -> None:
    images = InMemory("noise", np.random.default_rng(0).integers(0, 256, (50_000, 32, 32, 3), np.uint8))
    gan = jare_tf.GAN(
        dcgan.generator(), dcgan.discriminator(), rule=jare_tf.sim_gd(), loss=jare_tf.NonSaturating(), latent_dim=128
    )
    gan.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
    batch = tf.function(lambda counter: images.batch(counter, BATCH, 0))
    update = tf.function(lambda real: gan.update([real]))
    real, counter = batch(tf.constant(0)), iter(range(10**9))
    step = seconds(lambda: update(real), 10)
    feed = seconds(lambda: batch(tf.constant(next(counter))), 100)
    show(f"a batch of {BATCH} from memory: {1e3 * feed:.2f} ms, {feed / step:.2%} of a step of {1e3 * step:.0f} ms")


def folder_rate(folder: str, image_size: int) -> None:
    begin = time.perf_counter()
    dataset = image_folder.load(path=folder, image_size=image_size, in_memory_limit=0)
    checked = len(dataset) / (time.perf_counter() - begin)
    read = tf.function(dataset.batches(0, BATCH, 0))
    rate = BATCH / seconds(lambda: read(tf.constant(0)), 40)
    show(f"{folder}: {rate:,.0f} images a second of {image_size} px; checked at the start, {checked:,.0f} a second")


def measure(arguments: argparse.Namespace) -> None:
    check("--image_size", Size, arguments.image_size)
    if arguments.folder and not tf.io.gfile.isdir(arguments.folder):
        raise InputError(f"--folder {arguments.folder} is not a folder")
    memory_against_step()
    if arguments.folder:
        folder_rate(arguments.folder, arguments.image_size)
        return
    for width, height in ((64, 64), (178, 218)):
        with tempfile.TemporaryDirectory(prefix=f"{width}x{height}_") as folder:
            make_folder(folder, 2000, width, height)
            folder_rate(folder, arguments.image_size)


def main(arguments: list[str] | None = None) -> None:
    parser().run(measure, arguments, {"image_folder.load": "--folder, --image_size"})


if __name__ == "__main__":
    main()
