"""Runs of the program inside a test: the same code as `python -m jare_tf.main`, without a new process."""

import json

from jare_tf import main

GAME = ["isotropic_gaussian/jare.gin"]
SHORT = ["STEPS = 20", "LOG_EVERY = 5", "SAVE_EVERY = 10", "SAMPLE_EVERY = 20", "STEPS_PER_CALL = 7"]


def run(model_dir, *params, files=GAME, short=SHORT, mode=None):
    """Runs a configuration in model_dir; the result of `main.run`."""
    return main.run(list(files), [*short, *params], mode, str(model_dir))


def metrics(model_dir):
    """The rows of metrics.jsonl."""
    return [json.loads(line) for line in (model_dir / "metrics.jsonl").read_text().splitlines()]


def without_time(rows):
    """Rows without what differs from run to run."""
    varying = ("seconds", "steps_per_second", "images_per_second", "memory_bytes/")
    return [{tag: value for tag, value in row.items() if not tag.startswith(varying)} for row in rows]
