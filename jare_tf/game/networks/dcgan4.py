"""`dcgan4`: a DCGAN with four layers and the same number of filters in each, settings C and D of JARE section 7.

It is the architecture "4 layers, constant filters, no batch norm" of the ConOpt paper.
"""

import keras

from jare_tf.game.networks import spectral_norm as sn
from jare_tf.game.networks.image_sizes import start_size


def generator(*, latent_dim: int = 128, filters: int = 64, image_size: int = 32, channels: int = 3) -> keras.Model:
    """z → dense 2·2·f ReLU → deconv 5×5/2 f ReLU three times → deconv 5×5/2 to `channels`, tanh (32 px).

    Args:
      latent_dim: length of z.
      filters: f.
      image_size: side of the image, a multiple of 16.
      channels: channels of the image.

    Raises:
      InputError: image_size is no multiple of 16.
    """
    size = start_size("dcgan4.generator", image_size, 4)
    layers = keras.layers
    stack = [layers.Dense(size * size * filters, activation="relu"), layers.Reshape((size, size, filters))]
    stack += [layers.Conv2DTranspose(filters, 5, 2, "same", activation="relu") for _ in range(3)]
    stack += [layers.Conv2DTranspose(channels, 5, 2, "same", activation="tanh")]
    return keras.Sequential([keras.Input((latent_dim,)), *stack], name="dcgan4_generator")


def discriminator(
    *, filters: int = 64, image_size: int = 32, channels: int = 3, spectral_norm: bool = False
) -> keras.Model:
    """x → conv 5×5/2 f leaky ReLU 0.1 four times → dense 1.

    Args:
      filters: f.
      image_size: side of the image, a multiple of 16.
      channels: channels of the image.
      spectral_norm: divide every kernel, the dense one too, by its spectral norm.

    Raises:
      InputError: image_size is no multiple of 16.
    """
    start_size("dcgan4.discriminator", image_size, 4)
    dense, conv = sn.layers(spectral_norm)
    stack = []
    for _ in range(4):
        stack += [conv(filters, 5, 2, "same"), keras.layers.LeakyReLU(0.1)]
    stack += [keras.layers.Flatten(), dense(1)]
    return keras.Sequential([keras.Input((image_size, image_size, channels)), *stack], name="dcgan4_discriminator")
