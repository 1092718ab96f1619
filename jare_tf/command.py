"""The flags of the program, --help and --list: known before TensorFlow is imported, which takes seconds."""

import os
import runpy
import sys
import textwrap
from collections.abc import Iterable, Sequence

from absl import flags

from jare_tf import catalogue, cli, output

MODES = {
    "train": "Trains one run, or resumes the run in --model_dir from its latest checkpoint. Writes metrics.jsonl, "
    "samples/, checkpoints/ and TensorBoard events.",
    "compare": "Trains all runs of a comparison, such as the quickstart, and plots them together in comparison.png.",
    "evaluate": "Scores every checkpoint of a run that has no scores yet: FID and the like for images, mode coverage "
    "for mixtures. Writes evaluation/metrics.jsonl.",
    "sample": "Writes samples of a trained generator to generated/. Needs no data set.",
    "export": "Writes a trained generator to exported/, as a Keras model and as a SavedModel. Needs no data set.",
    "spectrum": "Computes and plots the eigenvalues of the game's Jacobian, of a run or before any training: does it "
    "oscillate, how fast does it converge, which step is stable. Writes spectrum.json and spectrum.png.",
    "advise": "Recommends γ and the learning rate from these eigenvalues. Writes advice.json and advice.png.",
    "landscape": "Computes and plots the curvature of both losses at a checkpoint, and the path to it from the "
    "initialisation. Writes landscape.json and landscape.png.",
}
_MOST_CPU_DEVICES = 64

GIN_FILE = flags.DEFINE_multi_string(
    "gin_file",
    [],
    "The experiment: a file, or one of the package's own configurations (see --list). May be repeated; later files "
    "override earlier ones. By default the configuration recorded in --model_dir, else the quickstart.",
)
GIN_PARAM = flags.DEFINE_multi_string(
    "gin_param", [], 'Overrides one value of the configuration, for instance "STEPS = 200". May be repeated.'
)
MODE = flags.DEFINE_enum(
    "mode", None, list(MODES), "By default compare if the configuration compares several runs, else train."
)
MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "The run directory. A run in it is resumed. By default runs/<name of the configuration>."
)
DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where TensorFlow Datasets are stored, or downloaded to; by default $TFDS_DATA_DIR."
)
ALLOW_CONFIG_CHANGE = flags.DEFINE_bool(
    "allow_config_change", False, "Resume a run even if its configuration has changed; off by default."
)
TRUST_CONFIG = flags.DEFINE_bool(
    "trust_config",
    False,
    "Let the config.gin in --model_dir import and call any code. A configuration is code: by default a recorded one "
    "that names more than this package and Keras' optimizers is refused.",
)
WATCH = flags.DEFINE_bool(
    "watch", False, "With --mode evaluate: score new checkpoints until training ends; off by default."
)
STRATEGY = flags.DEFINE_enum(
    "strategy",
    "auto",
    ["auto", "one_device", "mirrored", "multi_worker", "tpu"],
    "auto (the default) picks --tpu, then the workers of TF_CONFIG, then all local GPUs; mirrored uses all local GPUs, "
    "or all --cpu_devices.",
)
TPU = flags.DEFINE_string(
    "tpu", None, "'local' for this machine's TPU, a TPU's name, or grpc://ADDRESS; none by default."
)
CPU_DEVICES = flags.DEFINE_integer(
    "cpu_devices",
    None,
    f"Split the CPU into this many devices (at most {_MOST_CPU_DEVICES}), to try --strategy mirrored without GPUs.",
    lower_bound=1,
    upper_bound=_MOST_CPU_DEVICES,
)
WAIT_FOR_WORKERS = flags.DEFINE_integer(
    "wait_for_workers", 600, "Seconds to wait for the other workers of TF_CONFIG; 600 by default.", lower_bound=1
)
PROFILE = flags.DEFINE_string(
    "profile", None, "FIRST,LAST, for instance 100,110: profile the steps after FIRST, up to LAST, for TensorBoard."
)
DEBUG = flags.DEFINE_bool("debug", False, "Show tracebacks and TensorFlow's log lines; off by default.")
LIST = flags.DEFINE_bool(
    "list", False, "List the package's configurations: what each trains, what it needs, how long it takes."
)
HELP = flags.DEFINE_bool("help", False, "Show this text.", short_name="h")

_GROUPS = {
    "What is run": (GIN_FILE, GIN_PARAM, MODE, MODEL_DIR, DATA_DIR),
    "How": (ALLOW_CONFIG_CHANGE, TRUST_CONFIG, WATCH, PROFILE),
    "Where it trains": (STRATEGY, TPU, CPU_DEVICES, WAIT_FOR_WORKERS),
    "About the program": (LIST, HELP, DEBUG),
}
_HEAD = """Trains GANs regularised through the game's Jacobian. Without flags it trains the quickstart.

    python -m jare_tf.main --gin_file isotropic_gaussian/jare.gin --gin_param "MU = 6.0" --model_dir runs/jare_mu6

--list lists the package's configurations with what each needs and how long it takes."""


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
    """Runs a tool and ends here, if one is named; else parses the flags, and imports TensorFlow if that is needed."""
    tool = catalogue.tools().get(arguments[1]) if len(arguments) > 1 else None
    if tool is not None:
        sys.argv = [str(tool), *arguments[2:]]
        runpy.run_path(str(tool), run_name="__main__")
        sys.exit()
    parse(arguments)
    cli.import_tensorflow("jare_tf", DEBUG.value)


def usage() -> str:
    """What --help shows."""
    text = lambda one: flags.FLAGS[one.name].help.partition(";\n    repeat")[0]  # what absl adds
    sections = {
        "Modes, for --mode": MODES.items(),
        **{title: [(f"--{one.name}", text(one)) for one in of] for title, of in _GROUPS.items()},
        "Tools: jare_tf TOOL --help": catalogue.what_tools_do().items(),
    }
    return "\n\n".join([_HEAD, *(f"{title}\n{_table(rows)}" for title, rows in sections.items())])


def configurations() -> str:
    """What --list shows: by folder what each configuration runs, what it needs and how long it takes."""
    folders: dict[str, list[tuple[str, str]]] = {}
    for name, header in catalogue.headers().items():
        folders.setdefault(os.path.dirname(name), []).append((name, f"{header['']} {header['Hardware']}"))
    return "\n\n".join(_table(rows, 2**31) for rows in folders.values())


def _table(rows: Iterable[tuple[str, str]], width: int = 100) -> str:
    """Two columns."""
    rows = list(rows)
    indent = max(len(name) for name, _ in rows) + 4
    wrapper = textwrap.TextWrapper(width, subsequent_indent=" " * indent, break_on_hyphens=False)
    return "\n".join(wrapper.fill(f"  {name}".ljust(indent) + text) for name, text in rows)
