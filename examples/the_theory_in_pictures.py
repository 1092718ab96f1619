# %% [markdown]
# # The theory in pictures
#
# Training a GAN follows a vector field. Near an equilibrium the eigenvalues of its Jacobian say what happens: an
# imaginary part turns (the phase factor), unequal real parts crawl (the conditioning factor). JARE regularises each
# player with the other one's gradient and moves both.

# %%
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import jare_tf
from jare_tf.networks import affine
from jare_tf.report import spectra
from jare_tf.theory import eigenvalues, spectrum, streamlines

# %% [markdown]
# ## Two parameters
#
# The Dirac GAN has one parameter for each player: D(x) = θx, G = φ, data at 0. Both players rest at (0, 0). The
# streamlines of simultaneous gradient descent are close to circles; a regulariser turns them inwards.

# %%
zero, grid = tf.zeros([1, 1]), np.linspace(-2, 2, 25)
dirac = jare_tf.TwoPlayerGame(affine.generator(mean=[0.0]), affine.discriminator(dimension=1), jare_tf.Minimax())
rules = [jare_tf.sim_gd(), jare_tf.generator_only(1.0), jare_tf.con_opt(1.0), jare_tf.jare(1.0)]
fields = {repr(rule): streamlines.streamlines(dirac, rule, jare_tf.Batch(zero, zero), grid, grid) for rule in rules}
figure = spectra.draw_streamlines(fields, (0, 0), columns=4)
figure.savefig("streamlines.png")
figure

# %% [markdown]
# ## Eigenvalues that move with γ
#
# The isotropic Gaussian of the JARE paper: x ~ N(v, σ² I), D(x) = θᵀx, G(z) = φ + z. The dots are what becomes of the
# eigenvalues as γ grows from 0 (black) to 8 (yellow). Every method moves the imaginary pair to the left, which damps
# the rotation. Consensus optimization pays for it with a real eigenvalue that grows much faster (see its axis): steps
# must become smaller, and the slow directions crawl. JARE moves all of them alike.

# %%
v, sigma = np.array([2.0, 0.0]), 0.2
game = jare_tf.TwoPlayerGame(affine.generator(mean=[0.0, 0.0]), affine.discriminator(dimension=2), jare_tf.Minimax())
at_rest = game.point()._replace(parameters=jare_tf.Players((tf.zeros([2, 1]),), (tf.constant(v, tf.float32),)))
spread = sigma * np.sqrt(2) * np.concatenate([np.eye(2), -np.eye(2)])  # mean 0 and covariance σ² I exactly
batch = jare_tf.Batch(tf.constant(v + spread, tf.float32), tf.constant(spread, tf.float32))


def moved(make, gammas):
    return np.array([spectrum.linearize(game, make(gamma), at_rest, batch).eigenvalues(0.1) for gamma in gammas])


gammas = np.linspace(0, 8, 9)
methods = {"generator only": jare_tf.generator_only, "ConOpt": jare_tf.con_opt, "JARE": jare_tf.jare}
figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True)
for (name, make), panel in zip(methods.items(), axes, strict=True):
    path = moved(make, gammas)
    panel.scatter(path.real.ravel(), path.imag.ravel(), c=np.repeat(gammas, path.shape[1]), s=8, cmap="viridis")
    panel.scatter(path[0].real, path[0].imag, color="black", zorder=3, label="γ = 0")
    panel.axhline(0, color="gray", linewidth=0.5)
    panel.axvline(0, color="gray", linewidth=0.5)
    panel.set(title=name, xlabel="real part")
axes[0].set_ylabel("imaginary part")
axes[0].legend()
plt.savefig("eigenvalues.png", bbox_inches="tight")

# %% [markdown]
# ## What that means for training
#
# The phase factor is the largest |Im λ / Re λ|, the conditioning the largest |λ| over the smallest. Both bound how
# fast gradient descent converges: with the best step size η the error shrinks by the largest |1 + ηλ| an iteration.

# %%
print(f"{'':16}{'phase factor':>14}{'conditioning':>14}{'iterations to a tenth':>24}")
for name, make in {"SimGD": lambda gamma: jare_tf.sim_gd(), **methods}.items():
    found = moved(make, [2.0])[0]
    phase, condition = eigenvalues.phase_factor(found), eigenvalues.conditioning(found)
    steps = eigenvalues.largest_stable_step(found) * np.linspace(0.01, 1, 500)
    rate = min(eigenvalues.rate(found, step) for step in steps)
    print(f"{name:16}{phase:14.3g}{condition:14.3g}{eigenvalues.iterations(rate, 0.1):24.0f}")
