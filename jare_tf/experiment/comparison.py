"""Several runs in one picture."""

from collections.abc import Callable, Mapping, Sequence

from jare_tf.errors import InputError
from jare_tf.report import curves


def compare(
    *,
    model_dir: str,
    train_config: Callable[[str, Sequence[str], str], int | None],
    configs: Mapping[str, str | Sequence[str]],
    tags: Mapping[str, str],
) -> int | None:
    """Trains several configurations and draws their metrics in one picture, model_dir/comparison.png.

    Args:
      model_dir: where the runs go, each in a folder named after its label.
      train_config: trains the configuration of that file name with those overrides in that run directory; `train`'s
        result.
      configs: by label a file name, or a list of a file name and overrides as --gin_param takes them.
      tags: titles of the picture's panels by tag of metrics.jsonl.

    Returns:
      The signal that stopped a run, or None when all reached their end.
    """
    runs = {label: f"{model_dir}/{label}" for label in configs}
    entries = {label: [named] if isinstance(named, str) else named for label, named in configs.items()}
    for label, entry in entries.items():
        if not isinstance(entry, list | tuple) or not entry or not all(isinstance(part, str) for part in entry):
            raise InputError(f"experiment.compare.configs: {label!r} must be a file name or [file name, override, ...]")
    for label, (file, *overrides) in entries.items():
        signal = train_config(file, overrides, runs[label])
        if signal is not None:
            return signal
    picture = f"{model_dir}/comparison.png"
    curves.save(curves.draw(runs, tags), picture)
    print(f"the picture: {picture}", flush=True)
    return None
