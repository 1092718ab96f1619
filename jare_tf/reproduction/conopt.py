"""Figures of consensus optimization, ConOpt (Mescheder et al. 2017); from 6 on its supplement's."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

import jare_tf
from jare_tf.report import curves, line_panels, pictures
from jare_tf.report.line_panels import LinePanel
from jare_tf.reproduction.jare import converges, densities, mode_changes
from jare_tf.reproduction.theory_figures import gaussian_jacobian, largest_step_by_bisection
from jare_tf.reproduction.workspace import UNDECIDED, Claim, NotRun, Result, TrainedRun, Workspace
from jare_tf.theory import eigenvalues

_METHODS = {"SimGD": "simgd", "AltGD": "altgd", "ConOpt": "conopt", "smoothing": "smoothing"}
_ARCHITECTURES = {
    "DC-GAN": "dcgan4",
    "no batch norm": "dcgan4_nobn",
    "constant filters": "dcgan4_nobn_cf",
    "JS": "dcgan4_nobn_cf_js",
}
_DENSE = {
    "DC-GAN": "dcgan4_dense",
    "no batch norm": "dcgan4_nobn_dense",
    "constant filters": "dcgan4_nobn_cf_dense",
    "JS": "dcgan4_nobn_cf_dense_js",
}
_CPU = ("FILTERS = 8", "STEPS = 3000", "SAVE_EVERY = 1000", "SAMPLE_EVERY = 1000", "LOG_EVERY = 50")
_CPU_RATE = "LEARNING_RATE = 8e-4"  # for an eighth of the filters
# Of Figs. 12 to 14 the text names 2e-4, 0.1 and 10; the others are ours.
RATES = (5e-5, 1e-4, 2e-4, 5e-4)
GAMMAS = (0.1, 1.0, 10.0, 100.0)


def fig1(workspace: Workspace) -> Result:
    """How far a step may go: 1 + ηλ of the plain and of the regularised field on the isotropic Gaussian, σ = 0.2."""
    data = [
        _largest_step(mean, gamma)
        for mean in (0.0, 4.0)
        for gamma in workspace.first_if_smoke((0.0, 10.0, 0.1, 0.3, 1.0, 3.0, 30.0, 100.0), 2)
    ]
    at = {(row["μ"], row["γ"]): row for row in data}
    data.sort(key=lambda row: (row["μ"], row["γ"]))
    plain, ours, far = at[0.0, 0.0], at[0.0, 10.0], at[4.0, 10.0]
    etas = np.linspace(0, 0.95, 60)
    paths, points = {}, {}
    for label, row in (("SimGD", plain), (f"ConOpt, γ = {ours['γ']:g}", ours)):
        value = complex(row["Re λ"], row["Im λ"])
        ends = np.array([1 + step * z for z in (value, value.conjugate()) for step in (row["largest stable step"],)])
        both = np.concatenate([1 + etas[::-1] * value.conjugate(), 1 + etas * value])
        paths[label], points[label] = (both.real, both.imag), (ends.real, ends.imag)
    over = {
        f"μ = {mean:g}": (
            [row["γ"] for row in data if row["μ"] == mean and row["γ"]],
            [row["largest stable step"] for row in data if row["μ"] == mean and row["γ"]],
        )
        for mean in (0.0, 4.0)
    }
    panels = [
        LinePanel("1 + ηλ at μ = 0, η from 0 to 0.95; markers: largest stable η", "real part", "imaginary part", paths,
                  points, circle=True),
        LinePanel("ConOpt", "γ", "largest stable step η", over, {}, "log", "log",
                  {"SimGD, μ = 0 and 4": plain["largest stable step"]}),
    ]  # fmt: skip
    deviation = max(abs(row["largest stable step"] / row["eq. 10"] - 1) for row in data)
    found = {
        "ζ": plain["ζ"],
        "largest stable step of the implemented rule": plain["largest stable step"],
        "were λ real": 2 / abs(complex(plain["Re λ"], plain["Im λ"])),
        "largest deviation from eq. 10, all points": deviation,
    }
    return Result(
        line_panels.draw([panels]),
        data,
        [
            Claim(
                "close to the imaginary axis only extremely small steps are stable",
                "Fig. 1 and Lemma 4",
                found,
                deviation < 1e-6 and plain["largest stable step"] < 0.1 * found["were λ real"],
            ),
            Claim(
                "consensus optimization moves eigenvalues to the left, so that reasonable steps converge",
                "Fig. 1",
                {
                    "Re λ of SimGD, μ = 0": plain["Re λ"],
                    f"of ConOpt, γ = {ours['γ']:g}": ours["Re λ"],
                    "largest stable step of SimGD": plain["largest stable step"],
                    "of ConOpt": ours["largest stable step"],
                    "of ConOpt at μ = 4, where the text says nothing": far["largest stable step"],
                },
                ours["Re λ"] < plain["Re λ"] and ours["largest stable step"] >= 5 * plain["largest stable step"],
            ),
        ],
    )


def _largest_step(mean: float, gamma: float) -> dict[str, float]:
    """Of the implemented rule on the isotropic Gaussian: the rightmost eigenvalue, and the largest stable step."""
    a = gaussian_jacobian(mean, 0.2, jare_tf.con_opt(gamma=gamma) if gamma else jare_tf.sim_gd())
    values = np.linalg.eigvals(a)
    least = values[np.argmax(values.real)]
    return {
        "μ": mean,
        "γ": gamma,
        "Re λ": float(least.real),
        "Im λ": float(abs(least.imag)),
        "ζ": eigenvalues.phase_factor(values),
        "largest stable step": largest_step_by_bisection(a),
        "eq. 10": eigenvalues.largest_stable_step(values),
    }


def mixture(workspace: Workspace, method: str) -> list[TrainedRun]:
    """Runs on the circle of eight Gaussians, a run for each seed."""
    narrow = ["networks.mlp.generator.width = 4", "networks.mlp.discriminator.width = 4"]  # a spectrum in seconds
    not_in_name = workspace.by_scale(smoke=narrow, cpu=[], paper=[])
    return [
        workspace.train(f"mixture_conopt_paper/{method}.gin", not_in_name=not_in_name, seed=seed)
        for seed in workspace.first_if_smoke((0, 1, 2))
    ]


def fig2(workspace: Workspace) -> Result:
    """Densities on the circle of eight Gaussians after 0, 5,000, 10,000 and 20,000 iterations."""
    runs = {"SimGD": mixture(workspace, "simgd"), "ConOpt": mixture(workspace, "conopt")}
    picture, data = densities(runs)
    covered = {label: [int(run.last("modes_covered")) for run in of] for label, of in runs.items()}
    changes = min(map(mode_changes, runs["SimGD"]))
    return Result(
        picture,
        data,
        [
            Claim(
                "SimGD jumps around the modes and fails to converge",
                "section 5 and Fig. 2",
                {"most modes covered at the end": max(covered["SimGD"]), "fewest changes of their number": changes},
                max(covered["SimGD"]) < 8 and changes >= 2,
            ),
            *converges("ConOpt", "section 5 and Fig. 2", runs["ConOpt"]),
        ],
    )


def fig3(workspace: Workspace) -> Result:
    """Eigenvalues of the plain and of the regularised field, before and after training."""
    run = mixture(workspace, "conopt")[0]
    found = {}
    for one in workspace.spectrum(run)["shown"]:
        field = "v'" if one["rule"] == "sim_gd()" else "w'"
        at = "before" if one["point"] == "before training" else "after"
        found[field, at] = np.array([complex(*pair) for pair in one["eigenvalues"]])
    data = [
        {"field": field, "training": at, "Re λ": value.real, "Im λ": value.imag}
        for (field, at), of in found.items()
        for value in eigenvalues.nonzero(of)
    ]
    share = {key: _close_to_imaginary_axis(of) for key, of in found.items()}
    large = {field: eigenvalues.nonzero(found[field, "after"], 0.01).real for field in ("v'", "w'")}
    norm = np.hypot(*(run.curve(f"gradient_norm/{player}")[1] for player in ("discriminator", "generator")))
    near = float(norm[-1] / norm[0])
    to_the_left = np.median(large["w'"]) < np.median(large["v'"]) and large["w'"].max() <= 0
    source = "section 5 and Fig. 3"
    panels = [
        LinePanel(
            f"{field} {at} training: {share[field, at]:.0%} with |Im λ/Re λ| ≥ 10", "Re λ", "Im λ", {},
            {field: (found[field, at].real, found[field, at].imag)},
        )
        for field in ("v'", "w'") for at in ("before", "after")
    ]  # fmt: skip
    return Result(
        line_panels.draw([panels[:2], panels[2:]]),
        data,
        [
            Claim(
                "near the equilibrium most eigenvalues of v' are close to the imaginary axis, those of w' are not",
                source,
                {
                    f"share with |Im λ/Re λ| ≥ 10 of |Im λ| > max|Im λ|/100, {field} {at} training": value
                    for (field, at), value in share.items()
                },
                share["v'", "after"] > 0.5 > share["w'", "after"] and share["v'", "after"] > share["v'", "before"],
            ),
            Claim(
                "consensus optimization moves the eigenvalues to the left",
                source,
                {f"median Re λ of |λ| > max|λ|/100, {field}": float(np.median(of)) for field, of in large.items()}
                | {"largest Re λ of those of w'": float(large["w'"].max()), "‖ξ‖ at the end over the first": near},
                bool(to_the_left) if near <= 0.1 else UNDECIDED,
            ),
        ],
    )


def _close_to_imaginary_axis(values: np.ndarray) -> float:
    """Of the eigenvalues with |Im λ| > max|Im λ|/100, which linear axes show, the share with |Im λ/Re λ| ≥ 10."""
    shown = values[np.abs(values.imag) > np.abs(values.imag).max() / 100]
    return float(np.mean(np.abs(shown.imag) >= 10 * np.abs(shown.real))) if len(shown) else 0.0


def _train(workspace: Workspace, name: str, *overrides: str, rate: bool = True) -> TrainedRun:
    """A run on CIFAR-10 with checkpoints to score along it."""
    paper = workspace.by_scale(smoke=[], cpu=[], paper=["SAVE_EVERY = 1000"])
    cpu = [*_CPU, *([_CPU_RATE] if rate else [])]
    return workspace.train_images(f"cifar10_conopt_paper/{name}.gin", *overrides, *paper, cpu=cpu, keep=150)


def _score_curve(workspace: Workspace, run: TrainedRun, tag: str = "inception_score") -> tuple[np.ndarray, np.ndarray]:
    """Steps, and a score there."""
    return tuple(np.transpose([(row["step"], row[tag]) for row in workspace.scores(run)]))


def fig4(workspace: Workspace) -> Result:
    """Samples of ConOpt on CIFAR-10, and on CelebA where the scale is the paper's."""
    runs = {"CIFAR-10": _train(workspace, "dcgan4_nobn_conopt")}
    if workspace.scale != "cpu":
        runs["CelebA"] = workspace.train_images("celeba/resnet_cf_conopt.gin", side=64)
    scores = {label: workspace.scores(run)[-1] for label, run in runs.items()}
    picture = pictures.table({"ConOpt": [run.last_picture() for run in runs.values()]}, list(runs))
    measured = {f"inception score, {label}": score["inception_score"] for label, score in scores.items()}
    learned = all(workspace.trained(score["inception_score"]) for score in scores.values())
    data = [{"data": label, **score} for label, score in scores.items()]
    return Result(picture, data, [Claim("ConOpt successfully trains the models", "section 5", measured, learned)])


def _losses_and_scores(workspace: Workspace, layers: int, claim: str, better: Callable[[float], bool]) -> Result:
    """Losses and inception score of ConOpt without batch norm and of AltGA with it."""
    runs = {
        "AltGD": _train(workspace, f"dcgan{layers}_altgd"),
        "ConOpt": _train(workspace, f"dcgan{layers}_nobn_conopt"),
    }
    tags = {"loss/generator": "loss of the generator", "loss/discriminator": "loss of the discriminator"}
    scores = {label: _score_curve(workspace, run) for label, run in runs.items()}
    panels = [
        curves.Panel(title, {label: [run.curve(tag)] for label, run in runs.items()}) for tag, title in tags.items()
    ]
    panels.append(curves.Panel("inception score", {label: [curve] for label, curve in scores.items()}))
    data = [
        {"method": label, "step": row["step"], **{tag: row[tag] for tag in tags}}
        for label, run in runs.items()
        for row in run.rows()
    ]
    half = lambda values: values[len(values) // 2 :]
    spread = {(label, tag): float(np.std(half(run.curve(tag)[1]))) for label, run in runs.items() for tag in tags}
    trained = [workspace.trained(float(curve[1][-1])) for curve in scores.values()]
    last = {label: float(curve[1][-1]) for label, curve in scores.items()}
    return Result(
        curves.panels([panels]),
        data,
        [
            Claim(
                "AltGD's losses fluctuate highly, ConOpt's are almost constant",
                "section 5",
                {f"standard deviation of {tag}, second half, {label}": s for (label, tag), s in spread.items()},
                all(spread["ConOpt", tag] < spread["AltGD", tag] / 2 for tag in tags) if all(trained) else UNDECIDED,
            ),
            Claim(
                claim,
                "section 5",
                {f"last inception score, {label}": s for label, s in last.items()},
                better(last["ConOpt"] / last["AltGD"]) if any(trained) else UNDECIDED,
            ),
        ],
    )


def fig5(workspace: Workspace) -> Result:
    """Losses and inception score, three layers."""
    return _losses_and_scores(
        workspace, 3, "ConOpt achieves slightly better end results", lambda ratio: 1 < ratio <= 1.1
    )


def fig11(workspace: Workspace) -> Result:
    """Losses and inception score, four layers."""
    return _losses_and_scores(workspace, 4, "ConOpt achieves much better end results", lambda ratio: ratio > 1.1)


def _architectures(
    workspace: Workspace, methods: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, dict[str, TrainedRun]]:
    pairs = (
        workspace.first_if_smoke(list(methods.items()), 3)[-2:] if workspace.scale == "smoke" else list(methods.items())
    )
    return {
        title: {label: _train(workspace, f"{name}_{method}") for label, method in pairs}
        for title, name in workspace.first_if_smoke(list(names.items()))
    }


def _trains(workspace: Workspace, last: Mapping[str, Mapping[str, float]]) -> list[Claim]:
    """What the supplement says about ConOpt across architectures, from last inception scores."""
    rest = {title: of for title, of in last.items() if title != "DC-GAN"}
    others = {title: of["ConOpt"] / max(of.values()) for title, of in rest.items()}
    anyone = any(workspace.trained(score) for of in rest.values() for score in of.values())
    ours = all(workspace.trained(of["ConOpt"]) for of in rest.values())
    with_norm = last["DC-GAN"]
    return [
        Claim(
            "ConOpt struggles with the DC-GAN with batch norm",
            "Fig. 6",
            {f"last inception score, {label}": value for label, value in with_norm.items()},
            with_norm["ConOpt"] < 0.8 * max(with_norm.values()),
        ),
        Claim(
            "ConOpt successfully trains all the others",
            "Fig. 6",
            {f"its inception score over the best, {title}": value for title, value in others.items()},
            ours and all(value > 0.9 for value in others.values()) if anyone else UNDECIDED,
        ),
    ]


def _last_scores(workspace: Workspace, runs: Mapping[str, Mapping[str, TrainedRun]]) -> dict[str, dict[str, float]]:
    return {
        title: {label: workspace.scores(run)[-1]["inception_score"] for label, run in of.items()}
        for title, of in runs.items()
    }


def fig6(workspace: Workspace) -> Result:
    """Samples of three methods with four architectures and objectives."""
    runs = _architectures(workspace, {label: _METHODS[label] for label in ("SimGD", "AltGD", "ConOpt")}, _ARCHITECTURES)
    last = _last_scores(workspace, runs)
    labels = list(next(iter(runs.values())))
    picture = pictures.table(
        {label: [of[label].last_picture() for of in runs.values()] for label in labels}, list(runs)
    )
    data = [{"architecture": title, **of} for title, of in last.items()]
    return Result(picture, data, _trains(workspace, last))


def _scores_over_time(workspace: Workspace, names: Mapping[str, str]) -> tuple[Result, dict[str, dict[str, float]]]:
    runs = _architectures(workspace, _METHODS, names)
    scores = {title: {label: _score_curve(workspace, run) for label, run in of.items()} for title, of in runs.items()}
    panels = [curves.Panel(title, {label: [curve] for label, curve in of.items()}) for title, of in scores.items()]
    last = {title: {label: float(curve[1][-1]) for label, curve in of.items()} for title, of in scores.items()}
    data = [
        {"architecture": title, "method": label, "step": int(step), "inception_score": value}
        for title, of in scores.items()
        for label, curve in of.items()
        for step, value in zip(*curve, strict=True)
    ]
    return Result(curves.panels([panels]), data, _trains(workspace, last)), last


def fig7(workspace: Workspace) -> Result:
    """Inception score over iterations of Fig. 6 and of the smoothing optimizer."""
    result, last = _scores_over_time(workspace, _ARCHITECTURES)
    ratios = {title: of["ConOpt"] / of.get("smoothing", np.inf) for title, of in last.items() if title != "DC-GAN"}
    measured = {f"ConOpt's inception score over smoothing's, {title}": value for title, value in ratios.items()}
    better = sum(value > 1 for value in ratios.values()) > len(ratios) / 2
    claim = Claim("the smoothing optimizer usually performs worse than ConOpt", "Fig. 7", measured, better)
    return result._replace(claims=[*result.claims, claim])


def fig8(workspace: Workspace) -> Result:
    """Inception score over iterations with one more dense layer in the discriminator."""
    result, last = _scores_over_time(workspace, _DENSE)
    of = last.get("constant filters", {})
    claim = "smoothing fails with constant filters, where ConOpt succeeds"
    fails = bool(of) and of["smoothing"] < 0.8 * of["ConOpt"]
    return result._replace(claims=[*result.claims, Claim(claim, "Fig. 8", of, fails)])


def fig9(workspace: Workspace) -> Result:
    """Samples of ConOpt with five objectives of the generator."""
    names = {"standard": "", "JS": "_js", "KL": "_kl", "total variation": "_tv", "indicator": "_indicator"}
    runs = {
        title: _train(workspace, f"dcgan4_nobn_cf{suffix}_conopt")
        for title, suffix in workspace.first_if_smoke(list(names.items()), 2)
    }
    scores = {title: workspace.scores(run)[-1]["inception_score"] for title, run in runs.items()}
    picture = pictures.table({"ConOpt": [run.last_picture() for run in runs.values()]}, list(runs))
    measured = {f"last inception score, {title}": value for title, value in scores.items()}
    claim = "ConOpt can be used with a large variety of divergences"
    every = all(map(workspace.trained, scores.values())) and min(scores.values()) > 0.75 * max(scores.values())
    return Result(
        picture,
        [{"objective": t, "inception_score": s} for t, s in scores.items()],
        [Claim(claim, "Fig. 9", measured, every)],
    )


def fig10(workspace: Workspace) -> Result:
    """Samples of residual networks on CelebA by three methods."""
    if workspace.scale == "cpu":
        raise NotRun("CelebA at 64 px needs a GPU, and a data set that has to be downloaded by hand")
    methods = {label: _METHODS[label] for label in ("ConOpt", "AltGD", "SimGD")}
    runs = {
        label: workspace.train_images(f"celeba/resnet_cf_{name}.gin", side=64)
        for label, name in workspace.first_if_smoke(list(methods.items()), 2)
    }
    fid = {label: workspace.scores(run)[-1]["fid"] for label, run in runs.items()}
    picture = pictures.table({"": [run.last_picture() for run in runs.values()]}, list(runs))
    measured = {f"Fréchet distance, {label}": value for label, value in fid.items()}
    trained = {label: workspace.trained(workspace.scores(run)[-1]["inception_score"]) for label, run in runs.items()}
    ours = trained["ConOpt"] and all(value > 2 * fid["ConOpt"] for label, value in fid.items() if label != "ConOpt")
    return Result(
        picture,
        [{"method": label, "fid": value} for label, value in fid.items()],
        [
            Claim(
                "only ConOpt's results are visually compelling",
                "Fig. 10",
                measured,
                ours if any(trained.values()) else UNDECIDED,
            )
        ],
    )


def _sweep(
    workspace: Workspace, names: Mapping[str, str], macro: str, values: Sequence[float], *overrides: str
) -> Result:
    """Inception scores over iterations for values of a macro, a panel a network. The paper draws no conclusion."""
    scores = {
        title: {
            f"{value:g}": _score_curve(workspace, _train(workspace, name, *overrides, f"{macro} = {value}", rate=False))
            for value in workspace.first_if_smoke(values, 2)
        }
        for title, name in workspace.first_if_smoke(list(names.items()))
    }
    panels = [curves.Panel(title, {label: [curve] for label, curve in of.items()}) for title, of in scores.items()]
    data = [
        {"network": title, macro: label, "step": int(step), "inception_score": score}
        for title, of in scores.items()
        for label, curve in of.items()
        for step, score in zip(*curve, strict=True)
    ]
    return Result(curves.panels([panels]), data, [])


def fig12(workspace: Workspace) -> Result:
    """Learning rates of AltGA, three and four layers."""
    names = {"3 convolutional layers": "dcgan3_altgd", "4 convolutional layers": "dcgan4_altgd"}
    return _sweep(workspace, names, "LEARNING_RATE", RATES)


_CONOPT = {"3 convolutional layers": "dcgan3_nobn_conopt", "4 convolutional layers": "dcgan4_nobn_conopt"}


def fig13(workspace: Workspace) -> Result:
    """Learning rates of ConOpt, three and four layers."""
    return _sweep(workspace, _CONOPT, "LEARNING_RATE", RATES)


def fig14(workspace: Workspace) -> Result:
    """γ of ConOpt, three and four layers, at learning rate 2e-4."""
    return _sweep(workspace, _CONOPT, "GAMMA", GAMMAS, "LEARNING_RATE = 2e-4")
