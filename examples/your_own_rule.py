# %% [markdown]
# # A rule of your own
#
# With ξ the gradients of both players and J the Jacobian of ξ, the methods of the papers are ξ + γ (C ∘ J)ᵀ ξ. A rule
# of one's own is a dataclass with one method. This one descends the *norm* of the other player's gradient where JARE
# descends half its square, so that the regularisation does not fade near the equilibrium.

# %%
import dataclasses

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import jare_tf
from jare_tf.dynamics.vector_field import linearize, squared_norm
from jare_tf.networks import affine
from jare_tf.theory import eigenvalues, spectrum

# %% [markdown]
# `linearize` gives ξ and a function of C and u: (C ∘ J)ᵀ u. The gradient of ‖ξ_s‖ is that of ½‖ξ_s‖², divided by
# ‖ξ_s‖.


# %%
@dataclasses.dataclass(frozen=True)
class OtherPlayersNorm(jare_tf.Rule):
    """Each player descends γ times the norm of the other player's gradient, smoothed by ε."""

    gamma: float
    epsilon: float = 1e-2

    def update(self, game, point, batch, memory):
        here, pullback = linearize(game, point, batch)
        norms = [tf.sqrt(squared_norm(xi) + self.epsilon**2) for xi in here.gradient]
        units = [tuple(one / norm for one in xi) for xi, norm in zip(here.gradient, norms, strict=True)]
        coupling = pullback(((0, 1), (1, 0)), jare_tf.Players(*units))
        direction = tf.nest.map_structure(lambda xi, term: xi + self.gamma * term, here.gradient, coupling)
        regularizer = jare_tf.Players(self.gamma * norms[1], self.gamma * norms[0])
        return jare_tf.Update(direction=direction, evaluation=here, regularizer=regularizer)


# %% [markdown]
# ## What the theory says of it
#
# In the Dirac GAN, D(x) = θx against data at 0 and G = φ, simultaneous gradient descent goes in circles: its
# eigenvalues are imaginary. Those of the new rule are negative, and it is more strongly damped than JARE with the
# same γ.

# %%
zero = tf.zeros([1, 1])
dirac = jare_tf.TwoPlayerGame(affine.generator(mean=[0.0]), affine.discriminator(dimension=1), jare_tf.Minimax())
at_rest = dirac.point()._replace(parameters=jare_tf.Players((zero,), (tf.zeros([1]),)))
for rule in (jare_tf.sim_gd(), jare_tf.jare(0.3), OtherPlayersNorm(0.3)):
    found = spectrum.linearize(dirac, rule, at_rest, jare_tf.Batch(zero, zero)).eigenvalues(0.1)
    print(f"{rule!r:45} eigenvalues {np.round(found, 3)}, phase factor {eigenvalues.phase_factor(found):.3g}")

# %% [markdown]
# ## Trained with
#
# It needs nothing else: every loss, optimizer, schedule and callback works with it, on several devices too, and it is
# saved with the model.

# %%
ring = jare_tf.data.synthetic.ring(modes=8, radius=1.0, std=0.05)
real = np.concatenate([ring.batch(number, 1024, 0) for number in range(16)])
coverage = jare_tf.evaluation.ModeCoverage(mixture=ring, samples=1000)


def trained(rule):
    keras.utils.set_random_seed(0)
    gan = jare_tf.GAN(
        jare_tf.networks.mlp.generator(latent_dim=8, width=32, depth=2),
        jare_tf.networks.mlp.discriminator(width=32, depth=2),
        rule=rule,
        loss=jare_tf.NonSaturating(),
        latent_dim=8,
    )
    gan.compile(keras.optimizers.RMSprop(1e-3), keras.optimizers.RMSprop(1e-3), steps_per_execution=16)
    logs = gan.fit(real, batch_size=256, epochs=20, verbose=0, callbacks=[jare_tf.callbacks.Scores(coverage)]).history
    return gan, logs["modes_covered"]


gans = {rule: trained(rule) for rule in (jare_tf.sim_gd(), jare_tf.jare(1.0), OtherPlayersNorm(0.1))}
z = np.random.default_rng(0).normal(size=(1000, 8)).astype("float32")
figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharex=True, sharey=True)
for (rule, (gan, covered)), panel in zip(gans.items(), axes, strict=True):
    print(f"{rule!r:45} modes covered", [int(modes) for modes in covered[::4]], int(covered[-1]))
    panel.scatter(*np.asarray(gan(z)).T, s=2)
    panel.scatter(*np.array(ring.centres).T, marker="+", color="black")
    panel.set_title(repr(rule), fontsize=8)
    panel.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal")
plt.savefig("your_own_rule.png", bbox_inches="tight")

# %%
gan.save("mine.keras")
print(keras.models.load_model("mine.keras").rule)
