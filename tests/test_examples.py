"""Every example runs, and its notebook has the same cells."""

import json
import pathlib
import re

import matplotlib
import pytest

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
# What is smaller here, by example.
SMALLER = {
    "jare_in_your_keras_gan": {r"EPOCHS = .*, 64, \d+": "EPOCHS = 28, 64, 1", "4096": "192"},
    "search_with_optuna": {r"TRIALS, .* = 8, 8, 3": "TRIALS, EPOCHS, RUNS = 2, 1, 1", "2000": "200"},
    "the_theory_in_pictures": {r"linspace\(0, 8, \d+\)": "linspace(0, 8, 2)", "25\\)$": "5)"},
    "your_own_rule": {r"epochs=\d+": "epochs=1", r"range\(16\)": "range(1)"},
}


def cells(name):
    """(kind, source) of every cell of a script."""
    for part in re.split(r"^# %%", (EXAMPLES / f"{name}.py").read_text(), flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        kind = "markdown" if "[markdown]" in head else "code"
        lines = body.strip("\n").split("\n")
        yield kind, "\n".join(re.sub("^# ?", "", line) for line in lines) if kind == "markdown" else "\n".join(lines)


def test_all_have_a_smaller_form():
    assert SMALLER.keys() == set(NAMES)
    assert {path.stem for path in EXAMPLES.glob("*.ipynb")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_runs(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    if name == "search_with_optuna":
        pytest.importorskip("optuna", reason="optuna is not installed, which the package does not need")
    source = "\n".join(body for kind, body in cells(name) if kind == "code")
    for pattern, instead in SMALLER[name].items():
        source, count = re.subn(pattern, instead, source, flags=re.MULTILINE)
        assert count, pattern
    exec(compile(source, f"{name}.py", "exec"), {"__name__": name})
    assert list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_is_the_script(name):
    notebook = json.loads((EXAMPLES / f"{name}.ipynb").read_text())
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    assert found == list(cells(name))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    assert outputs and not any(output["output_type"] == "error" for output in outputs)
    assert any("image/png" in output.get("data", ()) for output in outputs)
