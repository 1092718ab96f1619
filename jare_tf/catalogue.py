"""The package's own configurations, by name."""

import os
import pathlib

_PACKAGE = pathlib.Path(__file__).parent
FOLDER = next(path for path in (_PACKAGE / "gin_configs", _PACKAGE.parent / "gin_configs") if path.is_dir())


def names() -> list[str]:
    """As --gin_file names them: the path in FOLDER, with forward slashes."""
    paths = (os.path.relpath(f"{folder}/{name}", FOLDER) for folder, _, names in os.walk(FOLDER) for name in names)
    return sorted((path.replace(os.sep, "/") for path in paths if path.endswith(".gin")), key=os.path.split)


def described() -> dict[str, str]:
    """By name the first paragraph of the header, but for the parts that others include."""
    header = lambda name: (FOLDER / name).read_text(encoding="utf-8").partition("\n#\n")[0]
    return {name: header(name).replace("\n#", "").strip("# \n") for name in names() if not name.startswith("base")}
