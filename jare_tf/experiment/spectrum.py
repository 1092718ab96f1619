"""What the theory says about an experiment."""

import json
from collections.abc import Sequence

from jare_tf import files
from jare_tf.dynamics.jacobian_coupling import sim_gd
from jare_tf.dynamics.rule import Rule
from jare_tf.experiment import subject
from jare_tf.experiment.experiment import Experiment
from jare_tf.output import say
from jare_tf.report import curves, spectra
from jare_tf.settings import Count, checked
from jare_tf.theory.analysis import Analysis, analyse
from jare_tf.training.run import Run


@checked
def spectrum(
    experiment: Experiment,
    run: Run,
    differences: Sequence[str] | None,
    checksum: int,
    *,
    at: subject.Where | None = None,
    samples: Count = 512,
    dense_up_to: Count = 4000,
) -> None:
    """Writes what the theory says about an experiment: spectrum.json and spectrum.png in the run directory.

    A game of up to `dense_up_to` parameters is analysed in float64, with all eigenvalues, and on `samples` samples that
    have the exact mean and covariance where the data are Gaussian: at the equilibrium of the isotropic Gaussian the
    expectations are exact. A larger one is analysed at the ends of its spectrum, in float32, on one batch as in
    training.

    Args:
      experiment: what is analysed.
      run: where the files go, and where a checkpoint may be.
      differences: how the configuration differs from that of the run; None where `at` may not be the newest checkpoint
        by default.
      checksum: of the configuration (`Record.checksum`); what was written for another one is not overwritten.
      at: "checkpoint", "equilibrium" or "initialisation". By default the checkpoint if that may be and there is one,
        else the equilibrium if it is known, else the initialisation.
      samples: samples of each distribution in a dense analysis.
      dense_up_to: most parameters of both networks together for a dense analysis.

    Raises:
      InputError: what the experiment is made of does not fit together, there is nothing at `at`, or the directory has a
        spectrum of another configuration.
    """
    written = f"{run}/spectrum.json"
    subject.check_same_configuration(written, "spectrum", checksum)
    made = subject.prepare("spectrum", experiment, run, at, differences is not None, samples, dense_up_to)
    places = {made.title: made.where}
    if made.where == "checkpoint":
        places = {"before training": "initialisation", **places}
    rules = [made.gan.rule] if made.gan.rule == sim_gd() else [sim_gd(), made.gan.rule]

    def analysed(rule: Rule, where: str) -> Analysis:
        point, schedule = made.point(where), made.gan.schedule
        return analyse(
            made.game, rule, point, made.batch, schedule=schedule, optimizers=made.optimizers, dense=made.dense
        )

    rows = {title: [analysed(one, where) for one in rules] for title, where in places.items()}
    result = rows[made.title][-1]
    record = {
        **made.record(checksum, differences),
        **result.to_json(),
        "shown": [{"point": title, **one.to_json()} for title, row in rows.items() for one in row],
    }
    files.replace(written, json.dumps(record) + "\n")
    curves.save(spectra.draw(rows), f"{run}/spectrum.png")
    for line in (*result.summary().splitlines(), written, f"{run}/spectrum.png"):
        say(line)
