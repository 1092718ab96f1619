"""What the site takes from outside docs/: the README as first page, notebooks as tutorials, the API reference, changes.

MkDocs calls the functions that begin with on_.
"""

import base64
import json
import pathlib
import posixpath
import re
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = pathlib.Path(__file__).parents[1]
# Files of the repository by their page.
OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "gin_configs/README.md": "gin_configs.md",
}
# Files that are shown as they are.
PLAIN = ("LICENSE", "CITATION.cff")
NOTEBOOKS = {f"examples/{path.name}": f"tutorials/{path.stem}.md" for path in (ROOT / "examples").glob("*.ipynb")}
# The API reference: modules by page, each with what its __all__ names.
API = {
    "gan": (
        "GAN and its parts",
        [
            "training.gan.GAN",
            "callbacks",
            "game.game",
            "types",
            *(f"errors.{name}Error" for name in ("Input", "Run", "NotFinite")),
        ],
    ),
    "rules": ("Update rules", ["rules", "dynamics.vector_field"]),
    "losses": ("Losses", ["losses"]),
    "networks": (
        "Networks",
        [f"game.networks.{name}" for name in ("affine", "mlp", "dcgan", "conv4", "resnet", "resnet_cf")]
        + [f"game.networks.{name}" for name in ("spectral_norm", "batch_norm", "weight_clipping", "linear_quadratic")],
    ),
    "data": (
        "Data",
        [
            f"data.{name}"
            for name in ("image_folder", "tfds_images", "in_memory", "stacked_mnist", "synthetic", "latent")
        ]
        + ["data.dataset"],
    ),
    "evaluation": ("Evaluation", ["evaluation", "evaluation.protocols", "evaluation.embedding"]),
    "theory": (
        "Theory",
        [
            f"theory.{name}"
            for name in ("games", "closed_form", "spectrum", "eigenvalues", "step_size", "advice", "preconditioner")
        ]
        + [f"theory.{name}" for name in ("hessians", "spectral_density", "path", "streamlines")],
    ),
    "experiment": ("Experiments", ["experiment"]),
    "report": ("Pictures", ["report"]),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made of other files."""
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    for name in PLAIN:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    for source, page in NOTEBOOKS.items():
        for name, content in tutorial(source, page):
            files.append(File.generated(config, name, content=content))
    for name, (title, modules) in API.items():
        blocks = "\n\n".join(f"::: jare_tf.{module}" for module in modules)
        files.append(File.generated(config, f"api/{name}.md", content=f"# {title}\n\n{blocks}\n"))
    return files


def tutorial(source: str, page: str) -> Iterator[tuple[str, str | bytes]]:
    """(name, content) of a notebook as a page, and of the pictures in it."""
    folder, stem = posixpath.split(page.removesuffix(".md"))
    parts, pictures = [], 0
    for cell in json.loads((ROOT / source).read_text(encoding="utf-8"))["cells"]:
        body = "".join(cell["source"])
        parts.append(body if cell["cell_type"] == "markdown" else f"```python\n{body}\n```")
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                pictures += 1
                picture = f"{stem}-{pictures}.png"
                yield f"{folder}/{picture}", base64.b64decode("".join(data["image/png"]))
                parts.append(f"![output]({picture})")
            elif text := "".join(output.get("text", data.get("text/plain", ""))).rstrip():
                parts.append(f"```text\n{text}\n```")
    parts.append(
        f"*This page is the notebook `{source}`; `{source.replace('.ipynb', '.py')}` is the same as a script.*"
    )
    yield page, "\n\n".join(parts)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links between files of the repository into links between pages."""
    here = page.file.src_uri
    source = {to: name for name, to in (OUTSIDE | NOTEBOOKS).items()}.get(here, f"docs/{here}")

    def link(found: re.Match[str]) -> str:
        path, mark, place = found[1].partition("#")
        if not path or ":" in path or here.startswith(("tutorials/", "api/")):
            return found[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        target = (OUTSIDE | NOTEBOOKS | {"examples": "tutorials/jare_in_your_keras_gan.md"}).get(target, target)
        target = target.removeprefix("docs/")
        return f"]({posixpath.relpath(target, posixpath.dirname(here) or '.')}{mark}{place})"

    return re.sub(r"\]\(([^)\s]+)\)", link, markdown)
