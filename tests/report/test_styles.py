"""A method looks the same in every picture, and two methods differ for readers with any colour vision."""

import itertools

import numpy as np
import pytest

from jare_tf.report import curves, styles

# Matrices for linear RGB: Viénot, Brettel & Mollon (1999) of protans and deutans, Machado et al. (2009) of tritans.
VISION = {
    "usual": np.eye(3),
    "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LINEAR_RGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
PICTURES = [
    ["SimGD", "ConOpt", "JARE"],
    ["GAN", "SN-GAN", "ConOpt", "JARE"],
    ["SimGD", "AltGD", "ConOpt", "smoothing"],
    ["SimGD", "ConOpt", "generator only", "discriminator only", "JARE"],
    ["gradient-regularised", "10-unrolled", "GAN"],
    ["GAN", "GAN, regularised", "WGAN", "WGAN, regularised"],
    ["SimGD", "ConOpt, γ = 10", "ConOpt, γ = 1000", "JARE, γ = 10", "JARE, γ = 1000"],
    ["JARE", "ConOpt", "gradient norm alone"],
    ["5e-05", "0.0001", "0.0002", "0.0005"],
    [f"run {number}" for number in range(7)],
]


def lab(colour, vision):
    """CIE L*a*b* of a hexadecimal colour as it is seen, under D65."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = LINEAR_RGB_TO_XYZ @ np.clip(np.array(VISION[vision]) @ linear, 0, 1) / [0.9505, 1.0, 1.0890]
    f = lambda t: np.cbrt(t) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29
    return np.array([116 * f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z))])


def test_lab_of_white_and_red():
    np.testing.assert_allclose(lab("#ffffff", "usual"), [100, 0, 0], atol=0.05)
    np.testing.assert_allclose(lab("#ff0000", "usual"), [53.24, 80.09, 67.20], atol=0.05)
    assert np.linalg.norm(lab("#ff0000", "deutan") - lab("#00a000", "deutan")) < 30  # which are 140 apart otherwise


@pytest.mark.parametrize("labels", PICTURES, ids=lambda labels: labels[0])
@pytest.mark.parametrize("vision", VISION)
def test_two_methods_differ_in_colour_or_in_dash_and_marker(labels, vision):
    for one, other in itertools.combinations(styles.of(labels).values(), 2):
        close = np.linalg.norm(lab(one.color, vision) - lab(other.color, vision)) < 15
        assert not close or (one.linestyle != other.linestyle and one.marker != other.marker), (one, other)


@pytest.mark.parametrize("labels", PICTURES, ids=lambda labels: labels[0])
def test_any_order_has_the_same_styles(labels):
    assert styles.of(labels) == styles.of(reversed(labels))
    assert len(set(styles.of(labels).values())) == len(labels)


def test_many_runs_all_differ():
    assert len(set(styles.of(f"run {number}" for number in range(24)).values())) == 24
    assert len(set(styles.of(f"JARE, seed {number}" for number in range(24)).values())) == 24


def test_a_method_looks_the_same_whoever_is_beside_it_and_however_it_is_spelt():
    looks = {styles.of(labels)["JARE"] for labels in PICTURES if "JARE" in labels}
    looks |= {styles.of([name])[name] for name in ("jare", "JARE, seed 1", "runs/quickstart/JARE", "jare(gamma=10.0)")}
    assert looks == {styles.of(["JARE"])["JARE"]}
    assert styles.of(["SimGD"])["SimGD"] == styles.of(["sim_gd()"])["sim_gd()"] == styles.of(["GAN"])["GAN"]


def test_a_picture_uses_them():
    line = [(np.arange(3), np.ones(3))]
    (axes,) = curves.panels([[curves.Panel("", {"ConOpt": line, "JARE": line}, "distance")]]).axes
    drawn = [(one.get_color(), one.get_linestyle(), one.get_marker()) for one in axes.get_lines()]
    assert drawn == [("#d55e00", "--", "s"), ("#0072b2", "-", "o")] and axes.get_ylabel() == "distance"
