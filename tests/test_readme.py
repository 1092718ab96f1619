"""What the README shows works."""

import json
import pathlib
import re
import sys

import numpy as np
import pytest

import jare_tf
from jare_tf import catalogue
from jare_tf.game.losses import objectives
from jare_tf.reproduction import figures
from tests.runs import SHORT, metrics, run

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
THEORY = (ROOT / "docs" / "theory.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_library_example():
    example, _ = blocks("python")
    namespace = {}
    exec(example, namespace)
    assert int(namespace["gan"].iterations) == 2
    assert namespace["samples"].shape == (16, 32, 32, 3)
    assert np.abs(namespace["samples"]).max() <= 1


def test_added_rule(tmp_path, monkeypatch):
    _, rule = blocks("python")
    (experiment,) = blocks("gin")
    (tmp_path / "my_rules.py").write_text(rule)
    (tmp_path / "my_experiment.gin").write_text(experiment)
    monkeypatch.syspath_prepend(tmp_path)
    run(tmp_path / "run", files=[str(tmp_path / "my_experiment.gin")], short=SHORT)
    # Each step changes each parameter by exactly the learning rate times the scale, 0.001 · 0.1.
    distances = [row["parameter_distance/discriminator"] for row in metrics(tmp_path / "run")]
    assert distances[0] == pytest.approx(np.sqrt(2) * (0.05 - 5e-4), rel=1e-4)
    sys.modules.pop("my_rules")


def test_commands_name_existing_configurations():
    names = re.findall(r"--gin_file ((?!runs/)\S+\.gin)", README + THEORY)
    assert names
    for name in names:
        assert (catalogue.FOLDER / name).exists(), name


def braces(name):
    """Every name that a pattern with {a,b} stands for."""
    before, brace, after = name.partition("{")
    if not brace:
        return {name}
    inside, _, rest = after.partition("}")
    return {done for choice in inside.split(",") for done in braces(f"{before}{choice}{rest}")}


def test_table_of_configurations_is_complete():
    table = README.split("| configurations | experiment | macros |")[1].split("\n\n")[0]
    first_columns = [row.split("|")[1] for row in table.splitlines()[2:]]
    named = set().union(*(braces(f"{name}.gin") for name in re.findall(r"`([^`]+)`", "".join(first_columns))))
    present = {str(path.relative_to(catalogue.FOLDER)) for path in catalogue.FOLDER.rglob("*.gin")}
    assert named == {name for name in present if not name.startswith("base/") and name != "quickstart.gin"}


def test_table_of_objectives_is_what_they_state():
    rows = re.findall(r"^\| `(\w+)\(\)` \|.*\| (\S+) \| (\S+) \| (yes|no) \|$", README, re.MULTILINE)
    number = lambda text: float(text.replace("−", "-").replace("½", "0.5"))
    written = {name: (number(slope), number(curvature), holds == "yes") for name, slope, curvature, holds in rows}
    made = {
        name: make()
        for name, make in vars(objectives).items()
        if getattr(make, "__module__", "") == objectives.__name__ and name.islower() and not name.startswith("_")
    }
    assert written == {name: (o.slope, o.curvature, o.satisfies_assumption_2) for name, o in made.items()}


def test_table_of_rules_is_complete():
    rules = set(re.findall(r"^\| `(\w+)\(", README.split("### The methods")[1].split("\n### ")[0], re.MULTILINE))
    assert rules == {name for name in jare_tf.__all__ if name.islower()}


def test_pictures_exist():
    for text, folder in ((README, ROOT), (THEORY, ROOT / "docs")):
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
            assert (folder / name).exists(), name


def test_theory_example():
    """The numbers in the comments of docs/theory.md."""
    (example,) = re.findall(r"```python\n(.*?)```", THEORY, re.DOTALL)
    namespace = {}
    exec(example, namespace)
    game = namespace["game"]
    printed = [complex(number) for number in ("-2.51-0.447j", "-12.5", "-2.51+0.447j", "-0.52")]
    np.testing.assert_allclose(game.jare(10.0), printed, atol=5e-4)
    factors = game.jare_phase_factor(10.0), game.jare_conditioning(10.0), game.jare_largest_step(10.0)
    np.testing.assert_allclose(factors, (0.178, 24.04, 0.16), rtol=2e-3)


def test_theory_table_has_every_rule():
    table = THEORY.split("## Every rule")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)\(", table, re.MULTILINE)
    assert set(rows) == {name for name in jare_tf.__all__ if name.islower()}


def test_map_of_figures_names_what_exists_and_every_paper_configuration():
    text = (catalogue.FOLDER / "README.md").read_text()
    rows = [row for row in text.splitlines() if row.startswith("| ")]
    named = set().union(*(braces(name) for name in re.findall(r"`([^`]*\.gin)`", "\n".join(rows))))
    named = {name for name in named if "*" not in name}
    present = {str(path.relative_to(catalogue.FOLDER)) for path in catalogue.FOLDER.rglob("*.gin")}
    assert named <= present, named - present
    beyond = {name for name in present if name.startswith(("base/", "comparisons/", "isotropic_gaussian/"))}
    assert present - beyond - {"image_folder.gin"} <= named
    for tool in re.findall(r"`(tools/[a-z_]+\.py|jare_tf/[a-z_/]+\.py)`", text):
        assert (ROOT / tool).exists(), tool


def test_claims_are_those_that_were_written_down():
    """The table in the README, and every claims.json behind it, which a command makes again."""
    folder = ROOT / "docs" / "reproduction"
    assert figures.claims_table(str(folder), "cpu") in README
    for path in folder.glob("*/claims.json"):
        record = json.loads(path.read_text())
        name = record["figure"]
        assert name == path.parent.name and name in figures.FIGURES
        assert record["command"].removesuffix(" --embedding FILE") == f"python tools/reproduce.py {name} --scale cpu"
        assert "not_run" in record or all(claim["reproduced"] in (True, False) for claim in record["claims"])
    assert sum(path.stat().st_size for path in (ROOT / "docs").rglob("*.png")) < 5e6
