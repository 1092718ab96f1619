"""A package imports only lower ones; gin, matplotlib and differentiation are each used in one place."""

import ast
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "jare_tf"
LAYERS = [
    {"errors", "files", "replicas", "types"},
    {"catalogue", "serializable", "settings", "output"},
    {"progress"},
    {"data", "game"},
    {"dynamics"},
    {"theory"},
    {"training"},
    {"evaluation"},
    {"report"},
    {"callbacks", "rules", "losses", "networks"},
    {"experiment", "gin_text"},
    {"trust"},
    {"config", "cli"},
    {"command"},
    {"main"},
    {"__main__"},
    {"reproduction"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def imported(path):
    """Every dotted name that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_lower_layers(path):
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "jare_tf" and len(parts) > 1:
            below = RANK[parts[1]] < RANK[layer(path)] or parts[1] == layer(path)
            assert below, f"{path.name} imports {name}, which is not below it"


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("gin", ["config.py", "gin_text.py", "trust.py"]),
        ("matplotlib", ["report/"]),
        ("tensorflow_datasets", ["data/tfds_images.py"]),
        ("PIL", ["data/decoding.py"]),
        ("tensorflow_hub", ["evaluation/embedding.py"]),
        ("tensorflow_gan", ["evaluation/tfgan_backend.py"]),
    ],
)
def test_libraries_kept_in_one_place(library, allowed):
    users = [
        str(path.relative_to(PACKAGE)) for path in MODULES if any(n.split(".")[0] == library for n in imported(path))
    ]
    assert users, f"nothing imports {library}: the test looks for the wrong thing"
    assert all(user.startswith(tuple(allowed)) for user in users), users


def test_who_differentiates():
    """The field with respect to parameters, the penalties with respect to samples, and nobody else."""
    users = [str(path.relative_to(PACKAGE)) for path in MODULES if "GradientTape" in path.read_text()]
    assert users == ["dynamics/vector_field.py", "game/losses/gradient_penalty.py"]


def test_who_prints():
    """Everybody else says it by `output`, which outlives a stdout that is closed or full.

    `pytorch_steps` is a program of its own, whose stdout is a pipe.
    """
    users = [
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert set(users) == {"output.py", "reproduction/pytorch_steps.py"}


def test_a_path_is_no_pattern():
    """TensorFlow's glob reads the name of a folder as a pattern: `files.named` lists instead."""
    names = {"glob", "get_matching_files", "iglob", "rglob", "list_files"}
    users = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in names
    ]
    assert users == []
