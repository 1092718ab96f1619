"""One encoded image to pixels of the size that a run wants."""

import contextlib
import io
import math
import pathlib
import threading
import zlib
from typing import NamedTuple

import numpy as np
import PIL
from PIL import Image, features

from jare_tf.errors import InputError

# What the pixels of an image depend on but for its bytes and its form: this file, and Pillow with its decoders.
DECODER = (
    zlib.crc32(pathlib.Path(__file__).read_bytes()),
    PIL.__version__,
    *(features.version(codec) for codec in ("jpg", "zlib", "webp")),
)
_LARGE = 2**24  # pixels, 50 MB; of larger images one is decoded at a time, however many threads there are
_ONE_AT_A_TIME = threading.Lock()
_ORIENTATION = 0x0112  # the EXIF tag, and what each of its values asks for
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Format(NamedTuple):
    """What every image is made into.

    size: side in pixels; None leaves images as they are.
    crop: side, in pixels of the original, of the central square that is kept; by default the largest one.
    channels: 1 for gray, 3 for colour.
    """

    size: int | None
    crop: int | None
    channels: int

    def check(self, where: str) -> None:
        """Raises InputError, naming `where`, unless the numbers go together."""
        if self.crop is not None and self.size is None:
            raise InputError(f"{where}: crop = {self.crop} needs an image_size")


def decode(data: bytes, form: Format) -> np.ndarray:
    """uint8 pixels [height, width, channels] of a JPEG, PNG, WebP, GIF or BMP image.

    The central square is resized bilinearly with antialiasing. Cameras' orientation tags are followed, transparency
    lies over white, 16-bit gray is scaled to 8 bits, and of several frames the first counts.
    """
    with Image.open(io.BytesIO(data)) as image:
        upright = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
        width, height = image.size
        side = min(width, height, form.crop or width)
        if form.size is not None:
            # A JPEG decodes at a half, quarter or eighth of its size where that still holds the size asked for.
            image.draft(None, (-(-width * form.size // side), -(-height * form.size // side)))
        shrunk = 2 ** round(math.log2(width / image.size[0]))
        with _ONE_AT_A_TIME if math.prod(image.size) > _LARGE else contextlib.nullcontext():
            pixels = _eight_bits(image, "L" if form.channels == 1 else "RGB")
    if form.size is not None:
        # The last row and column of a shrunk image may be partly padding: what it shows is size / shrunk wide.
        left, top = ((length - side) / 2 / shrunk for length in (width, height))
        right, bottom = (min(first + side / shrunk, last) for first, last in zip((left, top), pixels.size, strict=True))
        box = (left, top, right, bottom)
        pixels = pixels.resize((form.size, form.size), Image.Resampling.BILINEAR, box=box)
    if upright is not None:
        pixels = pixels.transpose(upright)
    return np.asarray(pixels).reshape(*pixels.size[::-1], form.channels)


def _eight_bits(image: Image.Image, mode: str) -> Image.Image:
    """The image in mode "L" or "RGB"."""
    if image.mode.startswith("I"):
        image = Image.fromarray(np.clip(np.rint(np.asarray(image, np.float64) / 257), 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)
