"""Pictures of the sampling: did the chains agree, and what did the data and the priors say."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayespool.axes import Array
from bayespool.files import write_if_changed
from bayespool.predictive import predictive_check, with_predictive
from bayespool.trials import Trials

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import Dataset, DataTree

__all__ = ["diagnostic_figures", "write_diagnostics"]

WIDTH, HEIGHT, ROW = 10.0, 3.4, 0.34  # inches
DPI = 120
BAND_SIMULATIONS = 300
LONGEST = 40  # letters of a trial's name
ARMS = {  # colour, and place beside the middle of the trial's row
    "treatment": ("#0072b2", -0.17),
    "control": ("#737373", 0.17),
    "estimate": ("#0072b2", 0.0),
}


def diagnostic_figures(fit: DataTree, trials: Trials) -> dict[str, Figure]:
    """Draw the diagnostics of a fit by ArviZ, and its predictive check.

    Parameters
    ----------
    fit : xr.DataTree
        By `sample`, of a model by `binomial` or `normal`.
    trials : Trials
        Those of the fit.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``trace``, ``rank``, ``energy``, ``ess``, ``autocorrelation``, ``prior_posterior``,
        ``predictive``, ``psense_prior_on_mu`` and ``psense_prior_on_tau``. A flat prior has no
        picture, and a common effect has no tau.

    Raises
    ------
    UsageError
        The trials are not the fit's, or the fit is of another model.
    """
    tree = with_predictive(fit, trials)
    names = [name for name in ("mu", "tau") if name in fit["posterior"]]
    with _agg():
        figures = {
            "trace": _trace(tree, names),
            "rank": _rank(tree, names),
            "energy": _energy(tree),
            "ess": _ess(tree, names),
            "autocorrelation": _autocorrelation(tree, names),
        }
        proper = [name for name in names if "prior" in tree and name in tree["prior"]]
        if proper:
            figures["prior_posterior"] = _prior_posterior(tree, proper)
        figures["predictive"] = _predictive(predictive_check(fit, trials))
        for name in proper:
            figures[f"psense_prior_on_{name}"] = _psense(tree, names, name)
    return figures


def write_diagnostics(fit: DataTree, trials: Trials, folder: str | os.PathLike[str]) -> list[Path]:
    """Write `diagnostic_figures` as PNG, whole files or none; return their paths.

    A file that would not change is not written again.
    """
    paths = []
    for name, figure in diagnostic_figures(fit, trials).items():
        stream = io.BytesIO()
        with _agg(), warnings.catch_warnings():
            # A name in letters that the font lacks, Chinese ones say, is drawn as boxes.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(stream, format="png", dpi=DPI)
        paths.append(Path(folder) / f"{name}.png")
        write_if_changed(paths[-1], stream.getvalue())
    return paths


def _trace(tree: DataTree, names: list[str]) -> Figure:
    plots = _arviz("trace", tree, names)
    return _sheet(plots, "Trace: every chain should wander over the same ground", "draw")


def _rank(tree: DataTree, names: list[str]) -> Figure:
    # Thinned to independent draws: without that, bands and tests of ranks alarm at chains that
    # are merely autocorrelated. ArviZ simulates the bands, with a fixed seed and at a cost that
    # grows with the draws it keeps.
    step = -(-tree["posterior"].sizes["draw"] // 1000)
    plots = _arviz(
        "rank",
        tree["posterior"].to_dataset().isel(draw=slice(None, None, step)),
        names,
        method="envelope",
        thin=True,
        envelope_prob=0.99,
        stats={"ecdf_pit": {"n_simulations": BAND_SIMULATIONS}},
    )
    title = "Ranks of each chain's draws among all, as ECDF minus uniform, and 99 % band of chance"
    return _sheet(plots, title, "rank / number of draws")


def _energy(tree: DataTree) -> Figure:
    figure = _sheet(_arviz("energy", tree), "Energy: BFMI right of the dashed line (0.3)")
    bfmi, energy = figure.axes
    bfmi.locator_params(axis="y", integer=True)
    bfmi.set_xlabel("BFMI")
    energy.set_title("both distributions should be about as wide")
    energy.set_xlabel("energy, or its change from draw to draw, minus the mean")
    return figure


def _ess(tree: DataTree, names: list[str]) -> Figure:
    plots = _arviz("ess_evolution", tree, names)
    title = "Effective draws: they should grow with the draws, and pass the dashed line (400)"
    figure = _sheet(plots, title, "draws of all chains")
    lines = [plots.get_viz(f"ess_{kind}_line", "mu") for kind in ("bulk", "tail")]
    figure.axes[0].legend(lines, ["bulk", "tail"], loc="upper left", frameon=False)
    return figure


def _autocorrelation(tree: DataTree, names: list[str]) -> Figure:
    plots = _arviz("autocorr", tree, names, max_lag=50)
    title = "Autocorrelation of each chain: it should soon fall to 0"
    return _sheet(plots, title, "lag (draws)")


def _prior_posterior(tree: DataTree, names: list[str]) -> Figure:
    # A heavy tail would stretch the axis, and the density's grid, beyond anything to be seen.
    prior = {name: _middle(tree["prior"][name].to_numpy()) for name in names}
    tree = tree.copy()
    tree["prior"] = (
        tree["prior"]
        .to_dataset()
        .assign({name: (("chain", "draw"), draws) for name, draws in prior.items()})
    )
    plots = _arviz("prior_posterior", tree, names)
    return _sheet(plots, "Prior (its central 98 %) and posterior, analysis scale")


def _middle(draws: Array) -> Array:
    low, high = np.quantile(draws, [0.01, 0.99])
    return np.resize(draws[(draws >= low) & (draws <= high)], draws.shape)


def _psense(tree: DataTree, names: list[str], prior: str) -> Figure:
    plots = _arviz(
        "psense_dist",
        tree,
        names,
        rows=len(names),
        prior_var_names=prior,
        ci_kind="eti",
        ci_prob=0.95,
        point_estimate="median",
    )
    title = f"Posterior with the prior on {prior}, or the likelihood, raised to a power"
    figure = _sheet(plots, title)
    for axes in figure.axes:
        axes.locator_params(axis="x", nbins=6)
        axes.set_title(axes.get_title().replace("\nprior", f"\nprior on {prior}"))
    return figure


def _arviz(
    plot: str,
    tree: DataTree | Dataset,
    names: list[str] | None = None,
    rows: int = 1,
    **options: Any,
) -> Any:
    draw = getattr(import_module("arviz_plots"), f"plot_{plot}")
    if names is not None:
        options["var_names"] = names
    size = {"figsize": (WIDTH, HEIGHT * rows), "layout": "constrained"}
    return draw(tree, backend="matplotlib", figure_kwargs=size, **options)


def _sheet(plots: Any, title: str, xlabel: str = "") -> Figure:
    """Take the figure out of ArviZ's collection, and out of pyplot's."""
    figure: Figure = plots.get_viz("figure")
    import_module("matplotlib.pyplot").close(figure)
    figure.suptitle(title)
    for axes in figure.axes:
        axes.set_xlabel(xlabel)
    return figure


def _predictive(table: pd.DataFrame) -> Figure:
    """Draw `predictive_check`: shares of the patients, or estimates on the analysis scale."""
    names = list(dict.fromkeys(table["trial"]))
    figure = import_module("matplotlib.figure").Figure(
        figsize=(WIDTH, 1.5 + ROW * len(names)), layout="constrained"
    )
    axes: Axes = figure.add_subplot()
    counts = "estimate" not in set(table["arm"])
    row = table["trial"].map({name: i for i, name in enumerate(names)}).to_numpy(dtype=float)
    unit = table["n"].to_numpy() / 100 if counts else np.ones(len(table))
    shown = {word: table[word].to_numpy() / unit for word in ("lower", "median", "upper")}
    observed = table["observed"].to_numpy() / unit
    for arm, (colour, shift) in ARMS.items():
        mine = (table["arm"] == arm).to_numpy()
        if not mine.any():
            continue
        y = row[mine] + shift
        axes.hlines(y, shown["lower"][mine], shown["upper"][mine], color=colour, linewidth=5,
                    alpha=0.35, label=f"{arm}: median and 95 % of replicates")  # fmt: skip
        axes.plot(shown["median"][mine], y, "|", color=colour, markersize=8)
        axes.plot(observed[mine], y, "o", color=colour, markersize=4.5, label=f"{arm}: observed")
    for arm, at in (("treatment", 8), ("control", 104)) if counts else (("estimate", 8),):
        column: list[tuple[float, str]] = [(-0.75, arm if counts else "observed")]
        rows = zip(row, table.to_dict("records"), strict=True)
        column += [(float(y), _observed(each, counts)) for y, each in rows if each["arm"] == arm]
        for height, text in column:
            axes.annotate(text, (1, height), (at, 0), axes.get_yaxis_transform(), "offset points",
                          va="center", fontsize=8, annotation_clip=False)  # fmt: skip
    labels = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    axes.set_yticks(range(len(names)), labels, parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    unit_text = "events, % of patients" if counts else "estimate, analysis scale"
    axes.set_xlabel(f"{unit_text} (right: observed, mid-p value)")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    figure.suptitle("Each trial, and what the model expects of a trial of its size and baseline")
    return figure


def _observed(row: Mapping[Any, Any], counts: bool) -> str:
    value = f"{row['observed']:.0f}/{row['n']:.0f}" if counts else f"{row['observed']:.3g}"
    return f"{value}  p = {row['p']:.2f}"


@contextmanager
def _agg() -> Iterator[None]:
    """ArviZ opens its figures through pyplot: without a window, and as the user had it after."""
    matplotlib, pyplot = import_module("matplotlib"), import_module("matplotlib.pyplot")
    before = matplotlib.get_backend()
    pyplot.switch_backend("agg")
    try:
        # A matplotlibrc in the current folder must not change the pictures.
        with matplotlib.rc_context(matplotlib.rcParamsDefault | {"backend": "agg"}):
            yield
    finally:
        pyplot.switch_backend(before)
