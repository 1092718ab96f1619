"""What a configuration's header says of a number is what the configuration has, or Differs: says what it has."""

import pathlib
import re

import pytest

from jare_tf import catalogue, config

EXPERIMENTS = sorted(
    str(path.relative_to(catalogue.FOLDER))
    for path in catalogue.FOLDER.rglob("*.gin")
    if path.parent.name not in ("base", "comparisons") and path.name != "quickstart.gin"
)
# By quantity, how headers state it and what binds it.
QUANTITIES = {
    "batch": (r"[Bb]atch(?:es)?(?: of)? (\d+)", r"experiment\.Experiment\.batch_size"),
    "decay of the first moment": (r"β1 = ([\d.]+)", r"keras\.optimizers\.Adam\.beta_1"),
    "filters": (r"(\d+) filters", r"networks\.\w+\.\w+\.filters"),
    "γ": (r"γ = ([\d.]*\d)", r"rules\.\w+\.gamma"),
    "iterations": (r"([\d,]+) (?:iterations|steps)\b", r"experiment\.Pace\.steps"),
    "latent dimensions": (
        r"(?:z of|z ~ N\(0, \w+(?: I)?\) in|\] in) (\d+) dimensions",
        r"experiment\.Experiment\.latent_dim",
    ),
    "learning rate": (r"learning rate (?:of )?([\d.e-]*\d)", r"keras\.optimizers\.\w+\.learning_rate"),
    "radius": (r"circle of radius (?:r = )?(\d+)", r"data\.synthetic\.ring\.radius"),
    "σ of a Gaussian": (r"σ = ([\d.]*\d)", r"data\.synthetic\.gaussian\.std"),
    "slope of the discriminator": (r"[Ll]eaky ReLU ([\d.]*\d)", r"networks\.dcgan\.discriminator\.leak"),
    "standard deviation of a mode": (r"standard deviation ([\d.]*\d)", r"data\.synthetic\.ring\.std"),
    "unrolled steps": (r"(\d+) unrolled steps", r"rules\.unrolled\.steps"),
    "width": (r"hidden layers of (\d+) ReLU units", r"networks\.mlp\.\w+\.width"),
}
# Of the published code, as the project has read it: weilinie/JARE@13967b3, LMescheder/TheNumericsOfGANs@68d915f,
# locuslab/gradient_regularized_gan@c1f6127.
_CIFAR10 = {"learning rate": 1e-4, "filters": 64, "latent dimensions": 256, "batch": 64, "iterations": 150_000}
_CELEBA = {"learning rate": 1e-4, "filters": 128, "batch": 128}
_JARE = {"standard deviation of a mode": 0.06, "width": 256, "batch": 128, "iterations": 20_000}
SCRIPTS = {
    "celeba/resnet_cf_altgd.gin": {**_CELEBA, "iterations": 150_000},
    "celeba/resnet_cf_conopt.gin": {**_CELEBA, "iterations": 1_500_000, "γ": 10},
    "celeba/resnet_cf_simgd.gin": {**_CELEBA, "iterations": 150_000},
    "cifar10/*.gin": {"latent dimensions": 128, "iterations": 5000},  # those between two scores
    "cifar10_conopt_paper/dcgan3_*.gin": {**_CIFAR10, "slope of the discriminator": 0.2},
    "cifar10_conopt_paper/dcgan4_*.gin": _CIFAR10,
    "mixture_conopt_paper/*.gin": {"batch": 512, "iterations": 50_000},
    "mixture_gradreg_paper/*.gin": {
        "standard deviation of a mode": 0.02,
        "radius": 2,
        "latent dimensions": 256,
        "width": 128,
        "learning rate": 1e-4,
        "decay of the first moment": 0.5,
        "batch": 512,
        "iterations": 100_000,
        "unrolled steps": 15,
    },
    "mixture_jare_code/*.gin": _JARE,
    "mixture_jare_paper/*.gin": _JARE,
}


def header(name):
    """The text of a header by topic."""
    lines = (catalogue.FOLDER / name).read_text().partition("\nfrom ")[0].splitlines()
    topics, topic = {}, "title"
    for line in lines:
        found = re.match(r"# ([A-Z]\w+): ", line)
        topic = found[1] if found else topic
        said = line.removeprefix("#").removeprefix(f" {topic}:").strip()
        topics[topic] = f"{topics.get(topic, '')} {said}".strip()
    return topics


def stated(text):
    """The first number that a text states of each quantity."""
    return {quantity: numbers[0] for quantity in QUANTITIES if (numbers := all_stated(text, quantity))}


def all_stated(text, quantity):
    """The numbers that a text states of a quantity."""
    found = re.findall(QUANTITIES[quantity][0], text, re.IGNORECASE)
    return [float(number.replace(",", "")) for number in found]


def bound(name):
    """The numbers that a configuration binds of each quantity, one for most."""
    config.parse([name])
    bindings = config.resolved(config.text())
    numbers = {
        quantity: {float(value) for key, value in bindings.items() if re.fullmatch(binding, key)}
        for quantity, (_, binding) in QUANTITIES.items()
    }
    return {quantity: found for quantity, found in numbers.items() if found}


def first_of(name, said):
    """The paper's numbers, and where it has none its published code's; of the code's setting the other way round."""
    topics = ("Paper", "Code") if name.startswith("mixture_jare_code/") else ("Code", "Paper")
    return {quantity: number for topic in topics for quantity, number in stated(said.get(topic, "")).items()}


def contradicted(name, said, has):
    """Of which quantities the configuration has a number that the header does not state; Differs: may state it too."""
    return {
        quantity
        for quantity, number in first_of(name, said).items()
        if not has.get(quantity, set()) <= {number, *all_stated(said["Differs"], quantity)}
    }


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_numbers_are_those_of_the_configuration(name):
    assert not contradicted(name, header(name), bound(name))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_code_is_what_was_read(name):
    said = stated(header(name).get("Code", ""))
    published = [numbers for pattern, numbers in SCRIPTS.items() if pathlib.PurePath(name).match(pattern)]
    assert said == (published[0] if published else {})


def test_every_quantity_is_compared():
    """In these configurations each quantity is stated somewhere, and another number of it is found."""
    names = ["linear_quadratic/jare.gin"]
    names += [f"cifar10_conopt_paper/{name}.gin" for name in ("dcgan3_nobn_conopt", "dcgan4_altgd")]
    names += ["isotropic_gaussian/jare.gin", "mixture_gradreg_paper/unrolled.gin", "mixture_jare_paper/jare.gin"]
    compared = set()
    for name in names:
        said, has = header(name), bound(name)
        for quantity in first_of(name, said).keys() & has.keys():
            assert contradicted(name, said, {**has, quantity: {77.0}}) == {quantity}
            compared.add(quantity)
    assert compared == set(QUANTITIES)
