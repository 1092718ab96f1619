"""What pyproject.toml cannot say: two folders that become part of the package, and the long description."""

import pathlib
import re

import setuptools

README = (pathlib.Path(__file__).parent / "README.md").read_text(encoding="utf-8")
# Away from the repository no relative path leads anywhere: tables of pictures and pictures go, links become their text.
RELATIVE = r"\]\((?!https?:)[^)\s]+\)"
PICTURE = rf"!\[[^\]]*{RELATIVE}"
DESCRIPTION = re.sub(rf"^\|.*\n\| --- .*\n\|.*{PICTURE}.*\n", "", README, flags=re.MULTILINE)
DESCRIPTION = re.sub(PICTURE, "", DESCRIPTION)
DESCRIPTION = re.sub(rf"\[([^\[\]]+){RELATIVE}", r"\1", DESCRIPTION)

setuptools.setup(
    long_description=DESCRIPTION,
    long_description_content_type="text/markdown",
    packages=[*setuptools.find_packages(include=["jare_tf", "jare_tf.*"]), "jare_tf.gin_configs", "jare_tf.tools"],
    package_dir={"jare_tf.gin_configs": "gin_configs", "jare_tf.tools": "tools"},
)
