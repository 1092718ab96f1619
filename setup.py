"""Packaging. The configurations in gin_configs/ travel with the package as jare_tf/gin_configs."""

import pathlib

import setuptools

HERE = pathlib.Path(__file__).parent
CONFIGS = HERE / "gin_configs"

setuptools.setup(
    name="jare_tf",
    version="0.2.0",
    description="GANs regularised through the game's Jacobian: JARE, consensus optimization, gradient-regularised GANs",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    author="The jare_tf authors",
    keywords=[
        "GAN",
        "generative adversarial networks",
        "training dynamics",
        "Jacobian regularization",
        "JARE",
        "consensus optimization",
        "TensorFlow",
        "Keras",
    ],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Intended Audience :: Developers",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.10,<3.14",
    packages=[*setuptools.find_packages(include=["jare_tf", "jare_tf.*"]), "jare_tf.gin_configs"],
    package_dir={"jare_tf.gin_configs": "gin_configs"},
    package_data={
        "jare_tf": ["py.typed"],
        "jare_tf.gin_configs": [str(path.relative_to(CONFIGS)) for path in CONFIGS.rglob("*.gin")],
    },
    install_requires=[
        "tensorflow>=2.18",
        "keras>=3.6",
        "tensorboard>=2.18",
        "tensorflow-datasets>=4.9.7",
        "importlib-resources",  # TFDS needs it to download and does not ask for it
        "tensorflow-gan>=2.1",
        # TF-GAN's metrics import these three; it asks for the first two itself.
        "tensorflow-hub>=0.16",
        "tensorflow-probability>=0.25",
        "tf-keras>=2.18",
        "setuptools<81",  # tensorflow-hub imports pkg_resources, which newer ones lack
        # Later ones need Python 3.11; where an index does not say so, the pip of 3.10 searches for half an hour.
        "etils<1.14; python_version < '3.11'",
        "numpy",
        "absl-py",
        "gin-config>=0.5",
        "matplotlib>=3.7",
        "pillow>=10.1",
        "psutil",
        "requests",
        "scipy>=1.10",
    ],
    extras_require={
        "test": ["hypothesis>=6.100", "mypy>=2", "pytest>=8", "pytest-xdist>=3", "ruff>=0.6"],
        "docs": ["mkdocs>=1.6,<2", "mkdocs-material>=9.5", "mkdocstrings[python]>=0.26", "ruff>=0.6"],
        "gpu": ["tensorflow[and-cuda]>=2.18"],
        "tpu": ["tensorflow-tpu>=2.20,<2.21", "libtpu==0.0.21"],
    },
    entry_points={"console_scripts": ["jare_tf = jare_tf.__main__:main"]},
)
