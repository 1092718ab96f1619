"""`conv4`: the standard CNN of SN-GAN (Miyato et al. 2018, Table 3), settings A and B of JARE section 7."""

import keras

from jare_tf.game.networks import batch_norm as bn
from jare_tf.game.networks import spectral_norm as sn
from jare_tf.game.networks.convolution import Conv2D, Conv2DTranspose
from jare_tf.game.networks.dense import Dense
from jare_tf.game.networks.image_sizes import start_size
from jare_tf.settings import Size, Width, checked


@checked
def generator(
    *, latent_dim: Width = 128, filters: Size = 64, image_size: Size = 32, channels: Size = 3, batch_norm: bool = False
) -> keras.Model:
    """z → dense 4·4·8f ReLU → deconv 4×4/2 to 4f, 2f, f, each ReLU → conv 3×3/1 to `channels`, tanh (32 px).

    With batch norm (setting A) it follows the dense layer, each transposed convolution and the last convolution, has a
    centre and no scale, and replaces the bias. Its moving averages, used for samples, have momentum 0.9 and ε = 0.001.

    Args:
      latent_dim: length of z.
      filters: f.
      image_size: side of the image, a multiple of 8.
      channels: channels of the image.
      batch_norm: setting A if true, B if false.

    Raises:
      InputError: image_size is no multiple of 8.

    Examples:
      >>> from jare_tf.networks import conv4
      >>> conv4.generator(latent_dim=1, filters=1, image_size=8).count_params()  # 16 + 516 + 130 + 33 + 30
      725
    """
    size = start_size("conv4.generator", image_size, 3)
    layers = keras.layers

    def normalised(layer, activation):
        norm = [bn.layer()] if batch_norm else []
        return [layer, *norm, layers.Activation(activation)]

    bias = not batch_norm
    stack = [
        *normalised(Dense(size * size * 8 * filters, use_bias=bias), "relu"),
        layers.Reshape((size, size, 8 * filters)),
    ]
    for multiple in (4, 2, 1):
        stack += normalised(Conv2DTranspose(multiple * filters, 4, 2, "same", use_bias=bias), "relu")
    stack += normalised(Conv2D(channels, 3, 1, "same", use_bias=bias), "tanh")
    return keras.Sequential([keras.Input((latent_dim,)), *stack], name="conv4_generator")


@checked
def discriminator(
    *, filters: Size = 64, image_size: Size = 32, channels: Size = 3, spectral_norm: bool = False
) -> keras.Model:
    """x → conv 3×3/1 f, 4×4/2 f, 3×3/1 2f, 4×4/2 2f, 3×3/1 4f, 4×4/2 4f, 3×3/1 8f, each leaky ReLU 0.1 → dense 1.

    Args:
      filters: f.
      image_size: side of the image, a multiple of 8.
      channels: channels of the image.
      spectral_norm: divide every kernel, the dense one too, by its spectral norm.

    Raises:
      InputError: image_size is no multiple of 8.

    Examples:
      >>> from jare_tf.networks import conv4
      >>> conv4.discriminator(image_size=36)
      Traceback (most recent call last):
          ...
      jare_tf.errors.InputError: conv4.discriminator: image_size must be a multiple of 8, not 36
    """
    start_size("conv4.discriminator", image_size, 3)
    dense, conv = sn.layers(spectral_norm)
    stack = []
    for multiple in (1, 2, 4):
        stack += [conv(multiple * filters, 3, 1, "same"), keras.layers.LeakyReLU(0.1)]
        stack += [conv(multiple * filters, 4, 2, "same"), keras.layers.LeakyReLU(0.1)]
    stack += [conv(8 * filters, 3, 1, "same"), keras.layers.LeakyReLU(0.1), keras.layers.Flatten(), dense(1)]
    return keras.Sequential([keras.Input((image_size, image_size, channels)), *stack], name="conv4_discriminator")
