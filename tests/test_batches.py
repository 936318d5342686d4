"""Many reviews at once give, review by review, the numbers of one at a time."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from scipy.stats import norm

import bayespool as bp
from bayespool.batches import COLUMNS
from bayespool.batches.classical import reml
from bayespool.batches.columns import ENDS, P
from bayespool.batches.normal import many, mixture_quantiles
from bayespool.decisions import thresholds_of

REFERENCE = Path(__file__).parent / "reference" / "metafor.json"
ARMS = {
    "binary": {
        "events_treatment": "ai", "n_treatment": "n1i", "events_control": "ci", "n_control": "n2i",
    },
    "continuous": {
        "mean_treatment": "m1i", "sd_treatment": "sd1i", "n_treatment": "n1i",
        "mean_control": "m2i", "sd_control": "sd2i", "n_control": "n2i",
    },
}  # fmt: skip
COUNTED = 3e-5  # what the surface of one review leaves where trials have no event
SETS = ("weak", "vague")
OWN = ({"mu": "Normal(0, 20)", "tau": "HalfNormal(5)"}, {"mu": "Flat()", "tau": "HalfCauchy(1)"})


@cache
def public():
    """Every public review: (name, kind, table of its trials)."""
    found = []
    for dataset in json.loads(REFERENCE.read_text(encoding="utf-8"))["datasets"]:
        if dataset["type"] in ARMS:
            data, columns = dataset["data"], ARMS[dataset["type"]]
            table = pd.DataFrame({ours: data[theirs] for ours, theirs in columns.items()})
        else:
            first = dataset["analyses"][0]
            pairs = zip(first["yi"], first["vi"], strict=True)
            kept = [(y, np.sqrt(v)) for y, v in pairs if None not in (y, v)]
            table = pd.DataFrame(kept, columns=["estimate", "se"])
        table.insert(0, "trial", [f"t{i}" for i in range(len(table))])
        found.append((dataset["id"], dataset["type"], table))
    return found


def library(*kinds, measures):
    """A long table of reviews of these kinds, each with each measure."""
    parts = [
        table.assign(review=f"{name} {measure}", measure=measure)
        for name, kind, table in public()
        if kind in kinds
        for measure in measures
        if measure != "ROM" or (table[["mean_treatment", "mean_control"]] > 0).all(axis=None)
    ]
    return pd.concat(parts, ignore_index=True)


def alone(frame, review, priors, likelihood=None, effects="random"):
    """What the engines say of one review: the row of the batch, by another way."""
    own = frame[frame["review"] == review].dropna(axis=1, how="all")
    measure = own["measure"].iloc[0]
    trials = bp.read_trials(own.drop(columns=["review", "measure"]))
    table = bp.surface(trials, measure, likelihood, effects)
    return trials, table, table.posterior(priors)


def compare(row, posterior, thresholds=(), benefit=None, shared=False, slack=0.0):
    """Every number of a row against a posterior; returns what differs.

    Reviews that were analysed together share nodes of tau that are others than those of one alone
    (often more): either set leaves an error that its ``grid_error`` bounds, here up to 1e-7.
    """
    wrong = []
    if shared:
        slack = row["grid_error"] + posterior.grid_error
        assert not slack > 1e-4
    errors = row["grid_error"] + posterior.grid_error if slack else 0.0

    def near(name, expected, limit):
        expected = np.nan if expected is None else float(expected)
        same = abs(row[name] - expected) <= limit or (np.isnan(expected) and np.isnan(row[name]))
        if not same:
            wrong.append((row["review"], row["priors"], name, row[name], expected))

    for name in ("mu", "tau", "theta_new"):
        if name not in posterior:
            near(f"{name}_median", None, 0)
            continue
        marginal = posterior[name]
        ends = marginal.quantile(P)
        spread = marginal.sd if marginal.sd is not None else (ends[2] - ends[1]) / 4
        for end, value in zip(ENDS, ends, strict=True):
            near(f"{name}_{end}", value, (slack + (1e-6 if name == "tau" else 1e-8)) * spread)
        if name == "tau":
            continue
        new = "_new" if name == "theta_new" else ""
        at = thresholds_of(posterior.measure, posterior.scale, thresholds)
        for text, limit in at.items():
            end = f"_{text}" if text in thresholds else ""
            near(f"prob_below{new}{end}", marginal.cdf(limit), 1e-8 + slack)
            if benefit:
                p = (marginal.cdf if benefit == "lower" else marginal.sf)(limit)
                near(f"prob_benefit{new}{end}", p, slack + 1e-8 * min(p + 1e-6, 1.0))
    mu, spread = posterior["mu"], np.nanmax([row["mu_upper"] - row["mu_lower"], 0]) / 4
    near("mu_mean", mu.mean, (slack + 1e-8) * spread)
    near("mu_sd", mu.sd, (slack + 1e-8) * spread)
    evidence = posterior.log_marginal_likelihood
    near("log_marginal_likelihood", evidence, 10 * slack + 1e-8 * (1 + abs(evidence or 0.0)))
    near("grid_error", posterior.grid_error, errors + 1e-8)
    return wrong


def classical(row, trials, measure):
    """REML beside `bayespool.pool`."""
    pooled = bp.pool(trials, measure, methods=["REML-HK"]).iloc[0]
    pairs = {
        "reml_estimate": pooled["estimate"], "reml_lower": pooled["lower"],
        "reml_upper": pooled["upper"], "reml_tau": np.sqrt(pooled["tau2"]),
    }  # fmt: skip
    return [
        (row["review"], name, row[name], value)
        for name, value in pairs.items()
        if not np.isclose(row[name], value, rtol=1e-9, atol=1e-12, equal_nan=True)
    ]


# --- the public library ----------------------------------------------------------------------


@pytest.mark.parametrize(("effects", "size"), [("random", 500), ("random", 1), ("common", 500)])
def test_the_normal_model_of_every_public_review_under_two_prior_sets(effects, size):
    frame = pd.concat(
        [
            library("binary", measures=["OR", "RR", "RD"]),
            library("continuous", measures=["SMD", "ROM"]),
        ]
    )
    found = bp.batch(
        frame, priors=SETS, likelihood="normal", effects=effects, benefit="higher",
        thresholds=[0.5], size=size,
    )  # fmt: skip
    assert (found["error"] == "").all()
    assert len(found) == 2 * frame["review"].nunique() > 110
    wrong = []
    for row in found.to_dict("records"):
        measure = row["measure"]
        priors = bp.priors(measure, row["priors"], likelihood="normal")
        trials, table, posterior = alone(frame, row["review"], priors, "normal", effects)
        wrong += compare(row, posterior, ["0.5"], "higher", shared=size > 1)
        wrong += classical(row, trials, measure)
        assert (row["trials"], row["used"]) == (len(trials), len(table.kept))
        assert row["participants"] == trials.participants
    assert wrong == []


@pytest.mark.parametrize("size", [500, 1])
@pytest.mark.parametrize("own", OWN, ids=["proper", "flat"])
def test_reviews_whose_unit_has_no_prior_set(own, size):
    kinds = ("generic", "correlation", "rate", "proportion")
    frame = pd.concat(
        [library(*kinds, measures=["generic"]), library("continuous", measures=["MD"])]
    )
    found = bp.batch(frame, **own, size=size)
    assert (found["error"] == "").all()
    assert len(found) == 13
    wrong = []
    for row in found.to_dict("records"):
        trials, _, posterior = alone(frame, row["review"], bp.Priors(own["mu"], own["tau"]))
        wrong += compare(row, posterior, shared=size > 1)
        wrong += classical(row, trials, row["measure"])
    assert wrong == []
    assert found["log_marginal_likelihood"].isna().all() == (own["mu"] == "Flat()")


@pytest.mark.parametrize("effects", [pytest.param("random", marks=pytest.mark.long), "common"])
def test_the_binomial_model_of_every_public_review_under_two_prior_sets(effects):
    frame = library("binary", measures=["OR"])
    wide = frame["review"].unique()
    # The other measures take longer: six reviews each.
    frame["measure"] = frame["review"].map(dict(zip(wide, ["RR", "RD", "OR"] * 6, strict=True)))
    found = bp.batch(frame, priors=SETS, effects=effects, benefit="lower", thresholds=["0.8"])
    assert (found["error"] == "").all()
    wrong = []
    for row in found.to_dict("records"):
        priors = bp.priors(row["measure"], row["priors"])
        trials, _, posterior = alone(frame, row["review"], priors, effects=effects)
        wrong += compare(row, posterior, ["0.8"], "lower", slack=COUNTED)
        wrong += classical(row, trials, row["measure"])
    assert wrong == []


@pytest.mark.parametrize(
    "more",
    [
        {"effects": "t", "priors": "weak"},
        {"mu": "Normal(0, 2)", "tau": "Uniform(0, 1)"},
        {"mu": "StudentT(4, 0, 1)", "tau": "HalfCauchy(0.5)"},
        {"mu": "Flat()", "tau": "Uniform(0, 2)"},
        {"mu": "Flat()", "tau": "HalfNormal(0.5)", "effects": "common"},
    ],
    ids=["t", "bounded tau", "Student mu", "bounded and flat", "flat and common"],
)
def test_what_has_no_closed_form_goes_the_long_way(more):
    frame = library("binary", measures=["RR"])
    frame = frame[frame["review"].isin(["dat.hine1989 RR", "dat.cannon2006_ep3 RR"])]
    found = bp.batch(frame, likelihood="normal", **more)
    assert (found["error"] == "").all()
    effects = more.get("effects", "random")
    priors = bp.priors("RR", "weak", mu=more.get("mu"), tau=more.get("tau"))
    for row in found.to_dict("records"):
        _, _, posterior = alone(frame, row["review"], priors, "normal", effects)
        assert compare(row, posterior) == []


def test_the_record_of_one_review_says_the_same(tmp_path):
    frame = library("binary", measures=["OR"])
    for review, likelihood in (("dat.hine1989 OR", "normal"), ("dat.dorn2007 OR", "binomial")):
        own = frame[frame["review"] == review].drop(columns=["review", "measure"])
        (row,) = bp.batch(
            frame[frame["review"] == review], likelihood=likelihood, benefit="lower"
        ).to_dict("records")
        result = bp.analyse(
            bp.read_trials(own), "OR", likelihood=likelihood, engine="exact", benefit="lower"
        )
        slack = COUNTED if likelihood == "binomial" else 0.0
        assert compare(row, result.posterior, (), "lower", slack=slack) == []
        pooled = result.posterior["mu"].quantile(P)
        natural = [row[f"natural_{end}"] for end in ENDS]
        np.testing.assert_allclose(natural, np.exp(pooled), rtol=1e-8 + slack)


def test_the_numbers_do_not_depend_on_who_stands_beside_whom():
    frame = library("binary", "continuous", measures=["SMD"]).query("not mean_treatment.isna()")
    whole = bp.batch(frame, priors=SETS).drop(columns="seconds")
    for size in (1, 3):
        apart = bp.batch(frame, priors=SETS, size=size).drop(columns="seconds")
        pd.testing.assert_frame_equal(whole, apart, rtol=0, atol=1e-7)
        pd.testing.assert_frame_equal(whole[["review"]], apart[["review"]])


def test_two_workers_give_exactly_the_numbers_of_one():
    frame = library("continuous", "binary", measures=["SMD"]).query("not mean_treatment.isna()")
    found = [
        bp.batch(frame, priors=SETS, size=1, workers=workers).drop(columns="seconds")
        for workers in (1, 2)
    ]
    pd.testing.assert_frame_equal(*found, check_exact=True)


# --- the closed form on made-up reviews ------------------------------------------------------


@st.composite
def reviews(draw):
    """A few reviews of any size, their standard errors over six decades, some far outliers."""
    seed = draw(st.integers(0, 2**32 - 1))
    sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=5))
    decades = draw(st.sampled_from([(-3, 3), (-1, 0), (0, 0), (-3, -3), (3, 3)]))
    outlier = draw(st.sampled_from([0.0, 3.0, 100.0, 1e4]))
    rng = np.random.default_rng(seed)
    y = np.full((len(sizes), max(sizes)), np.nan)
    se = y.copy()
    for i, k in enumerate(sizes):
        se[i, :k] = 10 ** rng.uniform(*decades, k)
        y[i, :k] = rng.normal(0, np.hypot(se[i, :k], rng.choice([0, 0.1, 1])))
        y[i, rng.integers(k)] += outlier * np.median(se[i, :k])
    return y, se


PRIORS = [
    ("Normal(0, 1)", "HalfNormal(0.5)"), ("Normal(0, 1000)", "HalfCauchy(1)"),
    ("Normal(3, 0.001)", "HalfNormal(0.001)"), ("Normal(0, 10)", "HalfNormal(1000)"),
    ("Normal(-5, 0.2)", "LogNormal(-2, 1.5)"), ("Normal(0, 2)", "HalfStudentT(4, 0.5)"),
]  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(data=reviews(), which=st.sampled_from(PRIORS))
@pytest.mark.long
def test_many_made_up_reviews_against_each_by_itself(data, which):
    y, se = data
    priors = bp.Priors(*which)
    found = many(y, se, priors)
    at = np.array([-1.0, 0.0, 0.5])
    for name in ("mu", "theta_new", "tau"):
        ends = found.quantile(name, P)
        for i, (own_y, own_se) in enumerate(zip(y, se, strict=True)):
            k = int(np.isfinite(own_y).sum())
            table = pd.DataFrame({"estimate": own_y[:k], "se": own_se[:k]})
            trials = bp.read_trials(table.assign(trial=[f"t{j}" for j in range(k)]))
            posterior = bp.surface(trials, "generic").posterior(priors)
            error = posterior.grid_error + found.grid_error[i]
            # Where prior and data are worlds apart tau runs off its axis in either engine.
            last = many(y[i : i + 1, :k], se[i : i + 1, :k], priors).weight[0, -1]
            if last > 1e-15 or error > 1e-4:
                continue
            marginal = posterior[name]
            expected = marginal.quantile(P)
            spread = marginal.sd if marginal.sd is not None else (expected[2] - expected[1]) / 4
            limit = error + (1e-6 if name == "tau" else 1e-8)
            np.testing.assert_allclose(ends[i], expected, rtol=0, atol=limit * spread)
            if name != "tau":
                np.testing.assert_allclose(
                    found.cdf(name, at)[i], marginal.cdf(at), rtol=0, atol=1e-8 + error
                )
            evidence = posterior.log_marginal_likelihood
            assert found.log_marginal_likelihood[i] == pytest.approx(
                evidence, rel=1e-8, abs=1e-8 + error
            )


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    decades=st.sampled_from([0.0, 1.0, 4.0]),
    apart=st.sampled_from([0.0, 1.0, 100.0]),
    parts=st.sampled_from([1, 7, 60]),
)
@example(seed=0, decades=0.0, apart=0.0, parts=7)
@example(seed=3, decades=8.0, apart=1.0, parts=60)
@example(seed=1072, decades=0.0, apart=0.0, parts=60)
def test_quantiles_of_mixtures_far_into_the_tails(seed, decades, apart, parts):
    rng = np.random.default_rng(seed)
    weight, shape = rng.dirichlet(np.full(parts, 0.3), 5), (5, parts)
    weight /= weight.sum(axis=1, keepdims=True)  # to the last digit, which slack below counts
    location, scale = rng.normal(0, apart, shape), 10 ** rng.uniform(-decades, decades, shape)
    p = np.array([1e-12, 1e-6, 0.025, 0.3, 0.5, 0.975, 1 - 1e-6])
    x = mixture_quantiles(weight, location, scale, p)
    assert (np.diff(x, axis=1) >= 0).all()
    for side, chance in ((1, p), (-1, 1 - p)):
        z = side * (x[:, None, :] - location[..., None]) / scale[..., None]
        tail = (weight[..., None] * ndtr(z)).sum(axis=1)
        # Where the density is nothing the quantile is known to the last digit, the cdf is not.
        step = (weight[..., None] * np.exp(-0.5 * z**2) / scale[..., None]).sum(axis=1)
        slack = 1e-9 * np.minimum(chance, 1 - chance) + 1e-11 * step * (1e-300 + np.abs(x)) + 1e-15
        assert (np.abs(tail - chance) <= slack).all()


def test_quantiles_where_a_third_of_the_mixture_misses_its_mass():
    weight = np.array([[0, 1, 0, 0, 0], [0.25, 0, 0.25, 0.25, 0.25]])
    location = np.array([[1e20, 0, 0, 1e20, 0], [0, 0, 1, 2, 3]])
    scale = np.ones((2, 5))
    scale[0, 0] = 1e20
    x = mixture_quantiles(weight, location, scale, np.array([0.5, 0.025, 0.975]))
    np.testing.assert_allclose(x[0], ndtri([0.5, 0.025, 0.975]), atol=1e-12)
    assert x[1, 0] == pytest.approx(1.5, abs=1e-12)


def test_quantiles_far_from_every_component():
    # Found wrong once: a step outwards, small beside where it began, was taken for the end.
    for tau, se in (("LogNormal(0, 22)", 1e30), ("LogNormal(0, 29)", 1e45)):
        set_of = bp.priors("OR", mu="Normal(0, 1)", tau=tau)
        found = many(np.array([[0.3]]), np.array([[se]]), set_of)
        x = found.quantile("theta_new", P)
        np.testing.assert_allclose(found.cdf("theta_new", x[0])[0], P, rtol=0, atol=1e-12)


def test_a_row_that_is_no_number_leaves_the_others():
    weight, location, scale = np.full((2, 4), 0.25), np.zeros((2, 4)), np.ones((2, 4))
    weight[0] = np.nan
    x = mixture_quantiles(weight, location, scale, P)
    assert np.isnan(x[0]).all()
    np.testing.assert_allclose(x[1], ndtri(P), atol=1e-12)


def test_a_product_too_small_for_a_float():
    y, se = np.zeros((1, 40)), np.geomspace(1e-12, 1e12, 40)[None]
    found = many(y, se, bp.priors("OR", mu="Normal(0, 1)", tau="HalfNormal(0.5)"), "common")
    pooled = 1 / (1 + (1 / se**2).sum())
    expected = norm.logpdf(0, 0, se).sum() + 0.5 * np.log(pooled)
    assert found.log_marginal_likelihood[0] == pytest.approx(expected, rel=1e-13)


def test_reml_of_many_reviews_with_empty_places():
    rng = np.random.default_rng(3)
    y, se = rng.normal(0, 1, (4, 6)), rng.uniform(0.1, 2, (4, 6))
    for i, k in enumerate((1, 2, 5, 6)):
        y[i, k:] = se[i, k:] = np.nan
    found = reml(y, se)
    assert np.isnan(found["reml_lower"][0])
    assert found["reml_estimate"][0] == y[0, 0]
    for i, k in enumerate((1, 2, 5, 6)):
        alone = reml(y[i : i + 1, :k], se[i : i + 1, :k])
        for name, value in alone.items():
            np.testing.assert_allclose(found[name][i], value[0], rtol=1e-12)


def test_columns_are_the_documented_ones_whatever_is_empty():
    frame = library("continuous", measures=["SMD"]).query("review == 'dat.normand1999 SMD'")
    full = bp.batch(frame, measure="SMD")
    empty = bp.batch(frame.assign(sd_control=0.0), measure="SMD")
    common = bp.batch(frame, measure="SMD", effects="common")
    assert [c for c in full if not c.startswith("prob_")] == list(COLUMNS)
    for other in (empty, common):
        assert list(other.dtypes.items()) == list(full.dtypes.items())
    assert empty["error"].iloc[0].startswith("dat.normand1999 SMD, row 2 (t0): sd_control = ")
