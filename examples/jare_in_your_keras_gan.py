# %% [markdown]
# # JARE in your Keras GAN
#
# A DCGAN as Keras users write one, and the three lines by which it trains with JARE. Then what else Keras does with
# it: callbacks, stopping, loading, going on, and the moving average of the generator.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds
from keras import layers
from PIL import Image, ImageDraw, ImageFont

import jare_tf

SIZE, LATENT_DIM, EPOCHS = 28, 64, 40  # three minutes on two cores

# %% [markdown]
# ## Digits
#
# MNIST where TensorFlow Datasets has it on this machine, else digits written in Pillow's own font. Bytes are fine:
# `fit` scales them to [−1, 1].


# %%
def mnist(count):
    return tfds.as_numpy(tfds.load("mnist", split=f"train[:{count}]", batch_size=-1, download=False))["image"]


def written(count):
    draw = np.random.default_rng(0)
    digits = np.zeros((count, SIZE, SIZE, 1), np.uint8)
    for image in digits:
        page = Image.new("L", (SIZE, SIZE))
        size, angle = draw.integers(20, 26), draw.uniform(-15, 15)
        place = tuple(draw.integers(3, 10, size=2) - (0, 4))
        ImageDraw.Draw(page).text(place, str(draw.integers(10)), fill=255, font=ImageFont.load_default(int(size)))
        image[..., 0] = page.rotate(angle, Image.Resampling.BILINEAR)
    return digits


try:
    images = mnist(4096)
except AssertionError:  # which TFDS raises where it has no such data
    images = written(4096)
print(images.shape, images.dtype)

# %% [markdown]
# ## Two networks
#
# They are plain Keras, with two things to know: the discriminator gives logits, and batch norm is the package's own,
# since JARE differentiates twice and Keras' is wrong then (`GAN` warns of it).


# %%
def generator():
    return keras.Sequential(
        [
            keras.Input((LATENT_DIM,)),
            layers.Dense(7 * 7 * 64),
            layers.Reshape((7, 7, 64)),
            jare_tf.networks.batch_norm.BatchNormalization(momentum=0.9),
            layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(32, 4, strides=2, padding="same"),
            jare_tf.networks.batch_norm.BatchNormalization(momentum=0.9),
            layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh"),
        ],
        name="generator",
    )


def discriminator():
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            layers.Conv2D(32, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2D(64, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(1),
        ],
        name="discriminator",
    )


# %% [markdown]
# ## Three lines
#
# A GAN of one's own has a class with two networks, an optimizer for each, and a `train_step` with two tapes. In place
# of it:

# %%
keras.utils.set_random_seed(0)
gan = jare_tf.GAN(  # 1: the game; the rule is where methods differ
    generator(),
    discriminator(),
    rule=jare_tf.jare(gamma=0.03),
    loss=jare_tf.NonSaturating(),
    latent_dim=LATENT_DIM,
    average_decay=0.99,
)
gan.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), keras.optimizers.Adam(1e-3, beta_1=0.5))  # 2: D's and G's
history = gan.fit(  # 3
    images,
    batch_size=32,
    epochs=EPOCHS,
    verbose=2,
    validation_split=0.1,
    callbacks=[keras.callbacks.ModelCheckpoint("digits.keras"), keras.callbacks.TerminateOnNaN()],
)

# %% [markdown]
# `history` has both players' losses, the norms of their gradients and what the rule adds to each loss, as means over
# the epochs, and the losses on held-out digits.

# %%
for tag, values in history.history.items():
    print(f"{tag:32}", " ".join(f"{value:9.4f}" for value in values))

# %% [markdown]
# ## Stop, load, go on
#
# A file of Keras has all of the GAN: networks, optimizers, moving average, rule and step. It goes on where it stopped.

# %%
gan = keras.models.load_model("digits.keras")
print(f"{gan.rule}, step {gan.step}")
halved = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)  # of both players
gan.fit(images, batch_size=32, epochs=1, verbose=2, callbacks=[halved])

# %% [markdown]
# ## Samples
#
# `gan(z)` samples by the moving average; `averaged_generator()` is the same as a Keras model of its own, to save,
# export or build on.

# %%
gan.averaged_generator().save("generator.keras")
z = np.random.default_rng(1).normal(size=(64, LATENT_DIM)).astype("float32")
samples = np.asarray(keras.models.load_model("generator.keras")(z))
assert np.array_equal(samples, gan(z))
picture = jare_tf.report.ImageGrid(rows=8, columns=8).draw(samples)
plt.figure(figsize=(4, 4))
plt.axis("off")
plt.imshow(picture)
plt.savefig("digits.png", bbox_inches="tight")
