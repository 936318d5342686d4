"""The diagnostic pictures: all there, about the right quantities, and written whole."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

import bayespool as bp
from bayespool import mcmc_plots
from bayespool.errors import BayespoolError
from bayespool.mcmc_plots import diagnostic_figures, write_diagnostics
from bayespool.nuts_models import normal
from bayespool.predictive import predictive_check
from bayespool.sampling import sample

SAMPLED = ["trace", "rank", "ess", "autocorrelation", "prior_posterior"]
PSENSE = ["psense_prior_on_mu", "psense_prior_on_tau"]
FLAT = bp.Priors("Flat()", "HalfNormal(1)")


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def words(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text))


@pytest.fixture(scope="module")
def figures(both, mortality):
    return diagnostic_figures(both.fit, mortality)


@pytest.fixture(scope="module")
def crp():
    trials = bp.read_trials("data/crp.csv")
    return sample(normal(trials, "MD", FLAT, effects="common"), seed=2026), trials


def test_every_picture_of_a_random_effects_fit_names_mu_and_tau(figures):
    assert set(figures) == {*SAMPLED, "energy", "predictive", *PSENSE}
    for name in SAMPLED:
        assert titles(figures[name]) == ["mu", "tau"], name
    for name, prior in zip(PSENSE, ("mu", "tau"), strict=True):
        assert titles(figures[name]) == [
            f"{quantity}\n{scaled}"
            for quantity in ("mu", "tau")
            for scaled in (f"prior on {prior}", "likelihood")
        ]
    assert all(figure.get_suptitle() for figure in figures.values())


def test_the_trace_shows_every_draw(figures, both):
    for axes, name in zip(figures["trace"].axes, ("mu", "tau"), strict=True):
        drawn = np.array([line.get_ydata() for line in axes.lines])
        assert np.array_equal(drawn, both.fit["posterior"][name])


def test_the_rank_bands_hold_chains_that_converged(figures):
    for axes in figures["rank"].axes:
        assert len(axes.lines) == 4
        (band,) = axes.collections
        edge = band.get_paths()[0].vertices
        highest = max(np.abs(line.get_ydata()).max() for line in axes.lines)
        assert highest < np.abs(edge[:, 1]).max()


def test_the_predictive_picture_shows_the_observed_shares_and_the_checks_intervals(
    figures, both, mortality
):
    (axes,) = figures["predictive"].axes
    table = predictive_check(both.fit, mortality)
    markers = [line for line in axes.lines if line.get_marker() == "o"]
    for arm, line, intervals in zip(
        ("treatment", "control"), markers, axes.collections, strict=True
    ):
        mine = table[table["arm"] == arm]
        np.testing.assert_allclose(line.get_xdata(), 100 * mine["observed"] / mine["n"])
        drawn = np.array(intervals.get_segments())[:, :, 0]
        np.testing.assert_allclose(drawn[:, 0], 100 * mine["lower"] / mine["n"])
        np.testing.assert_allclose(drawn[:, 1], 100 * mine["upper"] / mine["n"])
    assert [label.get_text() for label in axes.get_yticklabels()] == mortality.names
    assert "47/110" in words(figures["predictive"])


def test_no_text_runs_over_the_edge_of_its_picture(figures):
    for name, figure in figures.items():
        figure.draw_without_rendering()
        width, height = figure.bbox.size
        for text in set(figure.findobj(Text)) - ticks_of(figure):
            if text.get_text().strip() and text.get_visible():
                box = text.get_window_extent()
                assert -1 < box.x0 < box.x1 < width + 1, (name, text.get_text())
                assert -1 < box.y0 < box.y1 < height + 1, (name, text.get_text())


def ticks_of(figure):
    """Numbers beside axes: matplotlib keeps some that are outside the limits and not drawn."""
    axes = figure.axes
    return {text for ax in axes for text in [*ax.get_xticklabels(), *ax.get_yticklabels()]}


def test_a_common_effect_under_a_flat_prior_is_drawn_for_mu_alone(crp):
    figures = diagnostic_figures(*crp)
    assert set(figures) == {"trace", "rank", "energy", "ess", "autocorrelation", "predictive"}
    assert titles(figures["trace"]) == titles(figures["rank"]) == ["mu"]
    assert "uc_msc_review_2023" in words(figures["predictive"])


def test_pyplot_is_left_as_it_was(both, mortality):
    plt.switch_backend("svg")
    try:
        mine = plt.figure()
        diagnostic_figures(both.fit, mortality)
        assert mpl.get_backend() == "svg"
        assert plt.get_fignums() == [mine.number]
    finally:
        plt.close("all")
        plt.switch_backend("agg")


def test_files_are_pngs_written_whole_and_only_when_they_change(
    figures, crp, tmp_path, monkeypatch
):
    few = {name: figures[name] for name in ("trace", "predictive")}
    monkeypatch.setattr(mcmc_plots, "diagnostic_figures", lambda fit, trials: few)
    paths = write_diagnostics(*crp, tmp_path / "new")
    assert [path.name for path in paths] == ["trace.png", "predictive.png"]
    assert sorted(tmp_path.rglob("*")) == sorted([tmp_path / "new", *paths])
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    before = {path: path.stat().st_mtime_ns for path in paths}
    assert write_diagnostics(*crp, tmp_path / "new") == paths
    assert {path: path.stat().st_mtime_ns for path in paths} == before
    # The full disk comes after half of a file: the old one must still be there.
    old = paths[0].read_bytes()
    monkeypatch.setattr(mcmc_plots, "DPI", 60)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BayespoolError, match="No space left"):
        write_diagnostics(*crp, tmp_path / "new")
    assert paths[0].read_bytes() == old
    assert sorted(tmp_path.rglob("*")) == sorted([tmp_path / "new", *paths])


def test_all_pictures_of_a_fit_are_the_same_bytes_every_time(crp, tmp_path):
    first, second = (write_diagnostics(*crp, tmp_path / name) for name in "ab")
    assert [path.name for path in first] == [path.name for path in second]
    assert "rank.png" in [path.name for path in first]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_name_that_the_font_lacks_or_that_looks_like_mathematics_is_no_warning(
    crp, tmp_path, monkeypatch
):
    fit, trials = crp
    frame = trials.frame.assign(trial=["张 $x_1$ " + "long " * 12])
    renamed = bp.read_trials(frame)
    fit = fit.copy()
    fit["observed_data"] = fit["observed_data"].to_dataset().assign_coords(trial=renamed.names)
    drawn = {"predictive": mcmc_plots._predictive(predictive_check(fit, renamed))}
    monkeypatch.setattr(mcmc_plots, "diagnostic_figures", lambda fit, trials: drawn)
    write_diagnostics(fit, renamed, tmp_path)
    assert "张 $x_1$ long" in words(drawn["predictive"])
