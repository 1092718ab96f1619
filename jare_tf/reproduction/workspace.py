"""What figures are made with: runs that are trained once and reused, their scores and spectra, and claims."""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jare_tf import config as configuration
from jare_tf import files, main
from jare_tf.errors import InputError, NotFiniteError
from jare_tf.output import say
from jare_tf.report import pictures
from jare_tf.report.pictures import Figure as Picture
from jare_tf.reproduction import fake_data
from jare_tf.training.run import Run

Value = float | int | str | bool | None

_IMPORT_FAKE_DATA = "from jare_tf.reproduction import fake_data"
_SHORT = {
    "STEPS": 4,
    "LOG_EVERY": 1,
    "SAVE_EVERY": 2,
    "SAMPLE_EVERY": 2,
    "STEPS_PER_CALL": 2,
    "BATCH_SIZE": 4,
    "JIT": False,
}


UNDECIDED = "undecided"  # of a comparison in which nobody trained


class Claim(NamedTuple):
    """What a paper says about a figure, as a check.

    claim: in words.
    source: where the paper says so.
    measured: the numbers that decide, by name.
    reproduced: whether they say the same, or UNDECIDED.
    """

    claim: str
    source: str
    measured: Mapping[str, Value]
    reproduced: bool | str


class Result(NamedTuple):
    """A figure made anew: its picture (of matplotlib, or uint8 pixels), its data as the rows of a table, and claims."""

    picture: Picture | np.ndarray
    data: Sequence[Mapping[str, object]]
    claims: Sequence[Claim]


class Stopped(Exception):  # noqa: N818
    """A signal asked a run to stop; it was saved."""

    def __init__(self, signal: int):
        super().__init__(signal)
        self.signal = signal


class NotRun(Exception):  # noqa: N818
    """A figure cannot be made at this scale; the message says why."""


@dataclasses.dataclass(frozen=True)
class TrainedRun(Run):
    """A run that has reached its end.

    Args:
      not_finite: why it ended early, where a loss or a parameter was not finite any more; else None.
    """

    not_finite: str | None = None

    def curve(self, tag: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps, and the values of a tag there."""
        points = [(row["step"], row[tag]) for row in self.rows() if tag in row]
        if not points:
            raise InputError(f"no row of {self.metrics_file} has {tag!r}: remove the directory to train it again")
        return tuple(np.transpose(points))

    def last(self, tag: str) -> float:
        """The last value of a tag."""
        return float(self.curve(tag)[1][-1])

    def drawn(self) -> dict[int, np.ndarray]:
        """The pictures of samples by step, uint8 [height, width, 3]."""
        return {step: pictures.read(path) for step, path in self.pictures().items()}

    def last_picture(self) -> np.ndarray:
        """The last of `drawn`."""
        return pictures.read(list(self.pictures().values())[-1])


class Workspace:
    """Where figures are made.

    Args:
      out: the folder of everything at this scale; runs are in out/runs, named after what they are.
      scale: "paper" as the papers have it, "cpu" as long as two CPU cores can do in the time that `--list` gives,
        "smoke" four steps on made-up images, to try the program.
      embedding: what image scores see through, a file for EMBEDDING_PATH; None where there is none.

    Raises:
      InputError: there is no such file.
    """

    def __init__(self, out: str, scale: str, embedding: str | None = None):
        if embedding is not None and not tf.io.gfile.exists(embedding):
            raise InputError(f"--embedding {embedding}: there is no such file")
        self.out, self.scale, self.embedding = out, scale, embedding

    def by_scale(self, *, smoke: Any, cpu: Any, paper: Any) -> Any:
        """One of three, by scale."""
        return {"smoke": smoke, "cpu": cpu, "paper": paper}[self.scale]

    def trained(self, inception_score: float) -> bool:
        """Whether a generator learned anything: a score of 3 at scale "paper", 1.5 at "cpu", where the best reach 2.5.

        The numbers are ours.
        """
        return inception_score >= self.by_scale(smoke=0.0, cpu=1.5, paper=3.0)

    def first_if_smoke(self, values: Sequence[Any], count: int = 1) -> Sequence[Any]:
        """The first `count` of values at scale "smoke", else all."""
        return values[:count] if self.scale == "smoke" else values

    def train(
        self, config: str, *overrides: str, cpu: Sequence[str] = (), not_in_name: Sequence[str] = (), seed: int = 0
    ) -> TrainedRun:
        """The run of a configuration, trained, gone on with or reused.

        Args:
          config: a gin file of the package.
          overrides: as --gin_param takes them.
          cpu: further ones at scale "cpu".
          not_in_name: further ones that the run's folder is not named after.
          seed: the macro SEED.

        Raises:
          Stopped: by a signal.
        """
        named = [*overrides, *self.by_scale(smoke=(), cpu=cpu, paper=()), f"SEED = {seed}"]
        short = [f"{name} = {value!r}" for name, value in _SHORT.items()] if self.scale == "smoke" else []
        path, bindings = f"{self.out}/runs/{_folder(config, named)}", [*named, *not_in_name, *short]
        configuration.parse([config], bindings)
        done = _Done(f"{path}/done.txt", configuration.text())
        try:
            signal = None if done else main.dispatch([config], bindings, "train", path)
        except NotFiniteError as error:
            say(f"{path}: {error}")
            return TrainedRun(path, not_finite=str(error))
        if signal is not None:
            raise Stopped(signal)
        done.write()
        return TrainedRun(path)

    def train_images(
        self, config: str, *overrides: str, cpu: Sequence[str] = (), seed: int = 0, side: int = 32, keep: int = 1
    ) -> TrainedRun:
        """The same for a configuration of images of `side` pixels, with `keep` checkpoints to score.

        At scale "smoke" images are made up and networks are tiny.
        """
        tiny = [
            _IMPORT_FAKE_DATA,
            "experiment.Experiment.dataset = @fake_data.images",
            f"fake_data.images.side = {side}",
        ]
        tiny.append("FILTERS = 2")
        not_in_name = [f"experiment.Pace.keep_checkpoints = {keep}", *self.by_scale(smoke=tiny, cpu=(), paper=())]
        return self.train(config, *overrides, cpu=cpu, not_in_name=not_in_name, seed=seed)

    def scores(self, run: TrainedRun) -> list[dict[str, float]]:
        """`step`, `inception_score` and `fid` of a run's checkpoints, the newest last, under the scale's protocol.

        A run of ConOpt's has its inception score alone, under `protocols.conopt`, unless the scale is "smoke".

        Raises:
          InputError: there is no embedding, and the scale is "cpu".
        """
        scoring = self._scoring(run.path.removeprefix(f"{self.out}/runs/").partition("/")[0])
        changed = tf.io.gfile.stat(self.embedding).mtime_nsec if self.embedding else None
        done = _Done(f"{run.path}/evaluation/done.txt", f"{scoring}, {changed}, step {[*run.rows()][-1]['step']}")
        if not done:
            self.read(run, "evaluate", *scoring)
            done.write()
        rows = list(run.evaluation.rows())
        rows = [row for row in rows if row["settings"] == rows[-1]["settings"]]
        tags = "inception_score", "fid"
        named = lambda row: {tag: row[name] for tag in tags for name in row if name.startswith(tag)}
        return sorted(({"step": row["step"], **named(row)} for row in rows), key=lambda row: row["step"])

    def _scoring(self, folder: str) -> list[str]:
        """The overrides under which this scale scores images of a configuration in a folder."""
        if self.scale == "smoke":
            path = f"{self.out}/made_up_classifier.keras"
            if not tf.io.gfile.exists(path):
                fake_data.write_classifier(path)
            data = [_IMPORT_FAKE_DATA, "evaluation.ImageScores.data = {'train': @fake_data.images}"]
            small = ["PROTOCOL = @evaluation.protocols.small()", "evaluation.protocols.small.samples = 16"]
            return [f"EMBEDDING_PATH = {path!r}", *small, *data, "evaluation.ImageScores.cache = None"]
        if self.scale == "cpu" and self.embedding is None:
            raise InputError("images are scored through --embedding FILE, such as tools/train_classifier.py makes")
        if not folder.startswith("cifar10"):
            return [f"EMBEDDING_PATH = {self.embedding!r}"]
        usual = self.by_scale(smoke=None, cpu="cached_scores.reduced", paper="evaluation.protocols.jare")
        protocol = "evaluation.protocols.conopt" if folder == "cifar10_conopt_paper" else usual
        return [
            "from jare_tf.reproduction import cached_scores",
            "experiment.evaluate.scores = [@cached_scores.cifar10()]",
            f"cached_scores.cifar10.embedding = {self.embedding!r}",
            f"cached_scores.cifar10.protocol = @{protocol}()",
        ]

    def read(self, run: TrainedRun, mode: str, *overrides: str) -> None:
        """Looks at a run in another mode of the program, such as "spectrum"."""
        main.dispatch([], list(overrides), mode, run.path)

    def spectrum(self, run: TrainedRun) -> dict[str, Any]:
        """spectrum.json of a run at its newest checkpoint (see docs/theory.md), with its picture beside it."""
        self.read(run, "spectrum", "experiment.spectrum.at = 'checkpoint'")
        with tf.io.gfile.GFile(f"{run.path}/spectrum.json") as file:
            return json.loads(file.read())


class _Done:
    """A file that says that something was finished, and what: true where it was the same as now.

    Looking at a finished run by way of the program would take as long as reading its data.
    """

    def __init__(self, path: str, what: str):
        self._path, self._what = path, what

    def __bool__(self) -> bool:
        if not tf.io.gfile.exists(self._path):
            return False
        with tf.io.gfile.GFile(self._path) as file:
            return file.read() == self._what

    def write(self) -> None:
        files.replace(self._path, self._what)


def turning_points(values: Iterable[float], least: float = 0.2) -> int:
    """How often a curve turns round, not counting turns by less than `least` of its whole range."""
    values = np.asarray(list(values))
    threshold, turns, direction, extreme = least * np.ptp(values), 0, 0, values[0]
    for value in values:
        if direction * (value - extreme) >= 0 and direction:
            extreme = value
        elif abs(value - extreme) > threshold:
            turns += direction != 0
            direction, extreme = (1 if value > extreme else -1), value
    return turns


def _folder(config: str, overrides: Sequence[str]) -> str:
    """A folder for each of them within the other: together they may be longer than a file's name can be."""
    return "/".join([config.removesuffix(".gin"), *(re.sub(r"[^\w.=-]", "", override) for override in overrides)])
