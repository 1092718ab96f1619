"""Pictures of what a generator makes, as uint8 arrays [height, width, 3]."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import tensorflow as tf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from scipy import ndimage

from jare_tf.data.dataset import Dataset, as_pixels
from jare_tf.data.synthetic import GaussianMixture
from jare_tf.errors import InputError
from jare_tf.settings import Range, checked

_Side = Annotated[int, Range(least=1, most=1000)]
_Samples = Annotated[int, Range(least=1, most=1_000_000)]


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageGrid:
    """A grid of images in [−1, 1], separated by a pixel of white.

    Args:
      rows: images from top to bottom.
      columns: images from left to right.
    """

    rows: _Side = 8
    columns: _Side = 8

    @property
    def samples(self) -> int:
        return self.rows * self.columns

    def draw(self, images: np.ndarray) -> np.ndarray:
        """The grid of [rows · columns, height, width, 1 or 3] images."""
        if images.ndim != 4 or images.shape[-1] not in (1, 3):
            raise InputError(f"pictures.ImageGrid draws images [n, height, width, 1 or 3], not {images.shape}")
        return grid(as_pixels(images).numpy(), self.columns)


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Density:
    """The density of 2-D samples, over circles at 1, 2 and 3 standard deviations around the target's modes.

    The density is a kernel estimate with one Gaussian kernel for the whole picture, whose standard deviation is a
    hundredth of the picture's side: a bandwidth taken from the samples would blur modes that lie far apart.

    Args:
      target: the distribution that the game should learn.
      samples: how many samples are drawn.
    """

    target: GaussianMixture
    samples: _Samples = 10_000

    def draw(self, samples: np.ndarray) -> np.ndarray:
        """The picture of samples [n, 2]."""
        if samples.ndim != 2 or samples.shape[1] != 2:
            raise InputError(f"pictures.Density draws points [n, 2], not {samples.shape}")
        centres = np.array(self.target.centres)
        middle = centres.mean(axis=0)
        half = 1.4 * np.abs(centres - middle).max() + 5 * self.target.std
        cells = 200
        edges = [np.linspace(value - half, value + half, cells + 1) for value in middle]
        counts, _, _ = np.histogram2d(samples[:, 0], samples[:, 1], bins=edges)
        density = ndimage.gaussian_filter(counts, sigma=cells / 100, mode="constant")

        figure, axes = _square()
        extent = (edges[0][0], edges[0][-1], edges[1][0], edges[1][-1])
        axes.imshow(density.T, origin="lower", extent=extent, cmap="Blues", vmin=0, interpolation="bilinear")
        for centre in centres:
            for deviations in (1, 2, 3):
                circle = Circle(centre, deviations * self.target.std, fill=False, color="tab:orange", linewidth=0.7)
                axes.add_patch(circle)
        return _pixels(figure)


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Points:
    """Samples over the data: in one dimension histograms, in more the first two coordinates, with the data in orange.

    Args:
      dataset: the distribution that the game should learn; its first batch is shown, of as many samples.
      samples: how many samples are drawn.
    """

    dataset: Dataset
    samples: _Samples = 5_000

    def draw(self, samples: np.ndarray) -> np.ndarray:
        """The picture of samples [n, d]."""
        real = np.asarray(self.dataset.batch(0, self.samples, 0))
        if samples.ndim != 2 or samples.shape[1:] != real.shape[1:]:
            raise InputError(f"pictures.Points draws points [n, d] of the data's shape, not {samples.shape}")
        low, high = real.min(axis=0), real.max(axis=0)
        low, high = low - 0.25 * (high - low), high + 0.25 * (high - low)
        figure, axes = _square()
        axes.set_xlim(low[0], high[0])
        if samples.shape[1] == 1:
            cells = np.linspace(low[0], high[0], 41)
            for points, colour in ((samples, "tab:blue"), (real, "tab:orange")):
                weights = np.full(len(points), 1 / (len(points) * (cells[1] - cells[0])))
                axes.hist(points[:, 0], cells, weights=weights, histtype="step", color=colour)
            axes.set_ylabel("density", fontsize=7)
        else:
            axes.set_ylim(low[1], high[1])
            for points, colour in ((real, "tab:orange"), (samples, "tab:blue")):
                axes.scatter(*points.T[:2], s=3, color=colour, alpha=0.4, linewidths=0)
        return _pixels(figure)


def grid(pixels: np.ndarray, columns: int) -> np.ndarray:
    """uint8 images [n, height, width, 1 or 3] row by row in one picture, separated and filled up by white."""
    rows = -(-len(pixels) // columns)
    missing = rows * columns - len(pixels)
    framed = np.pad(pixels, ((0, missing), (0, 1), (0, 1), (0, 0)), constant_values=255)
    _, height, width, channels = framed.shape
    picture = framed.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    picture = picture.reshape(rows * height, columns * width, channels)[:-1, :-1]
    return np.repeat(picture, 3 // channels, axis=-1)


def table(rows: Mapping[str, Sequence[np.ndarray]], columns: Sequence[str]) -> Figure:
    """Pictures side by side, as papers compare samples: a row for each label, a column for each title.

    Args:
      rows: by label, uint8 pictures [height, width, 3] from left to right.
      columns: titles, as many as the longest row has pictures.
    """
    figure = Figure(figsize=(1.7 * len(columns), 1.75 * len(rows)), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), len(columns), squeeze=False)
    for (label, pictures), axes_of_row in zip(rows.items(), grid, strict=True):
        axes_of_row[0].set_ylabel(label, fontsize=8)
        for axes in axes_of_row:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for picture, axes in zip(pictures, axes_of_row, strict=False):
            axes.imshow(picture, interpolation="antialiased")
    for title, axes in zip(columns, grid[0], strict=True):
        axes.set_title(title, fontsize=8)
    return figure


def text_table(rows: Sequence[Mapping[str, object]]) -> Figure:
    """A table as a picture: rows with the same columns."""
    figure = Figure(figsize=(1.6 * len(rows[0]) + 1, 0.17 * (len(rows) + 1)), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axis("off")
    cells = [[str(value) for value in row.values()] for row in rows]
    box: Any = (0, 0, 1, 1)  # as good as a Bbox, which is what Matplotlib's types want
    axes.table(cells, colLabels=list(rows[0]), bbox=box, edges="horizontal", cellLoc="left", colLoc="left")
    return figure


def read(path: str) -> np.ndarray:
    """The picture of a PNG file, uint8 [height, width, 3]."""
    with tf.io.gfile.GFile(path, "rb") as file:
        return tf.io.decode_png(file.read(), channels=3).numpy()


def png(picture: np.ndarray) -> bytes:
    """A picture, uint8 [height, width, 1 or 3], as the bytes of a PNG file."""
    return tf.io.encode_png(picture).numpy()


def _square():
    figure = Figure(figsize=(3.2, 3.2), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.tick_params(labelsize=7)
    return figure, axes


def _pixels(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
