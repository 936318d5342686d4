"""Risks, effect sizes, medians and scales: against mpmath, R's escalc and their definitions."""

import json
from pathlib import Path
from statistics import NormalDist

import mpmath as mp
import numpy as np
import pandas as pd
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayespool.errors import DataError, UsageError
from bayespool.measures import (
    MAX_PHI,
    MAX_THETA,
    MEASURES,
    axis_label,
    control_risks,
    default_likelihood,
    effect_sizes,
    from_natural,
    measure,
    moments,
    no_contrast,
    ratio_ticks,
    risks,
    scale_of,
    skewed,
    symbol,
    to_natural,
)
from bayespool.trials import read_trials

HERE = Path(__file__).parent
NORMAL = NormalDist()
METAFOR = json.loads((HERE / "reference" / "metafor.json").read_text(encoding="utf-8"))
COUNTS = ("OR", "RR", "RD")
BINARY = ("events_treatment", "n_treatment", "events_control", "n_control")
MEANS = ("mean_treatment", "sd_treatment", "n_treatment", "mean_control", "sd_control", "n_control")


def review(columns, *rows):
    frame = pd.DataFrame(rows, columns=list(columns))
    return read_trials(frame.assign(trial=[f"t{i}" for i in range(len(frame))]))


def exact_risks(name, theta, phi):
    """The risks in 100 digits, from the textbook definitions."""
    with mp.workdps(100):
        theta, phi = mp.mpf(theta), mp.mpf(phi)
        if name == "OR":
            p0, p1 = 1 / (1 + mp.exp(theta / 2 - phi)), 1 / (1 + mp.exp(-theta / 2 - phi))
        elif name == "RR":
            ratio = mp.exp(theta)
            root = mp.sqrt((1 - ratio) ** 2 + 4 * ratio * mp.exp(-2 * phi))
            p0 = 2 / (1 + ratio + root)
            p1 = ratio * p0
        else:
            d, product = mp.tanh(theta), mp.exp(2 * phi)
            a, b, c = 1 - product, d + product * (2 - d), product * (1 - d)
            root = mp.sqrt(b**2 + 4 * a * c)
            low, high = max(0, -d), min(1, 1 - d)
            roots = [c / b] if a == 0 else [(-b + root) / (2 * a), (-b - root) / (2 * a)]
            (p0,) = (r for r in roots if low < r < high)
            p1 = p0 + d
        return p0, 1 - p0, p1, 1 - p1


def worst_gap(name, theta, phi):
    with mp.workdps(100):
        return max(
            float(abs(mp.mpf(float(ours)) / exact - 1))
            for ours, exact in zip(
                risks(name, theta, phi), exact_risks(name, theta, phi), strict=True
            )
        )


EDGES = [
    (theta, phi)
    for theta in (-30, -14, -3, -1e-3, -1e-9, 0, 1e-12, 0.2, 1, 7, 30)
    for phi in (-60, -27.6, -8, -1e-6, 0, 1e-9, 0.4, 5, 27.6, 60)
]


@pytest.mark.parametrize("name", COUNTS)
def test_risks_lose_nothing_at_the_edges(name):
    assert max(worst_gap(name, theta, phi) for theta, phi in EDGES) < 2e-15
    smallest = min(float(r) for theta, phi in EDGES for r in risks(name, theta, phi))
    assert 0 < smallest < 1e-12


@given(st.sampled_from(COUNTS), st.floats(-30, 30), st.floats(-60, 60))
@settings(max_examples=300, deadline=None)
def test_risks_equal_their_definition(name, theta, phi):
    # A hundred digits do not carry the textbook root of RD through an odds product of 1 + 1e-100.
    assert worst_gap(name, round(theta, 12), round(phi, 12)) < 2e-15


@given(st.sampled_from(COUNTS), st.floats(-30, 30), st.floats(-60, 60))
@settings(max_examples=300)
def test_risks_have_the_effect_and_the_odds_product_asked_for(name, theta, phi):
    p0, q0, p1, q1 = risks(name, theta, phi)
    assert p0 + q0 == pytest.approx(1, rel=1e-15)
    assert p1 + q1 == pytest.approx(1, rel=1e-15)
    product = 0.5 * (np.log(p0) - np.log(q0) + np.log(p1) - np.log(q1))
    assert product == pytest.approx(phi, rel=1e-13, abs=1e-13)
    if name == "OR":
        assert np.log(p1) - np.log(q1) - np.log(p0) + np.log(q0) == pytest.approx(
            theta, rel=1e-12, abs=1e-12
        )
    elif name == "RR":
        assert np.log(p1) - np.log(p0) == pytest.approx(theta, rel=1e-12, abs=1e-12)
    else:
        assert p1 - p0 == pytest.approx(np.tanh(theta), abs=1e-15)


@given(st.sampled_from(COUNTS), st.floats(-320, 320), st.floats(-180, 180))
@settings(max_examples=300)
def test_swapping_arms_or_events(name, theta, phi):
    p0, q0, p1, q1 = risks(name, theta, phi)
    np.testing.assert_allclose(risks(name, -theta, phi), (p1, q1, p0, q0), rtol=1e-14)
    if name != "RR":  # the complement of a risk ratio is another measure
        np.testing.assert_allclose(risks(name, -theta, -phi), (q0, p0, q1, p1), rtol=1e-14)


@pytest.mark.parametrize("name", COUNTS)
def test_risks_broadcast_and_clip(name):
    theta, phi = np.array([-1e9, -300, -50, 0, 50, 300, 1e9]), np.array([-500.0, -170, 170, 500])
    found = np.array(risks(name, theta[:, None], phi))
    assert found.shape == (4, 7, 4)
    assert np.isfinite(found).all()
    assert (found > np.finfo(float).tiny).all()
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    np.testing.assert_array_equal(found[:, 5], found[:, 6])
    np.testing.assert_array_equal(found[:, :, 0], found[:, :, 1])
    np.testing.assert_array_equal(found[:, :, 2], found[:, :, 3])
    assert (MAX_THETA, MAX_PHI) == (300, 170)
    assert all(np.isnan(risk) for risk in risks(name, np.nan, 0.0))


def test_risks_exist_for_counts_alone():
    with pytest.raises(UsageError, match="OR, RR and RD, not 'MD'"):
        risks("MD", 0.0, 0.0)


@pytest.mark.parametrize("name", COUNTS)
def test_risks_in_a_graph_have_finite_gradients_everywhere(name):
    theta, phi = pt.dvector("theta"), pt.dvector("phi")
    found = risks(name, theta, phi, xp=pt)
    # Unequal weights, or errors of two risks could cancel.
    total = sum(w * pt.log(risk).sum() for w, risk in enumerate(found, start=1))
    graph = pytensor.function([theta, phi], [*found, *pytensor.grad(total, [theta, phi])])
    points = [-30.0, -5.0, -1e-9, 0.0, 1e-9, 0.3, 5.0, 30.0]
    wide = [-300.0, -150.0, -50.0, *points, 50.0, 150.0, 300.0]
    t, f = (a.ravel() for a in np.meshgrid(wide, [-170.0, -60.0, *points, 60.0, 170.0]))
    *values, by_theta, by_phi = graph(t, f)
    np.testing.assert_allclose(values, risks(name, t, f), rtol=1e-13)
    assert np.isfinite(by_theta).all()
    assert np.isfinite(by_phi).all()
    # Differences of the logs can be taken where they are not dominated by the step.
    calm = (abs(t) < 20) & (abs(f) < 6)

    def log_of(t, f):
        return sum(w * np.log(risk) for w, risk in enumerate(risks(name, t, f), start=1))

    h = 1e-5
    np.testing.assert_allclose(
        by_theta[calm], (log_of(t + h, f) - log_of(t - h, f))[calm] / (2 * h), atol=2e-6
    )
    np.testing.assert_allclose(
        by_phi[calm], (log_of(t, f + h) - log_of(t, f - h))[calm] / (2 * h), atol=2e-6
    )


# Effect sizes.


def escalc_cases():
    for dataset in METAFOR["datasets"]:
        if dataset["type"] in ("binary", "continuous"):
            for analysis in dataset["analyses"]:
                if analysis["measure"] != "PETO":
                    yield pytest.param(
                        dataset, analysis, id=f"{dataset['id']}-{analysis['measure']}"
                    )


CASES = list(escalc_cases())


def trials_of(dataset):
    if dataset["type"] == "binary":
        keys, columns = ("ai", "n1i", "ci", "n2i"), BINARY
    else:
        keys, columns = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"), MEANS
    return review(columns, *zip(*(dataset["data"][key] for key in keys), strict=True))


@pytest.mark.parametrize(("dataset", "analysis"), CASES)
def test_effect_sizes_equal_escalc(dataset, analysis):
    trials, name = trials_of(dataset), analysis["measure"]
    y, v = np.array(analysis["yi"]), np.array(analysis["vi"])
    if name == "ROM":
        # R takes the log of a ratio of two negative means too; one such mean and we refuse all.
        means = np.array([dataset["data"]["m1i"], dataset["data"]["m2i"]])
        keep = (means > 0).all(axis=0)
        trials, y, v = trials.take(keep), y[keep], v[keep]
    effects = effect_sizes(trials, name, "keep")
    np.testing.assert_allclose(effects["estimate"], y, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(effects["se"] ** 2, v, rtol=1e-10)
    assert effects["used"].all()
    dropped = effect_sizes(trials, name)
    silent = no_contrast(trials) & (name in ("OR", "RR"))
    np.testing.assert_array_equal(dropped["used"], ~silent)
    pd.testing.assert_frame_equal(dropped[~silent], effects[~silent])
    assert dropped.loc[silent, ["estimate", "se"]].isna().all(axis=None)
    assert not dropped.loc[silent, "corrected"].any()


def test_the_comparison_with_escalc_has_not_shrunk():
    assert len(CASES) == 18 * 3 + 4 * 3
    assert sum(len(case.values[1]["yi"]) for case in CASES) == 1404


def test_an_empty_cell_is_corrected_there_and_nowhere_else():
    trials = review(BINARY, (0, 12, 3, 29), (42, 112, 47, 110), (0, 65, 0, 35), (20, 20, 21, 21))
    effects = effect_sizes(trials, "OR")
    assert list(effects["corrected"]) == [True, False, False, False]
    assert effects["estimate"][0] == pytest.approx(np.log((0.5 / 12.5) / (3.5 / 26.5)))
    assert list(effects["note"]) == [
        "1/2 added to each cell",
        "",
        "no event in either arm: left out, it cannot inform OR",
        "events only, in both arms: left out, it cannot inform OR",
    ]
    kept = effect_sizes(trials, "RD")
    assert kept["used"].all()
    assert kept["note"][2].startswith("no event in either arm: its standard error comes from")
    assert list(no_contrast(trials)) == [False, False, True, True]
    assert list(control_risks(trials)) == pytest.approx([3 / 29, 47 / 110, 0, 1])


ARM = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(st.tuples(ARM, ARM), min_size=1, max_size=6), st.sampled_from(COUNTS))
@settings(max_examples=60, deadline=None)
def test_counts_always_give_finite_estimates(tables, name):
    trials = review(BINARY, *[(*treatment, *control) for treatment, control in tables])
    swapped = review(BINARY, *[(*control, *treatment) for treatment, control in tables])
    for double_zero in ("drop", "keep"):
        there = effect_sizes(trials, name, double_zero)
        back = effect_sizes(swapped, name, double_zero)
        used = there["used"]
        assert np.isfinite(there.loc[used, ["estimate", "se"]]).all(axis=None)
        assert (there.loc[used, "se"] > 0).all()
        np.testing.assert_allclose(back["estimate"], -there["estimate"], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(back["se"], there["se"], rtol=1e-12)


def test_generic_estimates_are_taken_as_they_stand():
    trials = review(("estimate", "se"), (-0.3, 0.2), (0.0, 1e-3))
    for name in MEASURES:
        effects = effect_sizes(trials, name)
        assert list(effects["estimate"]) == [-0.3, 0.0]
        assert list(effects["se"]) == [0.2, 1e-3]
        assert list(effects["trial"]) == ["t0", "t1"]


def test_means_without_a_logarithm_are_all_named():
    trials = review(MEANS, (3, 1, 10, 2, 1, 10), (-3, 1, 10, 2, 1, 10), (3, 1, 10, 0, 1, 10))
    with pytest.raises(DataError) as caught:
        effect_sizes(trials, "ROM")
    why = "has no logarithm. ROM needs positive means; use MD or SMD."
    assert caught.value.faults == (
        f"<DataFrame>, row 3 (t1): mean_treatment = -3 {why}",
        f"<DataFrame>, row 4 (t2): mean_control = 0 {why}",
    )
    assert list(effect_sizes(trials, "MD")["estimate"]) == [1, -5, 3]


def test_numbers_out_of_reach_are_refused():
    trials = review(MEANS, (3, 1e-90, 10, 2, 1e-90, 10), (1e90, 1, 10, 2, 1e70, 10))
    with pytest.raises(DataError, match="out of reach") as caught:
        effect_sizes(trials, "MD")
    assert len(caught.value.faults) == 2


def test_smd_is_exact_down_to_two_degrees_of_freedom():
    effects = effect_sizes(review(MEANS, (3, 1, 2, 2, 1, 2)), "SMD")
    # The exact correction at 2 degrees of freedom is 1/sqrt(pi), where 1 - 3/(4 m - 1) is 4/7.
    assert effects["estimate"][0] == pytest.approx(1 / np.sqrt(np.pi), rel=1e-12)


# Medians.


def test_printed_conversions():
    """Example 26: n = 20; the formulas of Luo et al. (2018) and Wan et al. (2014)."""
    n, median = np.array([20.0]), np.array([6.0])
    extremes = (np.array([2.0]), np.array([14.0]))
    quartiles = (np.array([4.0]), np.array([10.0]))
    mean, sd = moments(n, median, extremes=extremes)
    assert mean[0] == pytest.approx(6 + 2 * 4 / (4 + 20**0.75))
    assert sd[0] == pytest.approx(12 / (2 * NORMAL.inv_cdf(19.625 / 20.25)), rel=1e-12)
    mean, sd = moments(n, median, quartiles)
    assert mean[0] == pytest.approx(6.7195)
    assert sd[0] == pytest.approx(6 / (2 * NORMAL.inv_cdf(14.875 / 20.25)), rel=1e-12)


@pytest.mark.parametrize(
    ("n", "by_range", "by_quartiles", "mean_of_five"),
    [
        (7, (15.021544795358952, 14.29106691143328), (10.889285714285714, 10.103962147784886),
         14.361220613598714),
        (30, (11.972897250696676, 9.5575055212413016), (10.782500000000001, 8.5626224066574625),
         12.3038216208361),
        (100, (10.403596372036779, 7.804399930371213), (10.75975, 8.2742542328822122),
         11.420082492316839),
    ],
)  # fmt: skip
def test_conversions_equal_those_of_r(n, by_range, by_quartiles, mean_of_five):
    """metafor 4.4's conv.fivenum at 2, 6, 9, 17, 41, as published in another project's tests."""
    low, q1, median, q3, high, n = (np.array([float(x)]) for x in (2, 6, 9, 17, 41, n))
    found = [*moments(n, median, extremes=(low, high)), *moments(n, median, (q1, q3))]
    assert [float(x[0]) for x in found] == pytest.approx([*by_range, *by_quartiles], rel=1e-12)
    mean, sd = moments(n, median, (q1, q3), (low, high))
    assert mean[0] == pytest.approx(mean_of_five, rel=1e-12)
    w = 1 / (1 + 0.07 * n[0] ** 0.6)
    assert sd[0] == pytest.approx(w * by_range[1] + (1 - w) * by_quartiles[1], rel=1e-12)


def test_conversions_recover_a_large_symmetric_sample():
    ordered = 10 + 2 * np.random.default_rng(1).standard_normal((400, 101))
    ordered.sort(axis=1)
    low, q1, median, q3, high = ordered[:, [0, 25, 50, 75, 100]].T
    n = np.full(400, 101.0)
    for pairs in ({"quartiles": (q1, q3)}, {"extremes": (low, high)},
                  {"quartiles": (q1, q3), "extremes": (low, high)}):  # fmt: skip
        mean, sd = moments(n, median, **pairs)
        assert mean.mean() == pytest.approx(10, abs=0.05)
        assert sd.mean() == pytest.approx(2, abs=0.05)
        assert 0.02 < skewed(n, median, **pairs).mean() < 0.09  # a test at the 5 % level


def test_moments_and_skewness_need_a_spread():
    one = np.array([20.0])
    for function in (moments, skewed):
        with pytest.raises(ValueError, match="quartiles or extremes"):
            function(one, one)


@pytest.mark.parametrize(
    ("n", "quartiles", "extremes", "failed"),
    [
        # Critical values at n = 29: 2.65/sqrt(n) - 6/n² = 0.48496, 1/ln(n + 9) + 2.5/(n + 1)
        # = 0.35825, 3/sqrt(n) - 40/n³ = 0.55545 (against 1.40574 times the range's skewness).
        (29, (7.0, 12.0), None, True),
        (29, (8.0, 10.0), None, False),
        (29, (9 - 1.0, 9 + 2.88), None, False),
        (29, (9 - 1.0, 9 + 2.89), None, True),
        (29, None, (9 - 1.0, 9 + 2.11), False),
        (29, None, (9 - 1.0, 9 + 2.12), True),
        (29, (8.0, 10.0), (9 - 1.0, 9 + 2.30), False),
        (29, (8.0, 10.0), (9 - 1.0, 9 + 2.32), True),
        (29, (9 - 2.89, 9 + 1.0), (8.0, 10.0), False),
        (29, (9 - 3.6, 9 + 1.0), (8.0, 10.0), True),
    ],
)
def test_skewness_check(n, quartiles, extremes, failed):
    pairs = {}
    if quartiles:
        pairs["quartiles"] = tuple(np.array([x]) for x in quartiles)
    if extremes:
        pairs["extremes"] = tuple(np.array([x]) for x in extremes)
    median = np.array([7.0 if quartiles == (7.0, 12.0) else 9.0])
    assert bool(skewed(np.array([float(n)]), median, **pairs)[0]) is failed


def data(name):
    return read_trials(HERE.parent / "data" / f"{name}.csv")


def test_ratio_of_medians_is_by_the_lognormal_conversion():
    effects = effect_sizes(data("hospital_stay"), "ROM")
    logs = np.log([[16, 20, 24], [20, 24, 26.5]])
    n = np.array([12, 29])
    w = 0.7 + 0.39 / n
    mean = w * (logs[:, 0] + logs[:, 2]) / 2 + (1 - w) * logs[:, 1]
    half = [NORMAL.inv_cdf((0.75 * m - 0.125) / (m + 0.25)) for m in (12, 29)]
    sd = (logs[:, 2] - logs[:, 0]) / (2 * np.array(half))
    assert effects["estimate"][0] == pytest.approx(mean[0] - mean[1], rel=1e-12)
    assert effects["se"][0] == pytest.approx(np.sqrt((sd**2 / n).sum()), rel=1e-12)
    assert set(effects["note"]) == {
        "ratio of geometric means, lognormal, from median and quartiles"
    }


def test_a_failed_skewness_check_is_named():
    trials = data("time_to_improvement")
    names = list(trials.names)
    zhu, shu = names.index("zhu_2021"), names.index("shu_2020")
    logs, raw = effect_sizes(trials, "ROM")["note"], effect_sizes(trials, "MD")["note"]
    assert logs[zhu].endswith("the treatment arm failed the skewness check on the log scale")
    assert raw[zhu] == (
        "mean and SD from median and quartiles; the treatment arm failed the skewness check"
    )
    assert "skewness" not in logs[shu] + raw[shu]


def quantiles_of(layout, factor=1.0, shift=0.0):
    stems = {"quartiles": ("q1", "median", "q3"), "range": ("min", "median", "max"),
             "five": ("min", "q1", "median", "q3", "max")}[layout]  # fmt: skip
    values = {"min": 3, "q1": 6, "median": 8, "q3": 11, "max": 17}
    columns = [f"{stem}_{arm}" for arm in ("treatment", "control") for stem in (*stems, "n")]
    treatment = [factor * values[s] + shift for s in stems]
    return columns, [*treatment, 30, *[float(values[s]) for s in stems], 30]


@pytest.mark.parametrize("layout", ["quartiles", "range", "five"])
def test_every_layout_of_medians(layout):
    doubled = review(*quantiles_of(layout, factor=2.0))
    assert doubled.layout == layout
    rom = effect_sizes(doubled, "ROM")
    assert rom["estimate"][0] == pytest.approx(np.log(2), rel=1e-12)
    moved = effect_sizes(review(*quantiles_of(layout, shift=1.5)), "MD")
    assert moved["estimate"][0] == pytest.approx(1.5, rel=1e-12)
    g = effect_sizes(review(*quantiles_of(layout, shift=1.5)), "SMD")
    pooled_sd = moved["se"][0] / np.sqrt(2 / 30)
    assert g["estimate"][0] == pytest.approx(1.5 / pooled_sd * (1 - 3 / (4 * 58 - 1)), rel=1e-4)
    assert g["se"][0] == pytest.approx(np.sqrt(2 / 30 + g["estimate"][0] ** 2 / 120), rel=1e-12)


def test_medians_that_give_no_sd_are_all_named():
    columns, row = quantiles_of("five")
    flat, few, zero = row.copy(), row.copy(), row.copy()
    flat[7:10] = [8.0, 8.0, 8.0]
    few[5] = 4
    zero[0] = 0.0
    with pytest.raises(DataError) as caught:
        effect_sizes(review(columns, flat, few, zero), "ROM")
    assert [fault.partition(": ")[2] for fault in caught.value.faults] == [
        "q1_control and q3_control are both 8: no SD follows.",
        "n_treatment = 4. Turning medians into means needs 5 patients an arm.",
        "min_treatment = 0 has no logarithm, which ROM takes; use MD.",
    ]
    assert len(effect_sizes(review(columns, zero), "MD")) == 1


# Names, scales and axes.


def test_measures_and_their_words():
    assert list(MEASURES) == ["OR", "RR", "RD", "MD", "SMD", "ROM", "HR", "generic"]
    assert {name for name, m in MEASURES.items() if m.ratio} == {"OR", "RR", "ROM", "HR"}
    assert [m.null for m in MEASURES.values()] == [1, 1, 0, 0, 0, 1, 1, 0]
    assert axis_label("RR") == "Risk ratio"
    assert (symbol("RR"), symbol("generic")) == ("RR", "effect")
    assert measure("SMD").long == "standardised mean difference"
    with pytest.raises(UsageError, match=r"no measure 'rr'\. Choose one of OR, RR, RD, MD"):
        measure("rr")


def test_likelihood_and_scale():
    counts, means = review(BINARY, (1, 9, 2, 9)), review(MEANS, (1, 1, 9, 2, 1, 9))
    generic = review(("estimate", "se"), (0.1, 0.2))
    assert [default_likelihood(counts, m) for m in COUNTS] == ["binomial"] * 3
    assert [default_likelihood(means, m) for m in ("MD", "SMD", "ROM")] == ["normal"] * 3
    assert {default_likelihood(generic, m) for m in MEASURES} == {"normal"}
    for trials, wrong in ((counts, "MD"), (counts, "HR"), (means, "RR"), (means, "generic")):
        for refuse in (default_likelihood, effect_sizes):
            with pytest.raises(UsageError, match=f"{wrong} .* cannot be computed from the"):
                refuse(trials, wrong)
    with pytest.raises(UsageError, match="has no risks"):
        control_risks(means)
    with pytest.raises(UsageError, match="drop"):
        effect_sizes(counts, "OR", "maybe")
    assert not no_contrast(means).any()
    assert scale_of("RR", "binomial") == scale_of("HR", "normal") == "log"
    assert scale_of("RD", "binomial") == "atanh"
    assert scale_of("RD", "normal") == scale_of("MD", "normal") == "identity"


@pytest.mark.parametrize("scale", ["log", "identity", "atanh"])
def test_scales_there_and_back(scale):
    x = np.array([[-2.0, -0.1, 0.0], [0.3, 1.0, 4.0]])
    np.testing.assert_allclose(from_natural(to_natural(x, scale), scale), x, rtol=1e-9, atol=1e-15)
    assert np.ndim(to_natural(0.3, scale)) == 0
    assert to_natural(0.0, scale) == (1 if scale == "log" else 0)
    assert to_natural(1e4, "log") == np.inf


@pytest.mark.parametrize(
    ("value", "scale"),
    [(0, "log"), (-1, "log"), (1, "atanh"), (-1.5, "atanh"), (np.nan, "log"), (np.inf, "identity")],
)
def test_impossible_effects_are_refused(value, scale):
    with pytest.raises(UsageError, match=r"is not an? "):
        from_natural([0.5, value], scale)


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [
        ((0.25, 2), [0.25, 0.5, 1, 2]),
        ((0.5, 2), [0.5, 1, 2]),
        ((0.2, 1.6), [0.25, 0.5, 1]),
        ((0.4, 1.4), [0.5, 0.75, 1, 1.25]),
        ((0.9, 1.1), [0.9, 0.95, 1, 1.05, 1.1]),
        ((0.3, 40), [0.5, 1, 2, 5, 10, 20]),
        ((0.01, 100), [0.01, 0.1, 1, 10, 100]),
        ((1.0001, 1.0002), [1.0001, 1.0002]),
        ((110, 190), [110, 190]),
        ((90, 900), [100, 200, 500]),
    ],
)
def test_ticks_of_a_ratio_axis(ends, ticks):
    assert ratio_ticks(*ends) == pytest.approx(ticks)


@given(st.floats(-600, 600), st.floats(1e-6, 1200))
@settings(max_examples=200)
def test_ticks_are_few_rising_and_inside(start, length):
    lower, upper = np.exp(start), np.exp(min(start + length, 690.0))
    ticks = ratio_ticks(lower, upper)
    assert 2 <= len(ticks) <= 6
    assert sorted(set(ticks)) == ticks
    assert lower * (1 - 1e-8) <= ticks[0]
    assert ticks[-1] <= upper * (1 + 1e-8)


def test_an_axis_has_two_ends():
    for ends in ((0, 1), (2, 1), (1, 1), (1, np.inf), (np.nan, 1), (-2, -1)):
        with pytest.raises(UsageError, match="log axis"):
            ratio_ticks(*ends)
