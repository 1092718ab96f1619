"""`pytorch_steps` in a process of its own, which takes a step when it is asked to."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from jare_tf.errors import InputError, RunError

SETTINGS = "ABCDEF"
METHODS = ("GAN", "ConOpt", "JARE")
_PROGRAM = pathlib.Path(__file__).with_name("pytorch_steps.py")


class PyTorchProcess:
    """A context in which PyTorch takes steps.

    Args:
      setting: one of SETTINGS.
      methods: some of METHODS.
      precision: a Keras policy, to which autocast corresponds.
      batch_size: real images of a step.
      filters: of the networks.

    Attributes:
      first_calls: the seconds that the first step of each method took.

    Raises:
      InputError: PyTorch is missing.
      RunError: the process has failed.
    """

    def __init__(self, setting: str, methods: Sequence[str], precision: str, batch_size: int, filters: int):
        named = {"setting": setting, "methods": methods, "precision": precision}
        request = {**named, "batch_size": batch_size, "filters": filters}
        self._program = [sys.executable, str(_PROGRAM), json.dumps(request)]
        self._count = len(methods)

    def __enter__(self) -> "PyTorchProcess":
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},  # idle threads leave the cores to TensorFlow
        )
        assert self._process.stdin and self._process.stdout
        self._ask, self._answers = self._process.stdin, self._process.stdout
        try:
            self.first_calls = [float(self._answer()) for _ in range(self._count)]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def step(self, method: int) -> None:
        """Takes a step of the method of that number."""
        try:
            self._ask.write(f"{method}\n".encode())
            self._ask.flush()
        except OSError:
            pass  # it has ended, and the answer says why
        self._answer()

    def _answer(self) -> bytes:
        if line := self._answers.readline():
            return line
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines() or [f"exit code {code}"]
        raise (InputError if code == 2 else RunError)(f"PyTorch: {said[-1]}")
