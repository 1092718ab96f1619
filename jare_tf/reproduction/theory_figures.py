"""Statements of the three papers that need no training, as pictures: closed forms, random matrices, small games."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import jare_tf
from jare_tf.game import precision
from jare_tf.game.networks import affine, linear_quadratic
from jare_tf.report import line_panels
from jare_tf.report.line_panels import LinePanel
from jare_tf.reproduction.workspace import Claim, Result, Value, Workspace
from jare_tf.theory import advice, closed_form, eigenvalues, spectrum, step_size
from jare_tf.theory.closed_form import SimpleGame
from jare_tf.types import Batch, Players, Point

_METHODS = {
    "SimGD": lambda game, gamma: game.sim_gd(),
    "ConOpt": SimpleGame.con_opt,
    "generator only": SimpleGame.generator_only,
    "discriminator only": SimpleGame.discriminator_only,
    "JARE": SimpleGame.jare,
}
_RULES = {
    "SimGD": lambda gamma: jare_tf.sim_gd(),
    "ConOpt": lambda gamma: jare_tf.con_opt(gamma=gamma),
    "generator only": lambda gamma: jare_tf.generator_only(gamma=gamma),
    "discriminator only": lambda gamma: jare_tf.discriminator_only(gamma=gamma),
    "JARE": lambda gamma: jare_tf.jare(gamma=gamma),
}
_DECADES = (1.0, 10.0, 100.0, 1000.0)


@functools.cache  # tracing one takes a second
def gaussian_jacobian(mean: float, sigma: float, rule: jare_tf.Rule) -> np.ndarray:
    """A of an implemented rule at the equilibrium of JARE's isotropic Gaussian, v = (0, mean), [4, 4].

    The samples ±σ√2 along both axes have the exact mean and covariance, so that this is the expectation.
    """
    spread = sigma * np.sqrt(2) * np.concatenate([np.eye(2), -np.eye(2)])
    batch = Batch(real=tf.constant(spread + [0.0, mean]), latent=tf.constant(spread))
    with precision.float64():
        networks = affine.generator(mean=(0.0, mean), offset=0.0), affine.discriminator(offset=0.0)
        game = jare_tf.TwoPlayerGame(*networks, jare_tf.Minimax())
    return -spectrum.linearize(game, rule, game.point(), batch).moves[0]


def theorem2(workspace: Workspace) -> Result:
    """Theorem 2 and Corollary 3: ζ, τ, steps and rates over γ, of every regulariser on the isotropic Gaussian."""
    game = SimpleGame(sigma=0.2, mean=(0.0, 4.0))
    gammas = np.geomspace(0.1, 1000, 81)
    data: list[dict[str, Any]] = []
    for label, of in _METHODS.items():
        for gamma in gammas:
            values = of(game, gamma)
            best = advice.best(values)
            data.append(
                {
                    "method": label,
                    "gamma": float(gamma),
                    "phase factor": eigenvalues.phase_factor(values),
                    "conditioning": eigenvalues.conditioning(values),
                    "largest stable step": best.largest_step,
                    "best step": best.step,
                    "rate at the best step": best.rate,
                    "iterations to a thousandth": eigenvalues.iterations(best.rate, 1e-3),
                }
            )
    titles = {
        "phase factor": "phase factor ζ (0 where a curve ends)",
        "conditioning": "conditioning τ",
        "largest stable step": "largest stable step η",
        "iterations to a thousandth": "iterations to a thousandth at the best η",
    }
    panels = [LinePanel("", "γ", title, _over(data, "gamma", name), {}, "log", "log") for name, title in titles.items()]
    picture = line_panels.draw([panels[:2], panels[2:]])
    zeta = lambda label, gamma: eigenvalues.phase_factor(_METHODS[label](game, gamma))
    tau = lambda label, gamma: eigenvalues.conditioning(_METHODS[label](game, gamma))
    falls = lambda of: bool(np.all(np.diff(of) <= 0))
    rises = lambda of: bool(np.all(np.diff(of) > 0))
    plain = tau("SimGD", 0.0)

    def only_phase(*labels: str) -> Claim:
        zetas = {label: [zeta(label, gamma) for gamma in (0.0, *_DECADES)] for label in labels}
        taus = {label: [tau(label, gamma) for gamma in _DECADES] for label in labels}
        measured: dict[str, Value] = {"τ of SimGD": plain}
        for label in labels:
            measured |= _at_decades(f"ζ of {label}", zetas[label][1:]) | _at_decades(f"τ of {label}", taus[label])
        return Claim(
            f"regularising with {' or '.join(labels)} alleviates the phase factor and worsens the conditioning",
            "Theorem 2",
            measured,
            all(falls(of) for of in zetas.values()) and all(rises([plain, *of]) for of in taus.values()),
        )

    ours = [zeta("JARE", gamma) for gamma in _DECADES], [tau("JARE", gamma) for gamma in _DECADES]
    steps = [advice.best(_METHODS["JARE"](game, gamma)).largest_step for gamma in (0.0, *_DECADES)]
    deviation = max(
        _deviation(np.linalg.eigvals(gaussian_jacobian(4.0, 0.2, _RULES[label](gamma))), _METHODS[label](game, gamma))
        for label in _METHODS
        for gamma in workspace.first_if_smoke(_DECADES)
    )
    return Result(
        picture,
        data,
        [
            only_phase("generator only", "discriminator only"),
            only_phase("ConOpt"),
            Claim(
                "JARE alleviates both: a large γ takes ζ to 0 and τ to 1",
                "Corollary 3",
                _at_decades("ζ", ours[0]) | _at_decades("τ", ours[1]),
                falls([zeta("SimGD", 0.0), *ours[0]]) and ours[0][-1] == 0 and falls(ours[1]) and ours[1][-1] < 2,
            ),
            Claim(
                "JARE's largest step size decreases as γ grows",
                "section 5.2",
                {"η_max at γ = 0": steps[0], **_at_decades("η_max", steps[1:])},
                falls(steps),
            ),
            Claim(
                "the implemented rules have the eigenvalues of the formulae",
                "Theorem 3, eqs. 25, 27, 29",
                {"largest relative deviation, five rules, four γ": deviation},
                deviation < 1e-6,
            ),
        ],
    )


def _over(data, x: str, y: str) -> dict[str, tuple[list[float], list[float]]]:
    """A curve for each method, where y is not 0, which has no place on a logarithmic axis."""
    labels = {label: label for label in _METHODS if label != "discriminator only"}
    labels["generator only"] = "generator only (the same: discriminator only)"
    rows = {name: [row for row in data if row["method"] == label and row[y] > 0] for label, name in labels.items()}
    return {label: ([row[x] for row in of], [row[y] for row in of]) for label, of in rows.items()}


def _at_decades(name: str, values) -> dict[str, Value]:
    return {f"{name} at γ = {gamma:g}": float(value) for gamma, value in zip(_DECADES, values, strict=True)}


def _deviation(values: np.ndarray, expected: np.ndarray) -> float:
    """How far each expected eigenvalue is from the nearest one, relative to its size; the largest."""
    return float(np.max(np.min(np.abs(values[:, None] - expected), axis=0) / np.abs(expected)))


def iterations(workspace: Workspace) -> Result:
    """Section 4: how many iterations SimGD needs on the isotropic Gaussian, as σ² falls and as ‖v‖ grows."""
    reduction = 1e-3
    cases = {
        "phase factor": [SimpleGame(sigma=float(np.sqrt(s)), mean=(0.0, 0.0)) for s in (1.0, 0.3, 0.1, 0.03, 0.01)],
        "conditioning": [SimpleGame(sigma=1.0, mean=(0.0, float(v))) for v in (2, 3, 4, 6, 8, 10)],
    }
    data: list[dict[str, Any]] = []
    for case, games in cases.items():
        for game in games:
            zeta, tau = game.jare_phase_factor(), game.jare_conditioning()
            bound = (
                closed_form.phase_iterations(zeta, reduction)
                if case == "phase factor"
                else closed_form.conditioning_iterations(tau, reduction)
            )
            x = game.sigma**2 if case == "phase factor" else game.mean[1]
            factor = zeta if case == "phase factor" else tau
            needed = iterations_needed(game, reduction)
            data.append({"case": case, "at": x, "factor": factor, "lower bound": bound, "iterations": needed})
    rows = {case: [row for row in data if row["case"] == case] for case in cases}
    per = -np.log(reduction)
    column = lambda case, name, scale=1.0: [row[name] / scale for row in rows[case]]
    panels = [
        LinePanel(
            title,
            xlabel,
            "iterations N / log(1/ε)",
            {"lower bound": (column(case, "at"), column(case, "lower bound", per))},
            {"SimGD without noise at its best step": (column(case, "at"), column(case, "iterations", per))},
            "log",
            "log",
            {"10⁴": 1e4},
        )
        for case, xlabel, title in (
            ("phase factor", "σ², v = 0", "Corollary 1"),
            ("conditioning", "‖v‖, σ² = 1", "Corollary 2"),
        )
    ]
    claims = []
    for case, where in (("phase factor", "σ² = 0.01"), ("conditioning", "‖v‖ = 10")):
        last = rows[case][-1]
        share = min(row["iterations"] / row["lower bound"] for row in rows[case] if row["lower bound"])
        claims.append(
            Claim(
                f"at {where} SimGD needs N ≥ O(10⁴ log 1/ε) iterations because of the {case}",
                "section 4",
                {
                    "ζ" if case == "phase factor" else "τ": last["factor"],
                    "lower bound over log 1/ε": last["lower bound"] / per,
                    "iterations without noise over log 1/ε": last["iterations"] / per,
                    "least ratio of iterations to the bound, all points": share,
                },
                5e3 <= last["lower bound"] / per <= 1e5 and share >= 1,
            )
        )
    return Result(line_panels.draw([panels]), data, claims)


def iterations_needed(game: SimpleGame, reduction: float) -> int:
    """Steps of SimGD, without noise and at its step of least rate, until the slowest error is `reduction` of the first.

    The error starts in the slowest eigenvectors, where Corollaries 1 and 2 have C₀ = C₁ = 1.
    """
    a = gaussian_jacobian(game.mean[1], game.sigma, jare_tf.sim_gd())
    values, vectors = np.linalg.eig(a)
    step = advice.best(values).step
    slowest = np.argmax(np.abs(1 + step * values))
    matrix, error = np.eye(len(a)) + step * a, vectors[:, slowest]
    largest = np.linalg.norm(error) * reduction
    # Powers by squaring find the last step before; the complex eigenvector's length falls in every step.
    powers = [matrix]
    while np.linalg.norm(powers[-1] @ error) > largest:
        powers.append(powers[-1] @ powers[-1])
    count = 0
    for exponent in range(len(powers) - 1, -1, -1):
        moved = powers[exponent] @ error
        if np.linalg.norm(moved) > largest:
            count, error = count + 2**exponent, moved
    return count + 1


def section6(workspace: Workspace) -> Result:
    """Section 6: in general GANs ζ and τ follow from how Q and PᵀP compare, of random P and Q."""
    rng = np.random.default_rng(0)
    draws = workspace.by_scale(smoke=2, cpu=200, paper=200)
    phase = {c: [_general(rng, c, "phase") for _ in range(draws)] for c in (4.0, 25.0, 100.0, 400.0)}
    conditioning = {c: [_general(rng, c, "conditioning") for _ in range(draws)] for c in (0.1, 0.01, 0.001)}
    ratio = lambda c: np.sqrt(c - 1)
    product = lambda c: (np.sqrt(1 / c) + np.sqrt(1 / c - 1)) ** 2
    data: list[dict[str, Any]] = [
        {"case": case, "c": c, "draw": draw, "factor": value, "bound": float(bound(c))}
        for case, of, bound in (("phase factor", phase, ratio), ("conditioning", conditioning, product))
        for c, values in of.items()
        for draw, value in enumerate(values)
    ]
    spread = lambda of: ([c for c, values in of.items() for _ in values], [value for v in of.values() for value in v])
    finely = {"c": np.geomspace(2, 800, 60), "c'": np.geomspace(5e-4, 0.3, 60)}
    picture = line_panels.draw(
        [
            [
                LinePanel(
                    "max|λ(Q)|² = 4 min λ(PᵀP)/c",
                    "c",
                    "least |Im λ/Re λ|",
                    {"bound": (finely["c"], ratio(finely["c"]))},
                    {"random P and Q": spread(phase)},
                    "log",
                    "log",
                ),
                LinePanel(
                    "min|λ(Q)|² = 4 max λ(PᵀP)/c'",
                    "c'",
                    "τ = max|λ|/min|λ|",
                    {"bound": (finely["c'"], product(finely["c'"]))},
                    {"random P and Q": spread(conditioning)},
                    "log",
                    "log",
                ),
            ]
        ]
    )
    least = lambda of, bound: {c: min(values) / float(bound(c)) for c, values in of.items()}
    phases, products = least(phase, ratio), least(conditioning, product)
    return Result(
        picture,
        data,
        [
            Claim(
                "where Q is small against PᵀP all eigenvalues are complex, with a ratio of √(c − 1) at least",
                "section 6 (the text has =)",
                {f"least ratio over √(c − 1), c = {c:g}, {draws} draws": value for c, value in phases.items()},
                min(phases.values()) >= 1,
            ),
            Claim(
                "where Q is large against PᵀP all are real, and τ is (√(1/c') + √(1/c' − 1))² at least",
                "section 6 (the text has =)",
                {f"least τ over that, c' = {c:g}, {draws} draws": value for c, value in products.items()},
                min(products.values()) >= 1,
            ),
        ],
    )


def orthogonal(rng: np.random.Generator, size: int) -> np.ndarray:
    """A random orthogonal matrix."""
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


def _general(rng: np.random.Generator, c: float, case: str, size: int = 6) -> float:
    """Of one random P and Q with independent bases the least |Im λ/Re λ|, or τ; NaN where eigenvalues are not so."""
    singular = rng.uniform(1, 2, size)
    p = orthogonal(rng, size) @ np.diag(singular) @ orthogonal(rng, size)
    spread, basis = rng.uniform(1, 2, size), orthogonal(rng, size)
    end = spread.max() if case == "phase" else spread.min()
    target = singular.min() if case == "phase" else singular.max()
    q = -basis @ np.diag(spread / end * 2 * target / np.sqrt(c)) @ basis.T
    values = np.linalg.eigvals(closed_form.general_jacobian(p, q))
    if case == "phase":
        return float(np.min(np.abs(values.imag) / np.abs(values.real)))
    return eigenvalues.conditioning(values) if not values.imag.any() else np.nan


def appendix_b(workspace: Workspace) -> Result:
    """Appendix B: ζ and τ over v of the discriminators θx and θeˣ, σ = 0, SimGD."""
    forms: dict[str, Callable[[float], np.ndarray]] = {
        "D(x) = θx": lambda v: SimpleGame(sigma=0.0, mean=(v,)).sim_gd(),
        "D(x) = θeˣ": closed_form.exponential_discriminator,
    }
    near, far = np.geomspace(1e-4, 0.99, 81), np.linspace(0.5, 8, 151)
    data: list[dict[str, Any]] = [
        {"discriminator": label, "v": float(v), "phase factor": eigenvalues.phase_factor(of(v)),
         "conditioning": eigenvalues.conditioning(of(v))}
        for label, of in forms.items()
        for v in (*near, *far)
    ]  # fmt: skip

    def drawn(name: str, grid: np.ndarray) -> dict[str, tuple[list[float], list[float]]]:
        rows = {
            label: [r for r in data if r["discriminator"] == label and r["v"] in grid and r[name]] for label in forms
        }
        return {label: ([row["v"] for row in of], [row[name] for row in of]) for label, of in rows.items()}

    picture = line_panels.draw(
        [
            [
                LinePanel("", "v", "phase factor ζ", drawn("phase factor", near), {}, "log", "log"),
                LinePanel("", "v", "conditioning τ", drawn("conditioning", far), {}, "linear", "log"),
            ]
        ]
    )
    linear, full = (
        {"ζ": eigenvalues.phase_factor(of(1e-4)), "τ": eigenvalues.conditioning(of(5.0))} for of in forms.values()
    )
    large = np.linspace(5, 8, 31)
    log_tau = lambda of: np.log([eigenvalues.conditioning(of(v)) for v in large])
    slope = lambda of, x: float(np.polyfit(x(large), log_tau(of), 1)[0])
    slopes = slope(forms["D(x) = θx"], np.log), slope(forms["D(x) = θeˣ"], lambda v: v)
    return Result(
        picture,
        data,
        [
            Claim(
                "as v → 0 the full-rank θeˣ has no large phase factor, which θx has",
                "Appendix B",
                {"ζ at v = 1e-4, θeˣ": full["ζ"], "θx": linear["ζ"]},
                abs(full["ζ"] - np.sqrt(3)) < 1e-3 and linear["ζ"] > 1e7,
            ),
            Claim(
                "at large v θeˣ is worse conditioned: τ grows as e²ᵛ, that of θx as v⁴",
                "Appendix B",
                {
                    "τ at v = 5, θeˣ": full["τ"],
                    "θx": linear["τ"],
                    "slope of log τ over v, θeˣ, v in [5, 8]": slopes[1],
                    "slope over log v, θx": slopes[0],
                },
                abs(slopes[1] / 2 - 1) < 0.01 and abs(slopes[0] / 4 - 1) < 0.01,
            ),
            Claim("τ of θeˣ is Ω(10⁵) at v = 5", "Appendix B", {"τ": full["τ"]}, full["τ"] >= 1e5),
        ],
    )


def appendix_c(workspace: Workspace) -> Result:
    """Appendix C: descending ½‖ξ‖² alone has real eigenvalues, and can reverse the generator."""
    rng = np.random.default_rng(0)
    draws = workspace.by_scale(smoke=2, cpu=200, paper=200)
    data: list[dict[str, Any]] = []
    real, squared = [], []
    for draw in range(draws):
        p = rng.normal(size=(4, 4))
        root = rng.normal(size=(4, 4))
        m = closed_form.general_jacobian(p, -root @ root.T / 4)
        values = np.linalg.eigvals(-m.T @ m)
        real.append(eigenvalues.phase_factor(values))
        squared.append(eigenvalues.conditioning(values) / eigenvalues.conditioning(np.linalg.eigvals(m)))
        data.append({"draw": draw, "τ of SimGD": eigenvalues.conditioning(np.linalg.eigvals(m)),
                     "τ of the gradient norm alone": eigenvalues.conditioning(values)})  # fmt: skip
    gammas = np.linspace(0, 4, 41)
    coefficients = {"JARE": np.ones_like(gammas), "ConOpt": 1 - gammas, "gradient norm alone": -np.ones_like(gammas)}
    tau = lambda name: [row[name] for row in data]
    diagonal = np.geomspace(min(tau("τ of SimGD")), max(tau("τ of SimGD")), 20)
    picture = line_panels.draw(
        [
            [
                LinePanel(
                    "∇²_φφ f = −I, ∇θ f = 0",
                    "γ",
                    "the generator's direction over ∇φ f",
                    {label: (gammas, of) for label, of in coefficients.items()},
                    levels={"reversed below": 0.0},
                ),
                LinePanel(
                    "random P and Q",
                    "τ of SimGD",
                    "τ of the gradient norm alone",
                    {"as much as SimGD's": (diagonal, diagonal), "its square": (diagonal, diagonal**2)},
                    {"a draw": (tau("τ of SimGD"), tau("τ of the gradient norm alone"))},
                    "log",
                    "log",
                ),
            ]
        ]
    )
    found = {label: reversed_from(rule) for label, rule in (("ConOpt", jare_tf.con_opt), ("JARE", jare_tf.jare))}
    return Result(
        picture,
        data,
        [
            Claim(
                "minimising ½‖ξ‖² alone has real eigenvalues, so no phase factor",
                "Appendix C",
                {f"largest ζ in {draws} draws": max(real), "least τ over SimGD's": min(squared)},
                max(real) < 1e-6,
            ),
            Claim(
                "where ∇²_φφ f = −t²I ConOpt reverses the generator for γ > 1/t², JARE for no γ",
                "Appendix C",
                {"ConOpt, least γ of the implemented rule that reverses it, t = 1": found["ConOpt"],
                 "JARE": found["JARE"]},
                found["ConOpt"] is not None and abs(found["ConOpt"] - 1) < 1e-6 and found["JARE"] is None,
            ),
        ],
    )  # fmt: skip


class _Saddle(jare_tf.TwoPlayerGame):
    """f(φ, θ) = −θφ − ½φ², ℓ_D = −f, ℓ_G = f: ∇²_φφ f = −1, and at φ = 0 ∇θ f = 0 and ∇φ f = −θ."""

    def __init__(self):
        """It has no networks."""

    def losses(self, point, batch, training=True):
        (theta,), (phi,) = point.parameters
        objective = -theta * phi - phi**2 / 2
        return Players(-objective, objective), point.state


def reversed_from(rule: Callable[..., jare_tf.Rule]) -> float | None:
    """The γ at which a rule's generator turns against ∇φ f = −1 in a game with ∇²_φφ f = −1; None up to γ = 1000."""
    number = lambda value: (tf.constant(value, tf.float64),)
    point = Point(Players(number(1.0), number(0.0)), Players((), ()))
    batch = Batch(tf.zeros([1]), tf.zeros([1]))

    def along(gamma: float) -> float:
        made = rule(gamma=gamma)
        return -float(made.update(_Saddle(), point, batch, made.memory(point)).direction.generator[0])

    if along(1000.0) > 0:
        return None
    return step_size.bisect(lambda gamma: along(gamma) > 0, 0.0, 1000.0)[0]


def gradreg_matrices(game: jare_tf.TwoPlayerGame, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """K_DD [n, n] and K_DG [n, m] of GradReg section 3.3, of a game with the minimax loss at its present parameters.

    They are read off the Jacobian of the implemented game, J_DD = −½ K_DD and J_DG = −½ K_DG. That holds at an
    equilibrium: D = 0 on the batch, and generated samples are distributed as the real ones.
    """
    point = game.point()
    n = sum(int(np.prod(leaf.shape)) for leaf in point.parameters.discriminator)
    a = -spectrum.linearize(game, jare_tf.sim_gd(), point, batch).moves[0]
    return -2 * a[:n, :n], -2 * a[:n, n:]


def _uniform_1d() -> tuple[np.ndarray, np.ndarray]:
    """The matrices of GradReg's game of two parameters, D(x) = w x² and G(z) = a z, at (w, a) = (0, 1)."""
    samples = tf.constant((np.arange(1000)[:, None] + 0.5) / 500 - 1)
    with precision.float64():
        networks = linear_quadratic.generator(initial=1.0), linear_quadratic.discriminator(initial=0.0)
        game = jare_tf.TwoPlayerGame(*networks, jare_tf.Minimax())
    return gradreg_matrices(game, Batch(samples, samples))


def theorems_3(workspace: Workspace) -> Result:
    """Theorems 3.1 and 3.2: eigenvalues of GAN and regularised WGAN against the bounds of their real parts."""
    rng = np.random.default_rng(0)
    draws = workspace.by_scale(smoke=2, cpu=200, paper=200)
    etas = np.geomspace(0.01, 10, 61)
    games = {"random K_DG, 4 × 3": (None, rng.normal(size=(4, 3))), "D = w x², G = a z": _uniform_1d()}
    data: list[dict[str, Any]] = []
    panels, worst = [], {}
    for title, (_, k_dg) in games.items():
        bounds = np.array([closed_form.gradreg_wgan_bounds(k_dg, 1.0, 2 * eta) for eta in etas])
        points: dict[str, tuple[list[float], list[float]]] = {"real λ": ([], []), "complex λ": ([], [])}
        for eta, bound in zip(etas, bounds, strict=True):
            values = closed_form.gradreg_jacobian(np.zeros([len(k_dg)] * 2), k_dg, 1.0, 0.0, 2 * eta)
            for kind, value, limit in _against(np.linalg.eigvals(values), bound):
                points[kind][0].append(eta)
                points[kind][1].append(-value)
                data.append({"game": f"WGAN, {title}", "η": float(eta), "kind": kind, "Re λ": value, "bound": limit})
        lines = {f"bound of {kind}": (etas, -bounds[:, i]) for i, kind in enumerate(points)}
        panels.append(LinePanel(f"WGAN, {title}", "η = γ/2", "−Re λ", lines, points, "log", "log"))
    pairs = [(root @ root.T + 0.1 * np.eye(4), rng.normal(size=(4, 3))) for root in rng.normal(size=(draws, 4, 4))]
    pairs.append(games["D = w x², G = a z"])
    scattered: dict[str, tuple[list[float], list[float]]] = {"real λ": ([], []), "complex λ": ([], [])}
    for k_dd, k_dg in pairs:
        bound = closed_form.gradreg_bounds(k_dd, k_dg, 0.5, -0.25)
        for kind, value, limit in _against(
            np.linalg.eigvals(closed_form.gradreg_jacobian(k_dd, k_dg, 0.5, -0.25)), bound
        ):
            scattered[kind][0].append(-limit)
            scattered[kind][1].append(-value)
            data.append({"game": "GAN", "η": 0.0, "kind": kind, "Re λ": value, "bound": limit})
    limits = np.geomspace(min(map(min, (of[0] for of in scattered.values() if of[0]))), 2, 30)
    panels.append(
        LinePanel(
            f"GAN, η = 0, {draws} random K_DD, K_DG", "−bound", "−Re λ", {"the bound itself": (limits, limits)},
            scattered, "log", "log",
        )
    )  # fmt: skip
    for name in ("GAN", "WGAN"):
        rows = [row for row in data if row["game"].split(",")[0] == name]
        worst[name] = {
            kind: min((row["Re λ"] / row["bound"] for row in rows if row["kind"] == kind), default=None)
            for kind in ("real λ", "complex λ")
        }
    holds = lambda of: all(value is None or value >= 1 - 1e-9 for value in of.values())
    return Result(
        line_panels.draw([panels], width=3.7),
        data,
        [
            Claim(
                "every eigenvalue of the GAN's Jacobian has Re λ below its bound",
                "Theorem 3.1",
                {f"least Re λ over its bound, {kind}": value for kind, value in worst["GAN"].items()},
                holds(worst["GAN"]),
            ),
            Claim(
                "with the regulariser every eigenvalue of the WGAN's Jacobian has Re λ below its bound, at every η",
                "Theorem 3.2",
                {f"least Re λ over its bound, {kind}": value for kind, value in worst["WGAN"].items()},
                holds(worst["WGAN"]),
            ),
        ],
    )


def _against(values: np.ndarray, bounds) -> list[tuple[str, float, float]]:
    """Of every eigenvalue that is not zero the kind, the real part and its bound."""
    found = []
    for value in eigenvalues.nonzero(values, 1e-9):
        complex_ = abs(value.imag) > 1e-9 * abs(value)
        found.append(("complex λ" if complex_ else "real λ", float(value.real), float(bounds[int(complex_)])))
    return found


def largest_step_by_bisection(a: np.ndarray) -> float:
    """The least η at which max|1 + ηλ(A)| reaches 1, without a formula; 0 where no small step is stable."""
    radius = lambda step: np.abs(np.linalg.eigvals(np.eye(len(a)) + step * a)).max()
    low = high = 1e-9
    if radius(low) >= 1:
        return 0.0
    while radius(high) < 1:
        low, high = high, 2 * high
    return step_size.bisect(lambda step: radius(step) < 1, low, high, tolerance=1e-12)[0]
