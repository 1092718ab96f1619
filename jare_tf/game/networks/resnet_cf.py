"""`resnet_cf` of the ConOpt paper: residual networks with a constant number of filters, for CelebA (its Figs. 4b, 10).

As in its published code: leaky ReLU 0.2 before every layer but the first, no batch norm. The JARE paper's residual
networks (`resnet`) have ReLU after every convolution and 4×4 kernels instead.
"""

import keras

from jare_tf.game.networks import spectral_norm as sn
from jare_tf.game.networks.convolution import Conv2D, Conv2DTranspose
from jare_tf.game.networks.dense import Dense
from jare_tf.game.networks.image_sizes import start_size
from jare_tf.settings import Size, Width, checked

_LEAK, _SCALE = 0.2, 0.1


@checked
def generator(
    *, latent_dim: Width = 256, filters: Size = 128, image_size: Size = 64, channels: Size = 3
) -> keras.Model:
    """z → dense s·s·f → (deconv 5×5/2 f, residual block) three times → deconv 5×5/2 to `channels`, tanh; 16 s = side.

    Args:
      latent_dim: length of z.
      filters: f, even.
      image_size: side of the image, a multiple of 16.
      channels: channels of the image.

    Raises:
      InputError: image_size is no multiple of 16.

    Examples:
      >>> from jare_tf.networks import resnet_cf
      >>> resnet_cf.generator(filters=2, image_size=16).output_shape  # 1 px, doubled four times
      (None, 16, 16, 3)
    """
    size = start_size("resnet_cf.generator", image_size, 4)
    latent = keras.Input((latent_dim,))
    hidden = keras.layers.Reshape((size, size, filters))(Dense(size * size * filters)(latent))
    for _ in range(3):
        hidden = Conv2DTranspose(filters, 5, 2, "same")(_leaky(hidden))
        hidden = _residual_block(hidden, filters, filters // 2)
    image = Conv2DTranspose(channels, 5, 2, "same", activation="tanh")(_leaky(hidden))
    return keras.Model(latent, image, name="resnet_cf_generator")


@checked
def discriminator(
    *, filters: Size = 128, image_size: Size = 64, channels: Size = 3, spectral_norm: bool = False
) -> keras.Model:
    """x → (conv 5×5/2 f, residual block) four times → dense 1; the first block is f wide inside, the others f/2.

    Args:
      filters: f, even.
      image_size: side of the image, a multiple of 16.
      channels: channels of the image.
      spectral_norm: divide every kernel, the dense one too, by its spectral norm.

    Raises:
      InputError: image_size is no multiple of 16.

    Examples:
      >>> from jare_tf.networks import resnet_cf
      >>> resnet_cf.discriminator(image_size=72)
      Traceback (most recent call last):
          ...
      jare_tf.errors.InputError: resnet_cf.discriminator: image_size must be a multiple of 16, not 72
    """
    start_size("resnet_cf.discriminator", image_size, 4)
    dense, conv = sn.layers(spectral_norm)
    image = hidden = keras.Input((image_size, image_size, channels))
    for block in range(4):
        hidden = conv(filters, 5, 2, "same")(hidden if block == 0 else _leaky(hidden))
        hidden = _residual_block(hidden, filters, filters if block == 0 else filters // 2, conv)
    return keras.Model(image, dense(1)(keras.layers.Flatten()(_leaky(hidden))), name="resnet_cf_discriminator")


def _residual_block(inputs, filters: int, inner: int, conv=Conv2D):
    """h ← h + 0.1 · conv3×3(f)(a(conv3×3(inner)(a(h)))) with a = leaky ReLU."""
    hidden = conv(inner, 3, 1, "same")(_leaky(inputs))
    hidden = conv(filters, 3, 1, "same")(_leaky(hidden))
    return keras.layers.Add()([inputs, keras.layers.Rescaling(_SCALE)(hidden)])


def _leaky(inputs):
    return keras.layers.LeakyReLU(_LEAK)(inputs)
