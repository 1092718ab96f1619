"""The flags of the program, --help and --list: known before TensorFlow is imported, which takes seconds."""

import os
import sys
import textwrap
from collections.abc import Iterable, Sequence

from absl import flags

from jare_tf import catalogue, cli, output

MODES = {
    "train": "Trains what the configuration says, or goes on with the run in --model_dir.",
    "compare": "Trains all runs of a comparison, such as the quickstart, and draws them side by side.",
    "evaluate": "Scores the checkpoints of a run that have no scores yet.",
    "sample": "Writes samples of a run's generator.",
    "export": "Writes a run's generator as a Keras model and a SavedModel.",
    "spectrum": "Writes and draws the eigenvalues of the game's Jacobian, for a run or before any.",
    "advise": "Says which γ and learning rate the eigenvalues speak for, and draws why.",
    "landscape": "Writes and draws how the losses curve where a run is, and the way there from its initialisation.",
}
_MOST_CPU_DEVICES = 64

GIN_FILE = flags.DEFINE_multi_string(
    "gin_file",
    [],
    "The experiment: a file or one of the package's own, see --list; several are read in order. By default what "
    "--model_dir holds, or the quickstart.",
)
GIN_PARAM = flags.DEFINE_multi_string(
    "gin_param", [], 'A value to change, for instance --gin_param "STEPS = 200"; may be repeated.'
)
MODE = flags.DEFINE_enum("mode", None, list(MODES), "By default train or compare, as the configuration is made for.")
MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "The run directory; a run in it is resumed. By default runs/ and the configuration's name."
)
DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TFDS data lie or are put; by default $TFDS_DATA_DIR.")
ALLOW_CONFIG_CHANGE = flags.DEFINE_bool(
    "allow_config_change", False, "Resume a run although its configuration changed; off by default."
)
TRUST_CONFIG = flags.DEFINE_bool(
    "trust_config",
    False,
    "Let the config.gin in --model_dir run code of others. A configuration is code: without --gin_file one that names "
    "more than this package and Keras' optimizers is refused; off by default.",
)
WATCH = flags.DEFINE_bool(
    "watch", False, "With --mode evaluate: score new checkpoints until training ends; off by default."
)
STRATEGY = flags.DEFINE_enum(
    "strategy",
    "auto",
    ["auto", "one_device", "mirrored", "multi_worker", "tpu"],
    "auto (the default): --tpu, the workers of TF_CONFIG, or all GPUs; mirrored: all GPUs or all --cpu_devices.",
)
TPU = flags.DEFINE_string(
    "tpu", None, "'local' for the TPU of this machine, the name of one, or grpc://its address; none by default."
)
CPU_DEVICES = flags.DEFINE_integer(
    "cpu_devices",
    None,
    f"Split the CPU into so many devices, {_MOST_CPU_DEVICES} at most, to try --strategy mirrored without GPUs.",
    lower_bound=1,
    upper_bound=_MOST_CPU_DEVICES,
)
WAIT_FOR_WORKERS = flags.DEFINE_integer(
    "wait_for_workers", 600, "Seconds to wait for the other workers of TF_CONFIG; 600 by default.", lower_bound=1
)
PROFILE = flags.DEFINE_string(
    "profile", None, "FIRST,LAST, for instance 100,110: a profile from after the first step until after the last."
)
DEBUG = flags.DEFINE_bool("debug", False, "Show a traceback for an error, and TensorFlow's own lines; off by default.")
LIST = flags.DEFINE_bool("list", False, "List the package's configurations, and end.")
HELP = flags.DEFINE_bool("help", False, "Show this, and end.", short_name="h")

_GROUPS = {
    "What is run": (GIN_FILE, GIN_PARAM, MODE, MODEL_DIR, DATA_DIR),
    "How": (ALLOW_CONFIG_CHANGE, TRUST_CONFIG, WATCH, PROFILE),
    "Where it trains": (STRATEGY, TPU, CPU_DEVICES, WAIT_FOR_WORKERS),
    "About the program": (LIST, HELP, DEBUG),
}
_HEAD = """Trains GANs regularised through the game's Jacobian. Without flags it trains the quickstart.

    python -m jare_tf.main --gin_file isotropic_gaussian/jare.gin --gin_param "MU = 6.0" --model_dir runs/jare_mu6

--list lists the configurations that --gin_file may name."""


def parse(arguments: Sequence[str]) -> None:
    """Parses the flags; ends here for --help, --list or a mistake in them."""
    try:
        rest = flags.FLAGS(arguments)
    except flags.Error as error:
        cli.end(2, f"jare_tf: {' '.join(str(error).split())}; --help lists the flags")
    if MODEL_DIR.value == "":
        cli.end(2, "jare_tf: --model_dir names no folder; --help lists the flags")
    if len(rest) > 1:
        cli.end(2, f"jare_tf: unexpected {rest[1]!r}; --help lists the flags")
    if HELP.value or LIST.value:
        cli.run("jare_tf", lambda: output.show(usage() if HELP.value else configurations()))
        sys.exit()


def start(arguments: Sequence[str]) -> None:
    """Parses the flags, and imports TensorFlow if there is something to do."""
    parse(arguments)
    cli.import_tensorflow("jare_tf", DEBUG.value)


def usage() -> str:
    """What --help shows."""
    text = lambda one: flags.FLAGS[one.name].help.partition(";\n    repeat")[0]  # what absl adds
    sections = {"Modes, for --mode": MODES.items()} | {
        title: [(f"--{one.name}", text(one)) for one in of] for title, of in _GROUPS.items()
    }
    return "\n\n".join([_HEAD, *(f"{title}\n{_table(rows)}" for title, rows in sections.items())])


def configurations() -> str:
    """What --list shows: by folder each configuration with what its header begins with."""
    folders: dict[str, list[tuple[str, str]]] = {}
    for row in catalogue.described().items():
        folders.setdefault(os.path.dirname(row[0]), []).append(row)
    return "\n\n".join(_table(rows, 2**31) for rows in folders.values())


def _table(rows: Iterable[tuple[str, str]], width: int = 100) -> str:
    """Two columns."""
    rows = list(rows)
    indent = max(len(name) for name, _ in rows) + 4
    wrapper = textwrap.TextWrapper(width, subsequent_indent=" " * indent, break_on_hyphens=False)
    return "\n".join(wrapper.fill(f"  {name}".ljust(indent) + text) for name, text in rows)
