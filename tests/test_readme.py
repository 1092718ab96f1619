"""What the README and the pages of docs/ show works."""

import json
import pathlib
import re
import sys

import numpy as np
import pytest

import jare_tf
from jare_tf import catalogue, command
from jare_tf.game.losses import objectives
from jare_tf.reproduction import figures
from tests.runs import SHORT, metrics, run
from tools import write_pages

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCS = {path.relative_to(ROOT / "docs").as_posix(): path.read_text() for path in (ROOT / "docs").rglob("*.md")}
THEORY = DOCS["theory.md"]
PAGES = {
    path: path.read_text()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), catalogue.FOLDER / "README.md"]
}


def blocks(language, text):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_readme_is_short():
    assert len(README.encode()) < 9000


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("CITATION.cff", "\nversion: {}\n"),
        ("README.md", "\n  version = {{{}}},\n"),
        ("CHANGELOG.md", "# Changes\n\n## {}\n"),
    ],
)
def test_the_version_is_that_of_the_package(name, line):
    assert line.format(jare_tf.__version__) in (ROOT / name).read_text()


def test_library_example():
    (example,) = blocks("python", README)
    namespace = {}
    exec(example, namespace)
    assert int(namespace["gan"].iterations) == 2
    assert namespace["samples"].shape == (16, 32, 32, 3)
    assert np.abs(namespace["samples"]).max() <= 1


def test_added_rule(tmp_path, monkeypatch):
    (rule,) = blocks("python", DOCS["keras.md"])
    (experiment,) = blocks("gin", DOCS["keras.md"])
    (tmp_path / "my_rules.py").write_text(rule)
    (tmp_path / "my_experiment.gin").write_text(experiment)
    monkeypatch.syspath_prepend(tmp_path)
    run(tmp_path / "run", files=[str(tmp_path / "my_experiment.gin")], short=SHORT)
    # Each step changes each parameter by exactly the learning rate times the scale, 0.001 · 0.1.
    distances = [row["parameter_distance/discriminator"] for row in metrics(tmp_path / "run")]
    assert distances[0] == pytest.approx(np.sqrt(2) * (0.05 - 5e-4), rel=1e-4)
    sys.modules.pop("my_rules")


def test_configuration_of_your_own(tmp_path):
    (experiment,) = blocks("gin", DOCS["experiments.md"])
    (tmp_path / "my_experiment.gin").write_text(experiment)
    run(tmp_path / "run", files=[str(tmp_path / "my_experiment.gin")], short=SHORT)
    assert "rules.lazy.every = 8" in (tmp_path / "run" / "config.gin").read_text()


def test_commands_name_existing_configurations():
    names = re.findall(r"--gin_file ((?!runs/)\S+\.gin)", "".join(PAGES.values()))
    assert names
    for name in names:
        assert (catalogue.FOLDER / name).exists(), name


def test_table_of_flags_and_modes_is_complete():
    flags = re.findall(r"^  --(\w+) ", command.usage(), re.MULTILINE)
    flag_rows = [row for row in DOCS["experiments.md"].splitlines() if row.startswith("| `--")]
    assert set(re.findall(r"`--(\w+)", "".join(row.split("|")[1] for row in flag_rows))) == set(flags)
    mode_table = DOCS["experiments.md"].split("| mode | does |")[1].split("\n\n")[0]
    mode_rows = mode_table.splitlines()[2:]
    assert set(re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in mode_rows))) == set(command.MODES)


def test_table_of_macros_is_complete():
    table = DOCS["experiments.md"].split("| macro | meaning |")[1].split("\n\n")[0]
    rows = table.splitlines()[2:]
    named = set(re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in rows)))
    assert named == set(re.findall(r"%([A-Z_]+)", (catalogue.FOLDER / "base" / "macros.gin").read_text()))


def braces(name):
    """Every name that a pattern with {a,b} stands for."""
    before, brace, after = name.partition("{")
    if not brace:
        return {name}
    inside, _, rest = after.partition("}")
    return {done for choice in inside.split(",") for done in braces(f"{before}{choice}{rest}")}


def test_table_of_configurations_is_complete():
    rows = re.findall(
        r"^\| `(\S+\.gin)` \| (.+?) \| (.+?) \| (.+?) \| (.*?) \|$", DOCS["configurations.md"], re.MULTILINE
    )
    assert [name for name, *_ in rows] == list(catalogue.headers())
    macros = {name: cell for name, *_, cell in rows}
    assert macros["isotropic_gaussian/jare.gin"] == "`GAMMA`, `MU`, `OFFSET`, `SIGMA`"


def test_pages_follow_from_their_sources():
    """What `python tools/write_pages.py` writes is there: claims, gallery, verdicts, configurations."""
    assert {
        name for text in PAGES.values() for name in re.findall("<!-- begin (.*?) -->", text)
    } == write_pages.PARTS.keys()
    for path in write_pages.pages():
        assert write_pages.written(PAGES[path]) == PAGES[path], f"{path}: run python tools/write_pages.py"


def test_every_figure_is_of_an_experiment():
    named = [name for names in write_pages.EXPERIMENTS.values() for name in names]
    assert sorted(named) == sorted(name for name, figure in figures.FIGURES.items() if figure.of_papers)


def test_table_of_objectives_is_what_they_state():
    rows = re.findall(r"^\| `(\w+)\(\)` \|.*\| (\S+) \| (\S+) \| (yes|no) \|$", DOCS["methods.md"], re.MULTILINE)
    number = lambda text: float(text.replace("−", "-").replace("½", "0.5"))
    written = {name: (number(slope), number(curvature), holds == "yes") for name, slope, curvature, holds in rows}
    made = {
        name: make()
        for name, make in vars(objectives).items()
        if getattr(make, "__module__", "") == objectives.__name__ and name.islower() and not name.startswith("_")
    }
    assert written == {name: (o.slope, o.curvature, o.satisfies_assumption_2) for name, o in made.items()}


def test_table_of_rules_is_complete():
    text = DOCS["methods.md"].split("## Update rules")[1].split("\n### ")[0]
    rules = set(re.findall(r"^\| `(\w+)\(", text, re.MULTILINE))
    assert rules == {name for name in jare_tf.__all__ if name.islower()}


def presets(text):
    """By rule what the two players minimise besides their losses, of a table."""
    rows = ([cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines() if row.startswith("| `"))
    return {row[0].split("`")[1]: row[1:] for row in rows if len(row) == 3}


def test_presets_in_the_readme_are_those_of_the_page_on_methods():
    shown = presets(README)
    assert len(shown) == 6
    assert shown == presets(DOCS["methods.md"])


def anchor(heading):
    """As GitHub makes it, and the site."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_links_and_pictures_exist():
    for path, text in PAGES.items():
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose):
            name, _, place = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.exists(), f"{path}: {link}"
            if place:
                headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
                assert place in map(anchor, headings), f"{path}: {link}"


def test_theory_example():
    """The numbers in the comments of docs/theory.md."""
    (example,) = blocks("python", THEORY)
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
    """The table in the gallery, and every claims.json behind it, which a command makes again."""
    folder = ROOT / "docs" / "reproduction"
    assert figures.claims_table(str(folder), "cpu") in DOCS["reproduction/README.md"]
    for path in folder.glob("*/claims.json"):
        record = json.loads(path.read_text())
        name = record["figure"]
        assert name == path.parent.name and name in figures.FIGURES
        assert record["command"].removesuffix(" --embedding FILE") == f"python tools/reproduce.py {name} --scale cpu"
        assert "not_run" in record or all(
            claim["reproduced"] in (True, False, "undecided") for claim in record["claims"]
        )
    assert sum(path.stat().st_size for path in (ROOT / "docs").rglob("*.png")) < 5e6
