"""The evidence is there and complete, and what makes it can fail: wrong engines are found out."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
import validate
import validation_text
from scipy.stats import binom, norm
from validation_shelf import pack, unpack

from bayespool.exact import surface
from bayespool.figures.calibration import rank_envelopes, rank_histograms, stated_and_true
from bayespool.measures import risks
from bayespool.prior import Priors
from bayespool.trials import read_trials
from bayespool.validation import (
    Cell,
    Design,
    benefit_table,
    characteristics,
    count_table,
    coverage_table,
    envelope,
    exact_answers,
    sbc_table,
    simulated,
    uniformity,
)
from bayespool.validation.cells import log_likelihood, ranks
from bayespool.validation.truths import Truth, data_of, draw, sizes
from bayespool.validation.uniformity import POINTS

NORMAL = Cell(
    "exact",
    "normal",
    "generic",
    "random",
    2,
    "Normal(0, 1)",
    "HalfNormal(0.5)",
    simulations=600,
    draws_every=20,
)


@pytest.fixture(scope="module")
def right():
    return simulated(NORMAL)


def failing(cell, table):
    found = sbc_table([(cell, table)])
    return set(found.loc[~found["passes"], "quantity"])


# --- uniform or not ------------------------------------------------------------------------


def test_the_probability_of_the_envelope_is_that_of_all_orders_counted_out():
    """Three numbers, each in one of the 50 bins with equal chance: 50^3 cases."""
    bins = np.arange(POINTS) + 0.5
    cases = np.array(list(product(bins, repeat=3))) / POINTS
    points, lower, upper = envelope(3, 0.2)
    share = (cases[:, :, None] <= points).mean(axis=1)
    leaves = ((share < lower - 1e-9) | (share > upper + 1e-9)).any(axis=1).mean()
    assert 0 < leaves <= 0.2
    # p of a sample: how many cases are as extreme somewhere.
    count = (cases[:, :, None] <= points).sum(axis=1)
    both = 2 * np.minimum(binom.cdf(count, 3, points), binom.sf(count - 1, 3, points))
    extreme = both.min(axis=1)
    for sample in (cases[7], cases[60_000], cases[124_000]):
        here = (sample[:, None] <= points).sum(axis=0)
        own = 2 * np.minimum(binom.cdf(here, 3, points), binom.sf(here - 1, 3, points)).min()
        assert uniformity(sample).p == pytest.approx(np.mean(extreme <= own * (1 + 1e-9)), abs=1e-9)


def test_uniform_numbers_leave_the_envelope_as_often_as_it_says():
    rng = np.random.default_rng(5)
    found = [uniformity(rng.uniform(size=200)) for _ in range(600)]
    for level in (0.05, 0.3):
        error = np.sqrt(level * (1 - level) / 600)
        assert abs(np.mean([f.p < level for f in found]) - level) < 4 * error
        assert abs(np.mean([f.p_chi_square < level for f in found]) - level) < 4 * error


def test_an_engine_without_an_answer_is_wrong():
    values = np.linspace(0, 1, 200)
    assert uniformity(values).p > 0.9
    values[3] = np.nan
    assert uniformity(values).p == 0 == uniformity(values).p_chi_square


# --- right and wrong engines ---------------------------------------------------------------


def test_the_right_engine_passes(right):
    assert failing(NORMAL, right) == set()
    assert coverage_table([(NORMAL, right)])["passes"].all()
    assert benefit_table([(NORMAL, right)])["passes"].all()
    assert right.filter(like="cdf_draws_").notna().sum().eq(30).all()


def test_a_prior_on_tau_that_is_twice_as_wide_as_the_truth_is_found_out():
    def wrong(trials, truth, cell, i):
        return exact_answers(trials, truth, replace(cell, tau="HalfNormal(1)"), i)

    cell = replace(NORMAL, simulations=300, draws_every=0)
    assert "tau" in failing(cell, simulated(cell, wrong))


def test_an_interval_a_fifth_too_narrow_is_found_out(right):
    z = norm.ppf(right["cdf_mu"])
    narrow = right.assign(cdf_mu=norm.cdf(z / 0.8))
    found = sbc_table([(NORMAL, narrow)])
    row = found[found["quantity"] == "mu"].iloc[0]
    # Even at the limit of a table of 400 rows.
    assert min(row["p"], row["p_chi_square"]) < 0.05 / 800
    assert not coverage_table([(NORMAL, narrow)])["passes"].any()


def test_probabilities_nearer_to_one_than_they_should_be_are_found_out(right):
    bold = right.assign(prob_below=norm.cdf(2 * norm.ppf(right["prob_below"])))
    assert not benefit_table([(NORMAL, bold)])["passes"].all()


def test_an_engine_that_never_looks_at_the_data_is_found_out_by_the_likelihood_alone():
    """Its draws are the prior's: right for every parameter, on average over the prior."""
    cell = replace(NORMAL, k=5, simulations=200, draws_every=0)

    def blind(trials, truth, cell, i):
        rng = np.random.default_rng([i, 9])
        drawn = [draw(cell.priors, cell.effects, cell.k, False, rng) for _ in range(39)]
        some = {"mu": np.array([d.mu for d in drawn]), "tau": np.array([d.tau for d in drawn])}
        some["theta"] = np.array([d.theta for d in drawn])
        found = ranks(some, truth, trials, cell, rng)
        return {f"cdf_{name}": p for name, p in found.items()} | {"prob_below": 0.5}

    assert failing(cell, simulated(cell, blind)) == {"log_likelihood"}


def test_a_simulation_is_the_same_whatever_the_number_of_them():
    few = simulated(replace(NORMAL, simulations=3, draws_every=0))
    more = simulated(replace(NORMAL, simulations=5, draws_every=0))
    pd.testing.assert_frame_equal(few, more.head(3))


def test_a_cell_in_parts_is_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(validate, "CACHE", tmp_path)
    monkeypatch.setattr(validate, "PART", 4)
    cell = replace(NORMAL, simulations=10, draws_every=3)
    assert [(part.first, part.simulations) for part in validate.parts(cell)] == [
        (0, 4),
        (4, 4),
        (8, 2),
    ]
    for part in validate.parts(cell):
        assert validate.whole(cell, "code") is None
        validate.kept(part, str(validate.place(part, "code")), "abc")
    found = validate.whole(cell, "code").drop(columns=list(validate.STAMP))
    pd.testing.assert_frame_equal(found, simulated(cell), rtol=1e-8)  # nine digits are kept


def test_what_one_machine_did_is_there_on_another(tmp_path, monkeypatch):
    cell = replace(NORMAL, simulations=2, draws_every=0)
    there, shelf, here = (tmp_path / name for name in ("there", "shelf", "here"))
    there.mkdir()
    monkeypatch.setattr(validate, "CACHE", there)
    archives = validate.archives([cell, replace(cell, engine="NUTS")], "code")
    assert list(archives) == ["exact_normal", "nuts_normal"]
    path = validate.place(cell, "code")
    assert validate.kept(cell, str(path), "abc") == ""
    pack(archives, shelf)
    assert [archive.name for archive in shelf.iterdir()] == ["exact_normal.zip"]
    assert unpack(shelf, here) == 1
    assert unpack(shelf, here) == 0
    assert (here / path.name).read_bytes() == path.read_bytes()
    before = (shelf / "exact_normal.zip").read_bytes()
    monkeypatch.setattr(validate, "CACHE", here)
    pack(validate.archives([cell], "code"), shelf)
    assert (shelf / "exact_normal.zip").read_bytes() == before
    pack(validate.archives([cell], "newer"), shelf)  # nothing is done: nothing is lost
    assert (shelf / "exact_normal.zip").read_bytes() == before


# --- what is simulated ---------------------------------------------------------------------


def test_the_likelihood_of_counts_is_the_binomial_one():
    rng = np.random.default_rng(1)
    priors = Priors("Normal(0, 1)", "HalfNormal(0.5)", "Normal(-1, 1)")
    truth = draw(priors, "random", 4, True, rng)
    frame = data_of(truth, "RR", "binomial", sizes("binomial", 4, rng), rng)
    found = log_likelihood(
        read_trials(frame), "RR", np.stack([truth.theta, truth.theta + 0.1]), truth.phi[None]
    )
    p0, _, p1, _ = risks("RR", np.stack([truth.theta, truth.theta + 0.1]), truth.phi[None])
    expected = binom.logpmf(frame["events_treatment"], frame["n_treatment"], p1).sum(axis=1)
    expected += binom.logpmf(frame["events_control"], frame["n_control"], p0).sum(axis=1)
    assert found[1] - found[0] == pytest.approx(expected[1] - expected[0])


@pytest.mark.parametrize("measure", ["MD", "ROM"])
def test_means_say_their_error_and_its_degrees_of_freedom(measure):
    """(mean - true mean) / (sd / sqrt(n)) is t with n - 1 degrees of freedom, pilot and all."""
    from scipy.stats import kstest
    from scipy.stats import t as student

    rng = np.random.default_rng(3)
    k = 2000
    theta = np.zeros(k)
    truth = Truth(0.0, 0.0, theta, 0.0, None)
    frame = data_of(truth, measure, "arms", np.full((k, 2), 9.0), rng)
    assert (frame["n_control"] == 15).all()
    error = np.sqrt(sum(frame[f"sd_{arm}"] ** 2 / 15 for arm in ("treatment", "control")))
    difference = frame["mean_treatment"] - frame["mean_control"]
    assert abs(np.mean(difference / error)) < 4 / np.sqrt(k)
    if measure == "MD":
        z = frame["mean_control"] / (frame["sd_control"] / np.sqrt(15))
        assert kstest(z, student(14).cdf).pvalue > 0.001


def test_nuts_is_compiled_once_and_answers_for_the_trials_it_is_given():
    from bayespool.validation.sampled import Sampler

    cell = replace(NORMAL, engine="NUTS", effects="common")
    sampler = Sampler(cell)
    frame = pd.DataFrame({"trial": ["a", "b"], "estimate": [0.1, 0.2], "se": [0.2, 0.3]})
    sampler(read_trials(frame), Truth(0.1, 0.0, np.full(2, 0.1), 0.1, None), cell, 0)
    compiled = sampler.compiled
    trials = read_trials(frame.assign(estimate=[-0.5, 0.3]))
    found = sampler(trials, Truth(-0.2, 0.0, np.full(2, -0.2), -0.2, None), cell, 1)
    assert sampler.compiled is compiled
    exact = surface(trials, "generic", "normal", "common").posterior(cell.priors)["mu"]
    p = float(exact.cdf(0.0))
    assert found["prob_below"] == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / 400))
    assert found["cdf_mu"] == pytest.approx(float(exact.cdf(-0.2)), abs=5 * 0.5 / np.sqrt(99))


def test_a_known_truth_is_counted_by_truth():
    design = Design(2, 0.3, 25, (1.0, 0.7), (0.0, 0.3), "RR", **validate.WEAK, reviews=20)
    found = characteristics(design)
    assert found[["effect", "tau"]].to_numpy().tolist() == [[1, 0], [1, 0.3], [0.7, 0], [0.7, 0.3]]
    assert (found["reviews"] == 20).all()
    assert (found[["k", "baseline", "arm"]] == [2, 0.3, 25]).all().all()


def test_the_figures_are_drawn(right):
    done = [(NORMAL, right), (replace(NORMAL, k=3), right)]
    counts = count_table(done)
    counts = counts[counts["engine"] == "exact"]
    bands = {int(n): envelope(int(n)) for n in counts["simulations"].unique()}
    panels = 1 + len(counts)  # and the sheet
    assert len(rank_envelopes(counts, bands).axes) == panels == len(rank_histograms(counts).axes)
    assert len(stated_and_true(benefit_table(done).query("model == 'all models'")).axes) == 2


# --- what is committed ---------------------------------------------------------------------

TESTED = ("sbc", "coverage", "benefit")


@pytest.fixture(scope="module")
def tables():
    names = (*TESTED, "counts", "cells", "operating_characteristics")
    return {name: pd.read_csv(validate.REPORTS / f"{name}.csv") for name in names}


def test_every_committed_cell_has_all_its_simulations(tables):
    there = tables["cells"].set_index(["engine", "model", "k"])["simulations"].to_dict()
    expected = {(c.engine, c.model, c.k): c.simulations for c in validate.cells()}
    for d in validate.designs():
        expected["exact", d.name, d.k] = d.reviews * len(d.effects) * len(d.taus)
    assert there.items() <= expected.items()
    about = json.loads((validate.REPORTS / "about.json").read_text(encoding="utf-8"))
    assert (about["cells"], about["cells_in_all"]) == (len(there), len(expected))
    tested = tables["sbc"].query("k != 'all'").astype({"k": int})
    engines = tested["engine"].str.removesuffix(" draws")
    found = set(zip(engines, tested["model"], tested["k"], strict=True))
    known = {(d.name, d.k) for d in validate.designs()}
    assert found == {cell for cell in there if cell[1:] not in known}


@pytest.mark.parametrize("name", TESTED)
def test_no_committed_row_fails_without_a_reason(tables, name):
    table = tables[name]
    assert len(table) > 50
    fails = table[~table["passes"].astype(bool)]
    assert fails["reason"].fillna("").astype(str).str.len().gt(20).all(), fails
    if "p" in table:  # the verdict is the one that the numbers give
        low = table[["p", "p_chi_square"] if name == "sbc" else ["p"]].min(axis=1)
        assert ((low >= table["limit"]) == table["passes"]).all()


def test_every_committed_table_says_when_and_of_what_it_was_made(tables):
    for table in tables.values():
        assert table["date"].astype(str).str.fullmatch(r"\d{4}-\d\d-\d\d").all()
        assert (
            table["commit"].astype(str).str.fullmatch(r"[0-9a-f]{12}\+?( [0-9a-f]{12}\+?)*").all()
        )
        assert table["code"].astype(str).str.fullmatch(r"[0-9a-f]{12}").all()
    assert len({code for table in tables.values() for code in table["code"]}) == 1
    about = json.loads((validate.REPORTS / "about.json").read_text(encoding="utf-8"))
    assert {"bayespool", "numpy", "pymc", "nutpie"} <= set(about["versions"])


def test_the_committed_figures_are_there():
    names = {path.name for path in validate.REPORTS.glob("*.svg")}
    kinds = ("exact", "exact_draws", "nuts")
    expected = {f"{what}_{kind}.svg" for what in ("ecdf", "ranks") for kind in kinds}
    assert names == expected | {"calibration.svg"}


def test_the_page_has_the_committed_tables(tables):
    about = json.loads((validate.REPORTS / "about.json").read_text(encoding="utf-8"))
    text = validation_text.PAGE.read_text(encoding="utf-8")
    for name, block in validation_text.blocks(tables, about).items():
        assert validation_text.block_of(text, name) == block
