"""Tables 2 to 5 of JARE, typed in row by row, and the rows of a network to compare with them.

A row is (kind, kernel size, stride, channels, activation, side of the output), ("dense", units) or ("z", length).
"ResBlock M_f" of the tables is (convolution, convolution, scaling, sum), of which the tables give no more.
"""

from collections.abc import Sequence

import keras

Row = tuple[str | int, ...]


def _up(*sides: int) -> list[Row]:
    return [row for side in sides for row in (("deconv", 4, 2, 64, "relu", side), ("ResBlock", 3, 1, 64, "relu", side))]


def _down(*sides: int) -> list[Row]:
    return [row for side in sides for row in (("conv", 4, 2, 64, "relu", side), ("ResBlock", 3, 1, 64, "relu", side))]


# By number the rows of the generator and of the discriminator, for M_f = 64.
TABLES: dict[int, tuple[list[Row], list[Row]]] = {
    2: (
        [("z", 128), ("dense", 2 * 2 * 64), *_up(4, 8, 16), ("deconv", 4, 2, 3, "tanh", 32)],
        [*_down(16, 8, 4, 2), ("dense", 1)],
    ),
    3: (
        [("z", 128), ("dense", 4 * 4 * 64), *_up(8, 16, 32), ("conv", 3, 1, 3, "tanh", 32)],
        [*_down(16, 8, 4, 2), ("dense", 1)],
    ),
    4: (
        [("z", 128), ("dense", 4 * 4 * 64), *_up(8, 16, 32, 64), ("conv", 3, 1, 3, "tanh", 64)],
        [*_down(32, 16, 8, 4, 2), ("dense", 1)],
    ),
    5: (
        [("z", 128), ("dense", 4 * 4 * 64), *_up(8, 16, 32, 64, 128), ("conv", 3, 1, 3, "tanh", 128)],
        [*_down(64, 32, 16, 8, 4, 2), ("dense", 1)],
    ),
}
# Trainable parameters of G and D of the published code, which has Tables 2 and 3.
PARAMETERS = {2: (343_779, 384_929), 3: (441_507, 384_929)}


def rows(network: keras.Model) -> list[Row]:
    """The rows of a network, in a table's words."""
    found: list[Row] = []
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            if len(layer.output.shape) == 2:
                found.append(("z", layer.output.shape[-1]))
        elif isinstance(layer, keras.layers.Conv2DTranspose):
            found.append(_convolution("deconv", layer))
        elif isinstance(layer, keras.layers.Conv2D):
            found.append(_convolution("conv", layer))
        elif isinstance(layer, keras.layers.Dense):
            found.append(("dense", layer.units))
        elif isinstance(layer, keras.layers.Add):
            found[-2:] = [_block(found[-2:])]
    return found


def _convolution(kind: str, layer) -> Row:
    (size, _), (stride, _) = layer.kernel_size, layer.strides
    return (kind, size, stride, layer.filters, layer.activation.__name__, layer.output.shape[1])


def _block(inner: Sequence[Row]) -> Row:
    """The row of a block from those of its two convolutions; the first may be of any width."""
    first, second = ([value for i, value in enumerate(row) if i != 3] for row in inner)
    return ("ResBlock", *inner[1][1:]) if first == second else ("unlike a ResBlock", *inner[1][1:])


def first_difference(found: Sequence[Row], listed: Sequence[Row]) -> str | None:
    """The first row that is not the table's, in words; None where all are."""
    for number, (one, other) in enumerate(zip(found, listed, strict=False), 1):
        if one != other:
            return f"row {number}: {' '.join(map(str, one))} for {' '.join(map(str, other))}"
    return None if len(found) == len(listed) else f"{len(found)} rows for {len(listed)}"
