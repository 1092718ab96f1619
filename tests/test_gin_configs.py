"""Every configuration that the package brings is parsed, runs for two tiny steps, and says what it is.

Without --slow most of them run eagerly, which takes half the time or less: those whose networks and kind of rule
another one has as well. What only a graph can show, these others show.
"""

import pathlib

import numpy as np
import pytest

from jare_tf import catalogue, config, evaluation, experiment
from jare_tf.report.pictures import png
from tests.conftest import store_images
from tests.runs import metrics, run

CONFIGS = sorted(str(path.relative_to(catalogue.FOLDER)) for path in catalogue.FOLDER.rglob("*.gin"))
COMPARISONS = [name for name in CONFIGS if "experiment.Comparison.configs" in (catalogue.FOLDER / name).read_text()]
EXPERIMENTS = [name for name in CONFIGS if not name.startswith("base/") and name not in COMPARISONS]
# By networks: sets of layers that no other configuration has, with a rule that differentiates twice where one does.
TRACED = [
    "celeba/resnet_cf_conopt.gin",  # residual networks without growth, images of 64 pixels
    "cifar10/a_jare.gin",  # batch norm in a convolutional generator
    "cifar10/c_sngan.gin",  # spectral norm
    "cifar10/f_jare.gin",  # residual networks
    "cifar10_conopt_paper/dcgan4_dense_smoothing.gin",  # batch norm in both networks, and a dense layer
    "cifar10_conopt_paper/dcgan4_nobn_altgd.gin",  # players in turn
    "image_folder.gin",
    "linear_quadratic/wgan_clipped.gin",  # weight clipping
    "mixture_gradreg_paper/unrolled.gin",
    "mixture_jare_paper/jare.gin",
    "stacked_mnist/generator_only.gin",
    "uniform_1d/gan_0p5.gin",
    *(name for name in EXPERIMENTS if name.startswith("isotropic_gaussian/")),  # every rule
]
TINY = ["STEPS = 2", "BATCH_SIZE = 2", "LOG_EVERY = 1", "SAVE_EVERY = 2", "SEED = 1", "JIT = False"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Eight small images as a TFDS data set and as files, and ten gray digits with labels as a TFDS data set."""
    directory, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    pictures = rng.integers(0, 256, size=(8, 32, 32, 3)).astype(np.uint8)
    store_images(directory, pictures)
    store_images(directory, rng.integers(0, 256, size=(10, 28, 28, 1)).astype(np.uint8), labels=np.arange(10))
    (directory / "folder").mkdir()
    for number, picture in enumerate(pictures):
        (directory / "folder" / f"{number}.png").write_bytes(png(picture))
    return directory


def data_bindings(name, data_dir):
    """What makes a configuration run on the data of the tests."""
    few = ["FILTERS = 2", "report.ImageGrid.rows = 2"]
    small = [f"data.tfds_images.load.data_dir = '{data_dir}'", *few]
    return {
        "cifar10": ["data.tfds_images.load.name = 'pictures/small'", *small],
        "cifar10_conopt_paper": ["data.tfds_images.load.name = 'pictures/small'", *small],
        "celeba": ["data.tfds_images.load.name = 'pictures/small'", *small],
        "imagenet": ["data.tfds_images.load.name = 'pictures/small'", *small],
        "stacked_mnist": [
            "DIGITS = 'digits/small'",
            f"data.tfds_images.labelled.data_dir = '{data_dir}'",
            "COUNT_MODES_EVERY = 2",
            "evaluation.StackedModes.samples = 8",
            *small,
        ],
        "image_folder.gin": [f"IMAGES = '{data_dir / 'folder'}'", *few],
    }.get(pathlib.PurePath(name).parts[0], [])


def check_runs(model_dir, data_dir, name, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", "")
    run(model_dir, files=[name], short=[*TINY, *data_bindings(name, data_dir)])
    rows = metrics(model_dir)
    assert [row["step"] for row in rows] == [1, 2]
    assert all(np.isfinite(value) for row in rows for value in row.values())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in TRACED else pytest.mark.slow) for name in EXPERIMENTS]
)
def test_runs(tmp_path, data_dir, name, monkeypatch):
    check_runs(tmp_path, data_dir, name, monkeypatch)


@pytest.mark.parametrize("name", sorted(set(EXPERIMENTS) - set(TRACED)))
def test_runs_eagerly(tmp_path, data_dir, name, monkeypatch, eagerly):
    check_runs(tmp_path, data_dir, name, monkeypatch)


@pytest.mark.parametrize("name", COMPARISONS)
def test_compares(tmp_path, name, eagerly):
    run(tmp_path, files=[name], short=TINY)
    assert (tmp_path / "comparison.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", [*EXPERIMENTS, *COMPARISONS])
def test_header(name):
    header = [line for line in (catalogue.FOLDER / name).read_text().splitlines() if line.startswith("#")]
    for topic in ("Paper:", "Command:", "Hardware:", "Result:", "Differs:"):
        assert any(line.startswith(f"# {topic}") for line in header), f"{name} says nothing of {topic}"
    command = "python -m jare_tf.main" + ("" if name == "quickstart.gin" else f" --gin_file {name}")
    assert any(command in line for line in header)
    assert not any("TODO" in line for line in header)


def test_bases_are_used():
    included = {
        line.split("'")[1]
        for name in CONFIGS
        for line in pathlib.Path(catalogue.FOLDER / name).read_text().splitlines()
        if line.startswith("include ")
    }
    assert included == {name for name in CONFIGS if name.startswith("base/")}


def test_slopes_of_conopts_networks():
    """Leaky ReLU 0.2 in both networks, but ReLU in the generators of three layers, as in its published code."""
    slopes = lambda network: {layer.negative_slope for layer in network.layers if hasattr(layer, "negative_slope")}
    for name in (name for name in EXPERIMENTS if name.startswith("cifar10_conopt_paper/")):
        config.parse([name], ["FILTERS = 1"])
        bindings, of_generator = config.resolved(config.text()), 0.0 if "dcgan3" in name else 0.2
        assert float(bindings["networks.dcgan.generator.leak"]) == of_generator, name
        assert float(bindings["networks.dcgan.discriminator.leak"]) == 0.2, name
        if name.endswith("nobn_conopt.gin"):
            made = config.call(experiment.Experiment)
            assert (slopes(made.generator()), slopes(made.discriminator())) == ({of_generator}, {0.2})


def test_conopts_scores_are_inception_scores_of_6400_images():
    config.parse(["cifar10_conopt_paper/dcgan4_conopt.gin"], ["EMBEDDING_PATH = 'none.keras'"])
    bindings = config.resolved(config.text())
    assert bindings["evaluation.ImageScores.protocol"] == "@evaluation.protocols.conopt()"
    (score,) = config.call(evaluation.ImageScores).better
    assert bindings["experiment.evaluate.best_by"] == repr(score)
