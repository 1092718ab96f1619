"""`--mode landscape`."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import batch_norm
from tests.runs import SHORT, copied, run

PLAYERS = "generator", "discriminator"
SMALL = [f"networks.mlp.{player}.{field}" for player in PLAYERS for field in ("width = 3", "depth = 1")]
QUICK = ["path_points = 7", "slice_points = 5", "eigenvalues = 2", "lanczos_steps = 4", "draws = 2", "batches = 2"]
QUICK = [f"experiment.landscape.{binding}" for binding in QUICK]
MIXTURE = ["mixture_conopt_paper/conopt.gin"]


def landscape(model_dir, *params, **kwargs):
    """landscape.json, read as strictly as another program would."""
    run(model_dir, *QUICK, *params, mode="landscape", **kwargs)
    assert (model_dir / "landscape.png").stat().st_size > 10_000

    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    return json.loads((model_dir / "landscape.json").read_text(), parse_constant=refuse)


def test_the_isotropic_gaussian_at_its_equilibrium(tmp_path, capsys):
    """No checkpoint, no path; ½σ² and ½(σ² + ‖v‖²), and all of λ = −a/4 ± … within the bounds."""
    result = landscape(tmp_path, "SIGMA = 0.2", "MU = 4.0")
    assert (result["at"], result["step"], result["dense"], result["batches"]) == ("equilibrium", 0, True, 1)
    np.testing.assert_allclose(result["discriminator"]["eigenvalues"], [0.02, 8.02], atol=1e-9)
    np.testing.assert_allclose(result["symmetric"]["eigenvalues"], [0, 0, 0.02, 8.02], atol=1e-9)
    assert result["antisymmetric"]["norm"] == pytest.approx(0.5, abs=1e-9)
    assert result["bounds"]["real"] == pytest.approx([0, 8.02], abs=1e-9)
    assert (result["path"], result["path_from"]) == (None, None)
    assert [one["player"] for one in result["slices"]] == ["discriminator"] * 2 + ["generator"] * 2
    printed = capsys.readouterr().out
    assert "the landscape at the equilibrium:" in printed
    assert "- discriminator: ∇²θθ ℓ_D has eigenvalues from 0.02 to 8.02, none negative" in printed
    assert "no path is drawn at the equilibrium: it ends at a checkpoint" in printed


def test_a_run_of_networks(tmp_path, capsys):
    """At its newest checkpoint, all eigenvalues; the path begins at the initialisation."""
    copied(tmp_path, *SMALL, files=MIXTURE)
    result = landscape(tmp_path, files=[], short=[])
    assert (result["at"], result["step"], result["dense"]) == ("checkpoint", 20, True)
    assert "- path-angle: cos is " in capsys.readouterr().out
    sizes = [result[name]["size"] for name in ("discriminator", "generator", "symmetric")]
    assert sizes[0] + sizes[1] == sizes[2] == len(result["symmetric"]["eigenvalues"])
    assert result["symmetric"]["density"]["draws"] == 0
    np.testing.assert_allclose(result["path"]["alphas"], np.linspace(-0.1, 1.1, 7))
    assert result["path_from"] == "initialisation"
    assert np.abs(result["path"]["cosines"]["both"]).max() <= 1
    with pytest.raises(jare_tf.InputError, match="path_from = 20 is where the path ends"):
        landscape(tmp_path, "experiment.landscape.path_from = 20", files=[], short=[])
    assert json.loads((tmp_path / "landscape.json").read_text()) == result


def test_a_large_game(tmp_path):
    """Eigenvalues at both ends, on several batches; the path begins at a kept checkpoint."""
    copied(tmp_path, *SMALL, files=MIXTURE)
    large = "experiment.landscape.dense_up_to = 1", "experiment.landscape.path_from = 10"
    result = landscape(tmp_path, *large, files=[], short=[])
    assert (result["dense"], result["batches"], result["path_from"]) == (False, 2, 10)
    values, residuals = result["symmetric"]["eigenvalues"], result["symmetric"]["residuals"]
    assert len(values) == 4 and max(residuals) < 2e-3 * max(map(abs, values))
    assert result["symmetric"]["density"]["draws"] == 2
    # The path ends where the slices have their middle.
    alphas, losses = result["path"]["alphas"], result["path"]["losses"]["generator"]
    assert np.interp(1, alphas, losses) == pytest.approx(result["slices"][0]["losses"]["generator"][2], rel=1e-2)


def test_a_spoilt_directory(tmp_path):
    """The checkpoint at which the path begins is damaged, or is not there; landscape.json is of somebody else."""
    copied(tmp_path, *SMALL, files=MIXTURE)
    index = tmp_path / "checkpoints" / "step-10.index"
    index.write_bytes(index.read_bytes()[:20])
    start = "experiment.landscape.path_from = 10"
    with pytest.raises(jare_tf.InputError, match="cannot read the checkpoint .*step-10"):
        landscape(tmp_path, start, files=[], short=[])
    index.unlink()
    with pytest.raises(jare_tf.InputError, match="there is no checkpoint 10 in"):
        landscape(tmp_path, start, files=[], short=[])
    (tmp_path / "landscape.json").write_text("[]")
    with pytest.raises(jare_tf.InputError, match="is the landscape of another configuration"):
        landscape(tmp_path, files=[], short=[])
    assert (tmp_path / "landscape.json").read_text() == "[]"


def normalised():
    return keras.Sequential([keras.Input((16,)), keras.layers.Dense(3), batch_norm.layer(), keras.layers.Dense(2)])


def test_batch_norm(tmp_path):
    """A large game with state that is not trained, and a generator of somebody else."""
    name = "tests.test_landscape_mode"
    generator = [f"import {name}", f"experiment.Experiment.generator = @{name}.normalised"]
    run(tmp_path, *SMALL[2:], *generator, files=MIXTURE)
    result = landscape(tmp_path, "experiment.landscape.dense_up_to = 1", files=[], short=[], trust_config=True)
    assert (result["at"], result["dense"]) == ("checkpoint", False)
    assert np.isfinite(result["path"]["cosines"]["both"]).all()


def test_a_landscape_of_another_configuration_stays(tmp_path):
    first = landscape(tmp_path)
    with pytest.raises(jare_tf.InputError, match="landscape.json is the landscape of another configuration"):
        landscape(tmp_path, "MU = 6.0")
    assert landscape(tmp_path, "STEPS = 30") == first


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ("at = 'checkpoint'", "landscape: at = 'checkpoint': there is only the initialisation and the equilibrium in"),
        ("path_from = 'nowhere'", "landscape.path_from must be 'initialisation' or an integer"),
        ("draws = 1", "landscape.draws must be an integer of at least 2"),
        ("path_points = 1", "landscape.path_points must be an integer of at least 2"),
    ],
)
def test_mistakes(tmp_path, binding, message):
    with pytest.raises(jare_tf.InputError, match=message):
        run(tmp_path, f"experiment.landscape.{binding}", mode="landscape", short=SHORT)
    assert not tf.io.gfile.exists(str(tmp_path / "landscape.json"))
