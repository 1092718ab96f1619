"""Every configuration that the package brings is parsed, runs for two tiny steps, and says what it is."""

import pathlib

import numpy as np
import pytest

from jare_tf import config
from tests.conftest import store_images
from tests.runs import metrics, run

CONFIGS = sorted(str(path.relative_to(config.FOLDER)) for path in config.FOLDER.rglob("*.gin"))
COMPARISONS = [name for name in CONFIGS if "experiment.compare.configs" in (config.FOLDER / name).read_text()]
EXPERIMENTS = [name for name in CONFIGS if not name.startswith("base/") and name not in COMPARISONS]
TINY = ["STEPS = 2", "BATCH_SIZE = 2", "LOG_EVERY = 1", "SAVE_EVERY = 2", "SEED = 1", "JIT = False"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tfds")
    store_images(directory, np.random.default_rng(0).integers(0, 256, size=(8, 32, 32, 3)).astype(np.uint8))
    return str(directory)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_runs(tmp_path, data_dir, name, monkeypatch):
    tiny = list(TINY)
    if name.startswith("cifar10/"):
        monkeypatch.setenv("TFDS_DATA_DIR", "")
        images = ["tfds_images.load.name = 'pictures/small'", f"tfds_images.load.data_dir = '{data_dir}'"]
        tiny += [*images, "FILTERS = 2"]
    run(tmp_path, files=[name], short=tiny)
    rows = metrics(tmp_path)
    assert [row["step"] for row in rows] == [1, 2]
    assert all(np.isfinite(value) for row in rows for value in row.values())


@pytest.mark.parametrize("name", COMPARISONS)
def test_compares(tmp_path, name):
    run(tmp_path, files=[name], short=TINY)
    assert (tmp_path / "comparison.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", [*EXPERIMENTS, *COMPARISONS])
def test_header(name):
    header = [line for line in (config.FOLDER / name).read_text().splitlines() if line.startswith("#")]
    for topic in ("Paper:", "Command:", "Hardware:", "Result:", "Differs:"):
        assert any(line.startswith(f"# {topic}") for line in header), f"{name} says nothing of {topic}"
    command = "python -m jare_tf.main" + ("" if name == "quickstart.gin" else f" --gin_file {name}")
    assert any(command in line for line in header)
    assert not any("TODO" in line for line in header)


def test_bases_are_used():
    included = {
        line.split("'")[1]
        for name in CONFIGS
        for line in pathlib.Path(config.FOLDER / name).read_text().splitlines()
        if line.startswith("include ")
    }
    assert included == {name for name in CONFIGS if name.startswith("base/")}
