"""Images of your own: a folder of files, or the folder of CelebA as its authors distribute it."""

import collections
import os
from typing import Literal

import tensorflow as tf

from jare_tf import files
from jare_tf.data import images
from jare_tf.data.dataset import Dataset, places
from jare_tf.data.decoding import Format
from jare_tf.data.kept import CACHE
from jare_tf.errors import InputError
from jare_tf.output import say
from jare_tf.settings import NonNegative, Size, checked

_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")
_CELEBA_SPLITS = ("train", "valid", "test")


@places("path", "in_memory_limit", "cache")
@checked
def load(
    *,
    path: str,
    image_size: Size,
    crop: Size | None = None,
    channels: Literal[1, 3] = 3,
    in_memory_limit: NonNegative = images.IN_MEMORY_LIMIT,
    cache: str | None = CACHE,
) -> Dataset:
    """All images of a folder and the folders in it: JPEG, PNG, WebP, GIF and BMP files of any sizes.

    The order is that of the files' names, shuffled anew for every epoch by the run's seed. Files that cannot be decoded
    are named, counted and left out, other files counted by their endings.

    Args:
      path: the folder; local, or of any file system that TensorFlow knows (gs://...).
      image_size: side to which the central square of every image is resized (see `decoding.decode`).
      crop: side, in pixels of the original, of that square; by default the largest one.
      channels: 3 for colour, 1 for gray.
      in_memory_limit: images are held in memory up to so many bytes of pixels (twice that while they are loaded), and
        beyond decoded while training goes on; both feed the same images in the same order. Every file is decoded once
        at the start.
      cache: a folder in which the next run finds what was found out at the start of this one, so that files of the same
        size and times are not decoded again: the pixels of images in memory, if they took over two seconds, and of
        others a list of those that can be decoded; None for none.

    Raises:
      InputError: there is no such folder, or no image in it can be read.
    """
    form = Format(image_size, crop, channels)
    found = _files(path, "image_folder.load")
    paths = [file for file in found if file.lower().endswith(_ENDINGS)]
    others = collections.Counter(os.path.splitext(file)[1].lower() or "no ending" for file in {*found} - {*paths})
    if others:
        counts = ", ".join(f"{count:,} {ending}" for ending, count in sorted(others.items()))
        say(f"{path}: no images by their names, left out: {counts}")
    if not paths:
        raise InputError(f"image_folder.load: no file under {path} ends in {', '.join(_ENDINGS)}")
    return images.from_files(path, paths, form, in_memory_limit, cache, "image_folder.load")


@places("path", "in_memory_limit", "cache")
@checked
def celeba(
    *,
    path: str,
    split: Literal["train", "valid", "test", "all"] = "train",
    image_size: Size = 64,
    crop: Size | None = 160,
    in_memory_limit: NonNegative = images.IN_MEMORY_LIMIT,
    cache: str | None = CACHE,
) -> Dataset:
    """CelebA from files downloaded by hand: img_align_celeba/ unpacked, and list_eval_partition.txt or .csv.

    TFDS' own download of `celeb_a` often fails on its quota.

    Args:
      path: the folder that holds both, in whatever folders.
      split: "train", "valid", "test", or "all", which needs no list.
      image_size: side to which the central square of every image is resized.
      crop: side of that square in the original of 178 × 218 pixels; 160 is that of ConOpt's published code.
      in_memory_limit: as in `load`.
      cache: as in `load`.

    Raises:
      InputError: a folder or file is missing, or `split` is none of those.
    """
    where = "image_folder.celeba"
    form = Format(image_size, crop, 3)
    found = _files(path, where)
    paths = [file for file in found if "img_align_celeba" in file and file.lower().endswith(".jpg")]
    if not paths:
        raise InputError(f"{where}: no img_align_celeba/*.jpg under {path}; unpack img_align_celeba.zip there")
    if split != "all":
        lists = [file for file in found if os.path.basename(file).startswith("list_eval_partition")]
        if not lists:
            raise InputError(f"{where}: no list_eval_partition.txt under {path}, which split = {split!r} needs")
        with files.opened(lists[0]) as file:
            rows = [line.replace(",", " ").split() for line in file.read().decode(errors="replace").splitlines()]
        chosen = {row[0] for row in rows if len(row) == 2 and row[1] == str(_CELEBA_SPLITS.index(split))}
        paths = [file for file in paths if os.path.basename(file) in chosen]
        if 0 < len(paths) < len(chosen):
            say(f"CelebA {split}: {len(chosen) - len(paths):,} of {len(chosen):,} images are missing")
        if not paths:
            raise InputError(f"{where}: {lists[0]} names no image of {split!r} that is under {path}")
    return images.from_files(f"CelebA {split}", paths, form, in_memory_limit, cache, where)


def _files(path: str, where: str) -> list[str]:
    """Every file under a folder, sorted; links to folders are not followed."""
    path = os.path.expanduser(path)
    remote = "://" in path
    if not path or not (tf.io.gfile.isdir(path) if remote else os.path.isdir(path)):
        raise InputError(f"{where}: path = {path!r} is not a folder; name the folder of your images")
    folders = tf.io.gfile.walk(path) if remote else os.walk(path)
    return sorted(os.path.join(folder, name) for folder, _, names in folders for name in names)
