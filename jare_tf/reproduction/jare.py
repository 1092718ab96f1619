"""Figures and tables of JARE (Nie & Patel 2019) about games of few parameters, and about Jacobians."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jare_tf.report import curves, pictures
from jare_tf.reproduction.theory_figures import orthogonal
from jare_tf.reproduction.workspace import UNDECIDED, Claim, Result, TrainedRun, Value, Workspace, turning_points
from jare_tf.theory import closed_form, eigenvalues

METHODS = {"SimGD": "simgd", "ConOpt": "conopt", "JARE": "jare"}
_LEARNING_RATE = 0.001  # of base/isotropic_gaussian.gin
PLAYERS = ("discriminator", "generator")
OURS = "JARE"

Games = Mapping[str, Mapping[str, Sequence[TrainedRun]]]  # by title and method, a run for each seed


def isotropic(workspace: Workspace, mean: float, sigma: float) -> dict[str, list[TrainedRun]]:
    """Runs of the isotropic Gaussian by method, a run for each seed."""
    return {
        label: [
            workspace.train(f"isotropic_gaussian/{name}.gin", f"MU = {mean}", f"SIGMA = {sigma}", seed=seed)
            for seed in workspace.first_if_smoke((0, 1, 2))
        ]
        for label, name in METHODS.items()
    }


def _distance(run: TrainedRun, player: str) -> np.ndarray:
    return run.curve(f"parameter_distance/{player}")[1]


def _left(run: TrainedRun, player: str) -> float:
    """A player's last distance over its first."""
    distance = _distance(run, player)
    return float(distance[-1] / distance[0])


def _relative(run: TrainedRun) -> np.ndarray:
    """‖(θ, φ − v)‖ over that in the first row."""
    error = np.hypot(*(_distance(run, player) for player in PLAYERS))
    return error / error[0]


def _error_left(run: TrainedRun) -> float:
    """‖(θ, φ − v)‖ at the end of a run, over that at its beginning."""
    return float(_relative(run)[-1])


def _games_drawn(games: Games, side_by_side: bool = False) -> tuple[curves.Figure, list[dict]]:
    """A column for each game, the discriminator's distances above the generator's or beside them, and the table."""
    tag = "parameter_distance/{}".format
    norms = {"discriminator": "‖θ‖", "generator": "‖φ − v‖"}
    grid = [
        [
            curves.Panel(
                title.rstrip(", "),
                {label: [run.curve(tag(player)) for run in runs] for label, runs in game.items()},
                f"{norms[player]}, {player}",
            )
            for title, game in games.items()
        ]
        for player in PLAYERS
    ]
    data = [
        {"game": title.rstrip(", "), "method": label, "seed": seed, "step": int(step), "d_norm": d, "g_norm": g}
        for title, game in games.items()
        for label, runs in game.items()
        for seed, run in enumerate(runs)
        for step, d, g in zip(*run.curve(tag("discriminator")), _distance(run, "generator"), strict=True)
    ]
    return curves.panels([sum(grid, [])] if side_by_side else grid, same_y=True), data


def fig1(workspace: Workspace) -> Result:
    """Distances to the equilibrium on the isotropic Gaussian, μ = 4, σ² = 0.04."""
    game = isotropic(workspace, 4.0, 0.2)
    picture, data = _games_drawn({"": game}, side_by_side=True)
    source = "section 7, Isotropic Gaussian"
    turns = {
        label: [turning_points(_distance(run, player)) for run in game[label] for player in PLAYERS] for label in game
    }
    left = {label: [_error_left(run) for run in game[label]] for label in game}
    ends = {label: [_distance(run, "generator")[-1] for run in game[label]] for label in game}
    slower = min(a / b for a, b in zip(ends["ConOpt"], ends[OURS], strict=True))
    relative = [_left(run, player) for run in game[OURS] for player in PLAYERS]
    return Result(
        picture,
        data,
        [
            Claim(
                "for SimGD the training curves oscillate with very weak damping",
                source,
                {"fewest turning points of a curve": min(turns["SimGD"]), "least error left": min(left["SimGD"])},
                min(turns["SimGD"]) >= 1 and min(left["SimGD"]) > 0.5,
            ),
            Claim(
                "oscillations disappear with ConOpt",
                source,
                {"most turning points of a curve": max(turns["ConOpt"])},
                max(turns["ConOpt"]) <= 1,
            ),
            Claim(
                "ConOpt's generator is heavily slowed down",
                source,
                {"its last distance to the equilibrium over JARE's, least of the seeds": slower},
                slower > 5,
            ),
            Claim(
                "JARE has a decent convergence rate for both players",
                source,
                {"last distance over first, largest of players and seeds": max(relative)},
                max(relative) < 0.1,
            ),
        ],
    )


def fig5(workspace: Workspace) -> Result:
    """Distances to the equilibrium on the isotropic Gaussian, μ = 2, 4 and 6, σ = 0.2.

    The text names 6 alone, and 4 in Fig. 1.
    """
    games = {mean: isotropic(workspace, mean, 0.2) for mean in workspace.first_if_smoke((2.0, 4.0, 6.0), 2)}
    picture, data = _games_drawn({f"μ = {mean:g}, ": game for mean, game in games.items()})
    source = "section 7 and Fig. 5"
    left = {
        label: {
            f"μ = {mean:g}": float(np.mean([_error_left(run) for run in game[label]])) for mean, game in games.items()
        }
        for label in METHODS
    }
    growing = {label: bool(np.all(np.diff(list(left[label].values())) > 0)) for label in METHODS}
    largest = list(games.values())[-1]
    blown_up = [_left(run, "generator") for run in largest["ConOpt"]]
    at_4 = [_left(run, "generator") for run in games[4.0]["ConOpt"]]
    steps = {
        mean: eigenvalues.largest_stable_step(closed_form.SimpleGame(sigma=0.2, mean=(0.0, mean)).con_opt(10.0))
        for mean in (4.0, 6.0)
    }
    ours = [_left(run, player) for game in games.values() for run in game[OURS] for player in PLAYERS]
    return Result(
        picture,
        data,
        [
            *(
                Claim(f"{label} converges more slowly as μ grows", source, left[label], growing[label])
                for label in ("SimGD", "ConOpt")
            ),
            Claim(
                "at μ = 6 ConOpt's generator blows up",
                source,
                {
                    "last distance over first, least of the seeds": min(blown_up),
                    "at μ = 4, largest of the seeds": max(at_4),
                    "largest stable step of ConOpt's Jacobian at μ = 6": steps[6.0],
                    "at μ = 4": steps[4.0],
                    "learning rate": _LEARNING_RATE,
                },
                min(blown_up) > 1 > max(at_4) and steps[6.0] < _LEARNING_RATE < steps[4.0],
            ),
            Claim(
                "JARE converges for every μ",
                source,
                {"last distance over first, largest of players and seeds": max(ours)},
                max(ours) < 0.1,
            ),
        ],
    )


def fig6(workspace: Workspace) -> Result:
    """Distances to the equilibrium on the isotropic Gaussian, σ = 0.1, 0.2 and 0.4, μ = 2.

    The text names none of these σ: they are ours.
    """
    games = {sigma: isotropic(workspace, 2.0, sigma) for sigma in workspace.first_if_smoke((0.1, 0.2, 0.4), 2)}
    _, data = _games_drawn({f"σ = {sigma:g}, ": game for sigma, game in games.items()})
    relative = lambda run, player: (run.curve(f"parameter_distance/{player}")[0], _relative(run))
    picture = curves.panels(
        [
            [
                curves.Panel(
                    label,
                    {
                        f"σ = {sigma:g}": [relative(run, "generator") for run in game[label]]
                        for sigma, game in games.items()
                    },
                    "‖(θ, φ − v)‖ over that at the start",
                )
                for label in METHODS
            ]
        ]
    )
    left = {
        f"error left at σ = {sigma:g}": float(np.mean([_error_left(run) for run in game["SimGD"]]))
        for sigma, game in games.items()
    }
    stronger = bool(np.all(np.diff(list(left.values())) < 0))
    ours = [_left(run, player) for game in games.values() for run in game["JARE"] for player in PLAYERS]
    ends = {
        label: [_distance(run, "generator")[-1] for game in games.values() for run in game[label]] for label in METHODS
    }
    slower = min(a / b for a, b in zip(ends["ConOpt"], ends["JARE"], strict=True))
    return Result(
        picture,
        data,
        [
            Claim("the damping in SimGD becomes stronger as σ grows", "Fig. 6", left, stronger),
            Claim(
                "JARE converges for every σ",
                "Fig. 6",
                {"last distance over first, largest of players and seeds": max(ours)},
                max(ours) < 0.1,
            ),
            Claim(
                "ConOpt's generator is slowed down for every σ",
                "Fig. 6",
                {"its last distance over JARE's, least of σ and seeds": slower},
                slower >= 5,
            ),
        ],
    )


# That of mixture_jare_code/: in the text's own, mixture_jare_paper/, ConOpt and JARE cover no mode.
_SETTING = "in the published code's setting"


def mixture(
    workspace: Workspace, radius: float, method: str, gamma: float | None = None, seeds: Sequence[int] = (0,)
) -> list[TrainedRun]:
    """Runs on the ring of eight Gaussians in the published code's setting, a run for each seed."""
    overrides = [f"RADIUS = {radius}", *([] if gamma is None else [f"GAMMA = {gamma}"])]
    return [
        workspace.train(f"mixture_jare_code/{method}.gin", *overrides, seed=seed)
        for seed in workspace.first_if_smoke(seeds)
    ]


def densities(runs: Mapping[str, Sequence[TrainedRun]]) -> tuple[pictures.Figure, list[dict]]:
    """The first seed's densities over the iterations, and modes covered as the rows of a table."""
    samples = {label: of_label[0].drawn() for label, of_label in runs.items()}
    steps = max(samples.values(), key=len)
    picture = pictures.table(
        {label: list(of_label.values()) for label, of_label in samples.items()}, [f"{step:,}" for step in steps]
    )
    tags = ("modes_covered", "high_quality_fraction")
    data = [
        {"method": label, "seed": seed, "step": row["step"], **{tag: row[tag] for tag in tags}}
        for label, of_label in runs.items()
        for seed, run in enumerate(of_label)
        for row in run.rows()
        if all(tag in row for tag in tags)
    ]
    return picture, data


def mode_changes(run: TrainedRun) -> int:
    """How often the number of modes covered changes along a run."""
    return int(np.count_nonzero(np.diff(run.curve("modes_covered")[1])))


def covers(run: TrainedRun) -> bool:
    """Whether a run ends on all eight modes."""
    return run.not_finite is None and run.last("modes_covered") == 8


def converges(label: str, source: str, runs: Sequence[TrainedRun]) -> list[Claim]:
    """That a method covers all modes and stays, and that it converges to the mixture, of which 0.989 is within 3 σ."""
    fifth = lambda run: run.curve("modes_covered")[1][-max(1, len(run.curve("modes_covered")[1]) // 5) :]
    fewest = min(0 if run.not_finite else int(fifth(run).min()) for run in runs)
    quality = min(run.last("high_quality_fraction") for run in runs)
    divergence = max(run.last("reverse_kl") for run in runs)
    modes: dict[str, Value] = {"fewest modes covered in the last fifth, all seeds": fewest}
    shape: dict[str, Value] = {
        "least fraction within 3 σ of a mode at the end": quality,
        "largest reverse KL divergence over the modes": divergence,
    }
    return [
        Claim(f"{label} covers all modes and stays on them", source, modes, fewest == 8),
        Claim(
            f"{label} converges to the target distribution",
            source,
            modes | shape,
            fewest == 8 and quality >= 0.89 and divergence <= 0.05,
        ),
    ]


def fig2(workspace: Workspace) -> Result:
    """Densities on the mixture of Gaussians in the published code's setting, r = 2, γ = 10."""
    seeds = workspace.by_scale(smoke=(0,), cpu=(0, 1), paper=(0, 1, 2))
    runs = {
        label: mixture(workspace, 2.0, name, None if name == "simgd" else 10.0, seeds)
        for label, name in METHODS.items()
    }
    picture, data = densities(runs)
    source = f"section 7, Mixture of Gaussians; {_SETTING}"
    covered = {label: [int(run.last("modes_covered")) for run in of_label] for label, of_label in runs.items()}
    changes = [mode_changes(run) for run in runs["SimGD"]]
    return Result(
        picture,
        data,
        [
            Claim(
                "SimGD oscillates among the modes and fails to converge",
                source,
                {
                    "most modes covered at the end": max(covered["SimGD"]),
                    "fewest changes of their number": min(changes),
                },
                max(covered["SimGD"]) < 8 and min(changes) >= 2,
            ),
            *(claim for label in ("ConOpt", OURS) for claim in converges(label, source, runs[label])),
        ],
    )


def _harder(workspace: Workspace, radius: float) -> Result:
    seeds = (0, 1, 2)
    runs = {"SimGD": mixture(workspace, radius, "simgd", seeds=seeds)}
    for label, name in (("ConOpt", "conopt"), ("JARE", "jare")):
        runs |= {f"{label}, γ = {gamma:g}": mixture(workspace, radius, name, gamma, seeds) for gamma in (10.0, 1000.0)}
    picture, data = densities(runs)
    median = lambda of, tag: float(np.median([run.last(tag) for run in of]))
    last = {label: (median(of, "modes_covered"), median(of, "high_quality_fraction")) for label, of in runs.items()}
    better = lambda one, other: one[0] > other[0] or (one[0] == other[0] and one[1] >= 1.1 * other[1])
    anyone = any(modes for modes, _ in last.values())
    measured = {
        f"{label}: {what}": value
        for label, values in last.items()
        for what, value in zip(("median modes", "median fraction within 3 σ"), values, strict=True)
    }
    ours, source = last["JARE, γ = 1000"], f"section 7 and Appendix F.2; {_SETTING}"
    same, best = last["ConOpt, γ = 1000"], max(last["ConOpt, γ = 10"], last["ConOpt, γ = 1000"])
    return Result(
        picture,
        data,
        [
            Claim(
                "JARE with γ = 1000 is better than ConOpt with that γ",
                source,
                measured,
                better(ours, same) if anyone else UNDECIDED,
            ),
            Claim(
                "JARE with γ = 1000 is slightly better than ConOpt with either γ",
                source,
                measured,
                better(ours, best) if anyone else UNDECIDED,
            ),
        ],
    )


def fig7(workspace: Workspace) -> Result:
    """Densities on the mixture of Gaussians in the published code's setting with γ = 10 and 1000, r = 2."""
    return _harder(workspace, 2.0)


def fig8(workspace: Workspace) -> Result:
    """Densities on the mixture of Gaussians in the published code's setting with γ = 10 and 1000, r = 10."""
    return _harder(workspace, 10.0)


def table1(workspace: Workspace) -> Result:
    """What the Jacobians of SimGD and JARE need to be well-conditioned: random P and Q, γ = 10⁴."""
    draws = workspace.by_scale(smoke=2, cpu=20, paper=20)
    rows = [row for draw in range(draws) for row in _table1_rows(np.random.default_rng(draw), draw)]
    cases, methods = (list(dict.fromkeys(row[name] for row in rows)) for name in ("case", "method"))
    of = lambda case, method: [row for row in rows if row["case"] == case and row["method"] == method]
    holds = {key: [row["phase factor"] <= 10 and row["conditioning"] <= 100 for row in of(*key)]
             for key in itertools.product(cases, methods)}  # fmt: skip
    worst = lambda case, method, name: max(row[name] for row in of(case, method))

    def cell(case: str, method: str) -> str:
        sign = {1.0: "✓", 0.0: "✗"}.get(float(np.mean(holds[case, method])), "in part")
        return f"{sign}   ζ {worst(case, method, 'phase factor'):.3g}, τ {worst(case, method, 'conditioning'):.3g}"

    shown = [{"P and Q": case, **{method: cell(case, method) for method in methods}} for case in cases]
    wanted = {"SimGD": cases[1:], OURS: ["PᵀP is ill-conditioned"]}
    claims = [
        Claim(
            f"what stable {method} requires",
            "Table 1",
            {f"draws of {draws} with ζ ≤ 10 and τ ≤ 100, {case}": int(np.sum(holds[case, method])) for case in cases},
            all(not any(holds[case, method]) if case in bad else all(holds[case, method]) for case in cases),
        )
        for method, bad in wanted.items()
    ]
    return Result(pictures.text_table(shown), rows, claims)


def _table1_rows(rng: np.random.Generator, draw: int, size: int = 8) -> list[dict[str, Any]]:
    """ζ and τ = max|λ|/min|λ| of one random P and Q, whose three bases are independent, in every case of the table."""
    left, right, basis = (orthogonal(rng, size) for _ in range(3))
    even, uneven = np.geomspace(1, 1.2, size), np.geomspace(1e-3, 1, size)
    p = lambda values: left @ np.diag(values) @ right.T
    q = lambda values: -2 * basis @ np.diag(values) @ basis.T
    cases = {
        "all requirements hold": (p(even), q(even)),
        "Q is ill-conditioned": (p(even), q(uneven)),
        "PᵀP is ill-conditioned": (p(uneven), q(even)),
        "Q does not match PᵀP: too small": (p(even), q(even / 100)),
        "Q does not match PᵀP: too large": (p(even), q(even * 100)),
    }
    rows: list[dict[str, Any]] = []
    for case, matrices in cases.items():
        for method, gamma in (("SimGD", 0.0), (OURS, 1e4)):
            values = np.linalg.eigvals(closed_form.general_jare(*matrices, gamma))
            factors = {
                "phase factor": eigenvalues.phase_factor(values),
                "conditioning": eigenvalues.conditioning(values),
            }
            rows.append({"case": case, "method": method, "draw": draw, **factors})
    return rows
