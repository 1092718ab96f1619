"""The arithmetic of image sizes that the convolutional networks share."""

from jare_tf.errors import InputError


def start_size(network: str, image_size: int, doublings: int) -> int:
    """Side of the first feature map of a generator that doubles it `doublings` times.

    Raises:
      InputError: image_size is not a positive multiple of 2**doublings.
    """
    size, rest = divmod(image_size, 2**doublings)
    if rest or size < 1:
        raise InputError(f"{network}: image_size must be a multiple of {2**doublings}, not {image_size}")
    return size


def doublings(network: str, image_size: int, first: int) -> int:
    """How often a feature map of side `first` must double to reach image_size.

    Raises:
      InputError: image_size is not first · 2ᵏ with k ≥ 1.
    """
    count = (image_size // first).bit_length() - 1
    if count < 1 or first << count != image_size:
        raise InputError(
            f"{network}: image_size must be {first} times a power of two, at least {2 * first}, not {image_size}"
        )
    return count
