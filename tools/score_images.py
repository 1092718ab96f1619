"""Scores of images that are there already: of any folder or file, against a data set or another folder.

    python tools/score_images.py my_samples --against cifar10:test --embedding classifiers/cifar10.keras
    python tools/score_images.py runs/c_jare/generated/step-1000.npz --against photos --image_size 64

IMAGES and --against are a folder of images, an .npz file with `images` (as `--mode sample` writes it), an .npy file, or
NAME:SPLIT of TensorFlow Datasets. Prints the scores of `protocols.small` on all images of both, and then one JSON
object with what they depend on. Without --embedding it is TF-GAN's Inception graph from TF-Hub.
"""

import argparse
import dataclasses
import io
import json
from collections.abc import Sequence

from jare_tf import cli


def parser() -> cli.Parser:
    made = cli.Parser("score_images", __doc__)
    made.add_argument("images", help="what is scored")
    made.add_argument("--against", required=True, help="what it is compared with; required")
    made.add_argument(
        "--embedding", help="a model file or folder, see jare_tf.evaluation.embedding.load; by default Inception's"
    )
    made.add_argument(
        "--resize", default="tf1_bilinear", help="how images get the embedding's size; %(default)s by default"
    )
    made.add_argument(
        "--image_size",
        type=int,
        help="side to which images of folders and data sets are resized; by default as they are",
    )
    made.add_argument(
        "--cache", help="keeps what the embedding sees in --against; '' for none; by default ~/.cache/jare_tf"
    )
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

import numpy as np
import tensorflow as tf

from jare_tf.data import image_folder, in_memory, tfds_images
from jare_tf.data.dataset import Dataset
from jare_tf.errors import InputError, one_line
from jare_tf.evaluation import embedding as embeddings
from jare_tf.evaluation import protocols
from jare_tf.evaluation.image_scores import CACHE, real_samples, scores
from jare_tf.output import say, show
from jare_tf.settings import Size, check


def dataset(named: str, image_size: int | None) -> tuple[Dataset, str]:
    """The images that the command line names, and of which split they are."""
    if named.endswith(".npz"):
        try:
            with tf.io.gfile.GFile(named, "rb") as file, np.load(io.BytesIO(file.read())) as arrays:
                images = arrays["images" if "images" in arrays else arrays.files[0]]
        except (tf.errors.OpError, OSError) as error:
            raise InputError(f"cannot read images from {named}: {one_line(error)}") from error
        except Exception as error:  # broken archives raise whatever it is that they break
            raise InputError(f"{named} is no .npz file with images") from error
        if not isinstance(images, np.ndarray):
            raise InputError(f"{named} is no .npz file with images: what it holds is no array")
        if images.ndim != 4 or images.dtype != np.uint8 or not len(images):
            raise InputError(f"{named} must hold uint8 images [n, height, width, channels], not {images.shape}")
        return in_memory.InMemory(named, images), "images"
    if named.endswith(".npy"):
        array = in_memory.array_file(path=named)
        if len(array.element_shape) != 3:
            raise InputError(f"{named} must hold images [n, height, width, channels], not {len(array)} points")
        return array, "images"
    if tf.io.gfile.isdir(named) or ":" not in named:
        if image_size is None:
            raise InputError(f"{named} is a folder: say --image_size, to which its images are resized")
        return image_folder.load(path=named, image_size=image_size), "images"
    name, _, split = named.partition(":")
    return tfds_images.load(name=name, split=split, image_size=image_size), split.partition("[")[0]


def score(arguments: argparse.Namespace) -> None:
    check("--image_size", Size | None, arguments.image_size)
    for named in (arguments.images, arguments.against):
        if ":" not in named and not tf.io.gfile.exists(named):
            raise InputError(f"there is no {named}, and it is no NAME:SPLIT of a data set")
    embedding = embeddings.load(path=arguments.embedding, resize=arguments.resize)
    reference, split = dataset(arguments.against, arguments.image_size)
    size = arguments.image_size or reference.element_shape[0]
    images, _ = dataset(arguments.images, size)
    if tuple(images.element_shape) != tuple(reference.element_shape):
        raise InputError(
            f"{arguments.images} has images of shape {images.element_shape}, {arguments.against} of "
            f"{reference.element_shape}: name both by folder or data set, with --image_size"
        )
    for named, one in ((arguments.images, images), (arguments.against, reference)):
        if len(one) < 2:
            raise InputError(f"{named} has {len(one)} image: scores want two at least")
    devices, cache = tf.distribute.get_strategy(), CACHE if arguments.cache is None else arguments.cache or None
    real = real_samples(reference, None, arguments.against, embedding, devices, cache=cache)
    made = real_samples(images, None, arguments.images, embedding, devices)
    protocol, measured = protocols.small(samples=len(images), split=split), {}
    for measure in protocol.measures:
        try:
            found = scores(real, made, dataclasses.replace(protocol, measures=(measure,)))
        except InputError as error:
            say(f"left out: {error}")
            continue
        for tag, value in found.items():
            say(f"{tag} {value:.5g}")
        measured |= found
    labels = {"embedding": f"{embedding.name} {embedding.hash}", "resize": embedding.resize, "real": len(reference)}
    show(json.dumps({"images": arguments.images, "against": arguments.against, **labels, **measured}))


def main(arguments: Sequence[str] | None = None) -> None:
    parser().run(score, arguments, {"embedding.load": "--embedding", "image_folder.load": "--image_size"})


if __name__ == "__main__":
    main()
