# %% [markdown]
# # Searching γ and the learning rate with Optuna
#
# A sweep needs no tool of this package: a trial is one `fit`, or one run of the program. Optuna (`pip install optuna`)
# proposes γ and η and stops trials that fall behind.

# %%
import json
import math
import os
import subprocess
import sys
import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np
import optuna

import jare_tf

optuna.logging.set_verbosity(optuna.logging.WARNING)
TRIALS, EPOCHS, RUNS = 8, 8, 3  # about a minute on two cores


def proposed(trial, rates):
    return trial.suggest_float("gamma", 1e-2, 1e2, log=True), trial.suggest_float("learning_rate", *rates, log=True)


def told(study):
    for trial in study.trials:
        gamma, rate = (trial.params[name] for name in ("gamma", "learning_rate"))
        value = "" if trial.value is None else f"{trial.value:.4g}"
        print(f"γ = {gamma:7.3f}, η = {rate:.5f}: {trial.state.name.lower():8} {value}")
    print("best:", study.best_params)


# %% [markdown]
# ## Over `gan.fit`
#
# `callbacks.Scores` measures after every epoch; a callback of six lines tells Optuna, which ends a trial that is worse
# than the median of those before it at the same epoch. Modes count first, and then the share of good samples.

# %%
ring = jare_tf.data.synthetic.ring(modes=8, radius=1.0, std=0.05)
real = np.concatenate([ring.batch(number, 1024, 0) for number in range(16)])
coverage = jare_tf.evaluation.ModeCoverage(mixture=ring, samples=1000)


class Reports(keras.callbacks.Callback):
    def __init__(self, trial):
        super().__init__()
        self.trial, self.value = trial, 0.0

    def on_epoch_end(self, epoch, logs=None):
        self.value = logs["modes_covered"] + logs["high_quality_fraction"]
        self.trial.report(self.value, epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned()


def fitted(trial):
    gamma, rate = proposed(trial, (1e-4, 1e-2))
    keras.utils.set_random_seed(0)
    gan = jare_tf.GAN(
        jare_tf.networks.mlp.generator(latent_dim=8, width=32, depth=2),
        jare_tf.networks.mlp.discriminator(width=32, depth=2),
        rule=jare_tf.jare(gamma=gamma),
        loss=jare_tf.NonSaturating(),
        latent_dim=8,
    )
    gan.compile(keras.optimizers.RMSprop(rate), keras.optimizers.RMSprop(rate), steps_per_execution=16)
    reports = Reports(trial)
    callbacks = [jare_tf.callbacks.Scores(coverage), keras.callbacks.TerminateOnNaN(), reports]
    gan.fit(real, batch_size=256, epochs=EPOCHS, verbose=0, callbacks=callbacks)
    return reports.value


pruner = optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=EPOCHS // 3)
fits = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0), pruner=pruner)
fits.optimize(fitted, n_trials=TRIALS)
told(fits)

# %% [markdown]
# ## Over the program
#
# A run is a process with its own directory, `--gin_param` sets γ and η, and the last line of `metrics.jsonl` has the
# result: here the distance of both players to the equilibrium of the isotropic Gaussian. A run that diverges ends
# with exit code 1 and is a failed trial.

# %%
folder = tempfile.mkdtemp()


def ran(trial):
    gamma, rate = proposed(trial, (1e-4, 1e-1))
    run = f"{folder}/{trial.number}"
    params = [f"GAMMA = {gamma}", f"keras.optimizers.SGD.learning_rate = {rate}", "STEPS = 2000"]
    command = [sys.executable, "-m", "jare_tf.main", "--gin_file", "isotropic_gaussian/jare.gin", "--model_dir", run]
    for param in params:
        command += ["--gin_param", param]
    on_the_cpu = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}  # this process has the memory of the GPU
    subprocess.run(command, check=True, capture_output=True, env=on_the_cpu)
    with open(f"{run}/metrics.jsonl") as rows:
        last = json.loads(rows.readlines()[-1])
    return math.hypot(*(last[f"parameter_distance/{player}"] for player in ("discriminator", "generator")))


runs = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=0))
runs.optimize(ran, n_trials=RUNS, catch=subprocess.CalledProcessError)
told(runs)

# %% [markdown]
# Where the game has an equilibrium or a checkpoint, `--mode advise` says in one run from which γ and η to start, and a
# search what noise makes of them.

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.5))
for panel, study, title in zip(axes, (fits, runs), ("modes and quality", "distance"), strict=True):
    done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    points = [[trial.params["gamma"], trial.params["learning_rate"], trial.value] for trial in done]
    shown = panel.scatter(*np.transpose(points)[:2], c=np.transpose(points)[2])
    panel.set(xscale="log", yscale="log", xlabel="γ", ylabel="η", title=title)
    figure.colorbar(shown)
plt.savefig("search_with_optuna.png", bbox_inches="tight")
