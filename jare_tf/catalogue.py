"""The package's own configurations, by name, and their headers; its tools."""

import ast
import itertools
import os
import pathlib
import re


def _folder(name: str) -> pathlib.Path:
    """A folder that is in the package where that is installed, and beside it in a checkout."""
    package = pathlib.Path(__file__).parent
    return next(path for path in (package / name, package.parent / name) if path.is_dir())


FOLDER = _folder("gin_configs")
_TOOLS = _folder("tools")
_TOPIC = re.compile(r"^# ([A-Z]\w+): +", re.MULTILINE)


def names() -> list[str]:
    """As --gin_file names them: the path in FOLDER, with forward slashes."""
    paths = (os.path.relpath(f"{folder}/{name}", FOLDER) for folder, _, names in os.walk(FOLDER) for name in names)
    return sorted((path.replace(os.sep, "/") for path in paths if path.endswith(".gin")), key=os.path.split)


def headers() -> dict[str, dict[str, str]]:
    """The header of every experiment by its name: the files that others include, in base/, are left out.

    A header is what the comment at the top of the file says by topic: "Paper", "Command", "Hardware", "Result" and
    "Differs", and under "" its first paragraph, which says what is run.
    """
    return {name: _header(name) for name in names() if not name.startswith("base/")}


def _header(name: str) -> dict[str, str]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    comment = "".join(itertools.takewhile(lambda line: line.startswith("#"), text.splitlines(keepends=True)))
    first, *parts = _TOPIC.split(comment)
    plain = lambda part: " ".join(part.replace("\n#", "\n").strip("# \n").split())
    return {"": plain(first)} | {topic: plain(part) for topic, part in zip(parts[::2], parts[1::2], strict=True)}


def tools() -> dict[str, pathlib.Path]:
    """The file of every tool by its name."""
    return {path.stem: path for path in sorted(_TOOLS.iterdir()) if path.suffix == ".py"}


def what_tools_do() -> dict[str, str]:
    """The first sentence of every tool's docstring."""
    texts = {name: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for name, path in tools().items()}
    return {name: " ".join((text or "").partition("\n\n")[0].split()) for name, text in texts.items()}
