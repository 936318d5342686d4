"""The classical estimators against R's metafor, published results, and their own definitions."""

import json
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import chdtri

from bayespool.errors import DataError, UsageError
from bayespool.frequentist import (
    METHODS,
    TAU2_METHODS,
    cochran_q,
    double_zero_weight,
    egger,
    inverse_variance,
    leave_one_out,
    methods_for,
    peto_effects,
    pool,
    pool_rd,
    q_profile,
    regress_on_se,
    tau2_estimate,
    typical_variance,
)
from bayespool.measures import effect_sizes, no_contrast
from bayespool.trials import read_trials

HERE = Path(__file__).parent
METAFOR = json.loads((HERE / "reference" / "metafor.json").read_text(encoding="utf-8"))
DATASETS = {d["id"]: d for d in METAFOR["datasets"]}

COMMON = {"EE": "common-IV"}
TESTS = {"z": "", "knha": "-HK", "adhoc": "-mHK"}
POOLED = {
    "k": "k", "estimate": "estimate", "se": "se", "ci_lb": "lower", "ci_ub": "upper", "pval": "p",
    "tau2": "tau2", "I2": "i2", "H2": "h2", "Q": "q", "Qp": "q_p",
    "pi_riley_lb": "prediction_lower", "pi_riley_ub": "prediction_upper", "ddf": "ddf",
}  # fmt: skip
REGRESSION = {
    "stat": "statistic", "dfs": "df", "pval": "p", "intercept": "intercept",
    "intercept_se": "intercept_se", "slope": "slope", "slope_se": "slope_se",
}  # fmt: skip

EXCEPTIONS = {
    "negative mean": "R takes the log of a ratio of two negative means; we refuse it, and pool R's "
    "own effect sizes instead",
    "zero": "R's iteration stopped below 1e-12 and above 0; ours is 0, where the likelihood is "
    "no lower",
    "k=2": "R uses 1 degree of freedom for prediction where k - 2 is 0; we give no interval",
    "k=1": "with one trial left R calls tau2 0; we call it unknown",
    "k=2 Egger": "a line through two points has no error; we refuse the test",
    "bound": "R's search for the upper end of the Q profile stopped at its bound; at ours Q is "
    "the quantile",
    "failed": "R's Paule-Mandel search stopped at its bound with an error; at ours Q is k - 1",
    "loose": "R's regression test stops at a change of 1e-5 in tau2; ours has the higher "
    "restricted likelihood, one more step of R's would be shorter than that, and at R's tau2 "
    "all the rest agrees",
}


def loglik(y, v, tau2, x=None, restricted=True):
    """(Restricted) log likelihood of tau2, written down once more."""
    x = np.ones((len(y), 1)) if x is None else x
    w = 1 / (v + tau2)
    information = x.T @ (w[:, None] * x)
    residual = y - x @ np.linalg.solve(information, x.T @ (w * y))
    value = -0.5 * (np.log(v + tau2).sum() + (w * residual**2).sum())
    return value - 0.5 * np.linalg.slogdet(information)[1] if restricted else value


def fisher_step(y, v, tau2, x):
    """How far one step of Fisher scoring of the restricted likelihood would go."""
    w = np.diag(1 / (v + tau2))
    p = w - w @ x @ np.linalg.solve(x.T @ w @ x, x.T @ w)
    return (y @ p @ p @ y - np.trace(p)) / np.trace(p @ p)


def quantile_of_q(y, v, tau2):
    w = 1 / (v + tau2)
    return (w * (y - (w * y).sum() / w.sum()) ** 2).sum()


def generic(y, v):
    names = [f"t{i}" for i in range(len(y))]
    return read_trials(pd.DataFrame({"trial": names, "estimate": y, "se": np.sqrt(v)}))


def binary(*rows):
    """Trials from (events, n) under treatment and under control."""
    columns = ["events_treatment", "n_treatment", "events_control", "n_control"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.insert(0, "trial", [f"t{i}" for i in range(len(frame))])
    return read_trials(frame)


def trials_of(dataset):
    data = dataset["data"]
    if dataset["type"] == "binary":
        return binary(*zip(data["ai"], data["n1i"], data["ci"], data["n2i"], strict=True))
    columns = {
        "mean_treatment": "m1i", "sd_treatment": "sd1i", "n_treatment": "n1i",
        "mean_control": "m2i", "sd_control": "sd2i", "n_control": "n2i",
    }  # fmt: skip
    frame = pd.DataFrame({name: data[key] for name, key in columns.items()})
    return read_trials(frame.assign(trial=[f"t{i}" for i in range(len(frame))]))


class Ledger:
    """What was compared with R in one data set, and how it came out."""

    def __init__(self):
        self.compared = Counter()
        self.excepted = Counter()
        self.excused = []
        self.worst = {}
        self.wrong = []

    def compare(self, group, label, ours, theirs):
        if theirs is None:
            return
        self.compared[group] += 1
        if ours == theirs:
            return
        gap = abs(ours - theirs) / abs(theirs) if theirs else np.inf
        self.worst[group] = max(self.worst.get(group, 0.0), gap)
        if not gap <= 1e-6:
            self.wrong.append((group, label, ours, theirs))

    def check(self, exception, label, evidence):
        self.excepted[exception] += 1
        self.excused.append((exception, label))
        if not evidence:
            self.wrong.append((exception, label))


def computable(dataset, measure):
    """Whether we compute this measure from the data, or can only take R's effect sizes."""
    data = dataset.get("data", {})
    negative = measure == "ROM" and min(data["m1i"] + data["m2i"]) <= 0
    return dataset["type"] in ("binary", "continuous") and measure != "PETO" and not negative


def pooled_rows(dataset, analysis, drop):
    """Our rows by method, with y and v, through the public way in from the trials."""
    measure = analysis["measure"]
    if computable(dataset, measure):
        trials = trials_of(dataset)
        if measure == "RD" and drop:
            frame = pool_rd(trials)
            frame = frame[frame["double_zero"] == "dropped"]
            trials = trials.take(~no_contrast(trials))
        else:
            frame = pool(trials, measure, double_zero="drop" if drop else "keep")
        effects = effect_sizes(trials, measure, "drop" if drop else "keep")
        effects = effects[effects["used"]]
        y, v = effects["estimate"].to_numpy(), effects["se"].to_numpy() ** 2
    else:
        keep = analysis.get("used", range(len(analysis["yi"])))
        pairs = [(analysis["yi"][i], analysis["vi"][i]) for i in keep]
        y, v = np.array([pair for pair in pairs if None not in pair], dtype=float).T
        frame = pool(generic(y, v), "generic")
    rows = {row["method"]: row for row in frame.to_dict("records")}
    for suffix in ("-HK", "-mHK"):  # not a method of ours, but R has it
        rows[f"common-IV{suffix}"] = inverse_variance(f"common-IV{suffix}", y, v)
    return rows, y, v


def compare_pooled(ledger, entry, row, y, v, label):
    method, k = entry["method"], len(y)
    if "error" in entry:
        at_ours = quantile_of_q(y, v, row["tau2"])
        ledger.check("failed", label, method == "PM" and abs(at_ours / (k - 1) - 1) < 1e-10)
        return
    row = {**row, "ddf": k - 1}
    zero = row["tau2"] == 0 and 0 < (entry.get("tau2") or 0) < 1e-12
    for theirs, ours in POOLED.items():
        if theirs not in entry:
            continue
        if zero and theirs in ("tau2", "I2"):
            restricted = method == "REML"
            here, there = (loglik(y, v, t, restricted=restricted) for t in (0.0, entry["tau2"]))
            # Rounding alone can tell them apart by a few units in the last place.
            evidence = method in ("ML", "REML") and here >= there - 1e-13 * abs(there)
            ledger.check("zero", label, evidence)
        elif theirs.startswith("pi") and k == 2:
            ledger.check("k=2", label, np.isnan(row[ours]))
        else:
            ledger.compare(method, (*label, theirs), row[ours], entry[theirs])


def compare_regression(ledger, entry, y, v, label):
    if len(y) == 2:
        with pytest.raises(DataError, match="needs 3 trials"):
            egger(y, np.sqrt(v))
        ledger.check("k=2 Egger", label, True)
        return
    se = np.sqrt(v)
    ours = egger(y, se).set_index("model").loc[entry["model"]]
    if entry["model"] == "rma":
        x = np.column_stack([np.ones(len(y)), se])
        mine, theirs = loglik(y, v, ours["tau2"], x), loglik(y, v, entry["tau2"], x)
        step = max(fisher_step(y, v, entry["tau2"], x), -entry["tau2"])
        unfinished = abs(step) < 1e-5
        ledger.check("loose", label, mine >= theirs - 1e-12 * abs(theirs) and unfinished)
        ours = regress_on_se(y, se, entry["tau2"])
    for theirs, name in REGRESSION.items():
        if theirs in entry:
            ledger.compare(f"Egger {entry['model']}", (*label, theirs), ours[name], entry[theirs])


def compare_leave_one_out(ledger, entry, dataset, analysis, y, v, label):
    if computable(dataset, analysis["measure"]):
        ours = leave_one_out(trials_of(dataset), analysis["measure"], double_zero="keep")
    else:
        ours = leave_one_out(generic(y, v), "generic")
    for i in range(len(y)):
        theirs, row = entry["tau2"][i], ours.iloc[i]
        rest = np.arange(len(y)) != i
        if len(y) == 2:
            ledger.check("k=1", label, np.isnan(row["tau2"]) and theirs == 0)
        elif row["tau2"] == 0 and 0 < theirs < 1e-12:
            here, there = (loglik(y[rest], v[rest], t) for t in (0.0, theirs))
            ledger.check("zero", label, here >= there - 1e-13 * abs(there))
        else:
            ledger.compare("leave one out", (*label, i), row["tau2"], theirs)
        for name in ("estimate", "se", "ci_lb", "ci_ub", "Q"):
            ledger.compare("leave one out", (*label, i), row[POOLED[name]], entry[name][i])


@cache
def ledger_of(name):
    dataset, ledger = DATASETS[name], Ledger()
    for convention in ("analyses", "analyses_drop00"):
        for analysis in dataset.get(convention, ()):
            label = (name, convention, analysis["measure"])
            if dataset["type"] == "continuous" and not computable(dataset, analysis["measure"]):
                with pytest.raises(DataError, match="has no logarithm"):
                    effect_sizes(trials_of(dataset), analysis["measure"])
                ledger.check("negative mean", label, True)
            rows, y, v = pooled_rows(dataset, analysis, convention == "analyses_drop00")
            for entry in analysis["pooled"]:
                method = COMMON.get(entry["method"], entry["method"]) + TESTS[entry["test"]]
                compare_pooled(ledger, entry, rows[method], y, v, (*label, method))
            for entry in analysis.get("tau2_ci_QP", ()):
                ends = [float(end) for end in q_profile(y, v)]
                typical = float(typical_variance(v))
                for end, side in zip(ends, ("lb", "ub"), strict=True):
                    if entry.get(f"{side}_sign") == ">":
                        target = chdtri(len(y) - 1, 0.975)
                        evidence = abs(quantile_of_q(y, v, end) / target - 1) < 1e-10
                        higher = quantile_of_q(y, v, entry[f"tau2_{side}"]) > target
                        ledger.check("bound", label, evidence and higher)
                        continue
                    h2 = (typical + end) / typical
                    for key, value in (("tau2", end), ("I2", 100 - 100 / h2), ("H2", h2)):
                        ledger.compare("Q profile", (*label, key), value, entry[f"{key}_{side}"])
            for entry in analysis.get("regtest", ()):
                compare_regression(ledger, entry, y, v, label)
            if "leave1out" in analysis:
                entry = analysis["leave1out"]
                compare_leave_one_out(ledger, entry, dataset, analysis, y, v, label)
    if dataset["type"] == "binary":
        trials = trials_of(dataset)
        silent = int(no_contrast(trials).sum())
        events = trials.frame["events_treatment"] + trials.frame["events_control"]
        without_events = int((events == 0).sum())
        for entry in dataset["rma_mh"]:
            (ours,) = pool(trials, entry["measure"], ["MH"]).to_dict("records")
            left = {"RD": 0, "RR": without_events, "OR": silent}[entry["measure"]]
            assert ours["k"] == entry["k"] - left
            for theirs in ("estimate", "se", "ci_lb", "ci_ub", "pval", "Q", "Qp", "I2"):
                ledger.compare("MH", (name, theirs), ours[POOLED[theirs]], entry[theirs])
        (ours,) = pool(trials, "OR", ["Peto"]).to_dict("records")
        entry = dataset["rma_peto"]
        assert ours["k"] == entry["k"] - silent
        for theirs in ("estimate", "se", "ci_lb", "ci_ub", "pval", "Q", "Qp", "I2"):
            ledger.compare("Peto", (name, theirs), ours[POOLED[theirs]], entry[theirs])
        y, v = peto_effects(trials)
        (analysis,) = (a for a in dataset["analyses"] if a["measure"] == "PETO")
        # Where a cell is empty escalc adds 1/2, which Peto's method, and rma.peto, never need.
        for i in np.flatnonzero(~effect_sizes(trials, "RD")["corrected"]):
            ledger.compare("Peto", (name, int(i)), y[i], analysis["yi"][i])
            ledger.compare("Peto", (name, int(i)), v[i], analysis["vi"][i])
    return ledger


@pytest.mark.parametrize("name", DATASETS)
def test_equals_metafor(name):
    assert ledger_of(name).wrong == []


def test_the_comparison_with_metafor_has_not_shrunk():
    compared, excepted = Counter(), Counter()
    for name in DATASETS:
        compared += ledger_of(name).compared
        excepted += ledger_of(name).excepted
    assert len(DATASETS) == METAFOR["about"]["n_datasets"] == 31
    assert compared == {
        "EE": 1243, "DL": 3045, "PM": 3018, "REML": 3033, "ML": 3029, "HE": 3045, "HS": 3045,
        "SJ": 3045, "EB": 3045, "MH": 432, "Peto": 686, "Q profile": 447, "Egger lm": 518,
        "Egger rma": 444, "leave one out": 9630,
    }  # fmt: skip
    assert excepted == {
        "loose": 74, "zero": 80, "k=2": 48, "failed": 3, "k=2 Egger": 2, "k=1": 2, "bound": 1,
        "negative mean": 1,
    }  # fmt: skip
    assert set(excepted) == set(EXCEPTIONS)


def test_every_case_of_metafor_is_in_the_comparison():
    """Each entry of each kind, counted in the file itself, so that none is passed over."""
    analyses = [
        analysis
        for dataset in METAFOR["datasets"]
        for convention in ("analyses", "analyses_drop00")
        for analysis in dataset.get(convention, ())
    ]
    assert len(analyses) == 113
    assert sum(len(a["pooled"]) for a in analyses) == 113 * 25
    assert sum(len(a.get("regtest", ())) for a in analyses) == 2 * 75
    assert sum(len(a.get("tau2_ci_QP", ())) for a in analyses) == 75
    assert sum(len(a["leave1out"]["tau2"]) for a in analyses if "leave1out" in a) == 1614
    methods = {(p["method"], p["test"]) for a in analyses for p in a["pooled"]}
    ours = {(COMMON.get(m, m) + TESTS[t]) for m, t in methods}
    assert ours - {"common-IV-HK", "common-IV-mHK"} == set(METHODS) - {"MH", "Peto"}


def exp_row(frame, method):
    (row,) = frame[frame["method"] == method].to_dict("records")
    return [float(np.exp(row[name])) for name in ("estimate", "lower", "upper")]


def test_mortality_is_the_flagship():
    trials = read_trials(HERE.parent / "data" / "mortality.csv")
    frame = pool(trials, "RR")
    assert list(frame["method"]) == list(methods_for(trials, "RR"))
    assert exp_row(frame, "common-IV") == pytest.approx([0.76, 0.59, 0.96], abs=0.005)
    assert exp_row(frame, "MH") == pytest.approx([0.75, 0.58, 0.95], abs=0.005)
    assert exp_row(frame, "DL") == pytest.approx([0.74, 0.56, 0.97], abs=0.005)
    assert frame.set_index("method")["i2"]["DL"] == pytest.approx(5.9, abs=0.05)
    assert set(frame["k"]) == {9}
    assert list(frame["note"]) == [""] * len(frame)


# Numbers below are as printed by the peers and papers of the numbered examples.

BCG = DATASETS["dat.bcg"]


@pytest.mark.parametrize(
    ("measure", "method", "name", "printed"),
    [
        ("RR", "common-IV", "estimate", -0.4303), ("RR", "common-IV", "lower", -0.5097),
        ("RR", "common-IV", "upper", -0.3509), ("RR", "common-IV", "q", 152.2330),
        ("RR", "DL", "estimate", -0.7141), ("RR", "DL", "lower", -1.0644),
        ("RR", "DL", "upper", -0.3638), ("RR", "DL", "tau2", 0.3088), ("RR", "DL", "i2", 92.1173),
        ("RR", "REML", "estimate", -0.714532), ("RR", "REML", "se", 0.179782),
        ("RR", "REML", "tau2", 0.313243), ("RR", "REML", "i2", 92.2214),
        ("RR", "ML", "estimate", -0.711199), ("RR", "ML", "tau2", 0.280028),
        ("RR", "PM", "estimate", -0.714968), ("RR", "PM", "tau2", 0.318068),
        ("RR", "SJ", "tau2", 0.345516), ("RR", "HE", "tau2", 0.328564),
        ("RR", "REML-HK", "se", 0.180792), ("RR", "REML-HK", "lower", -1.10844),
        ("RR", "REML-HK", "upper", -0.32062),
        ("OR", "common-IV", "estimate", -0.4361), ("OR", "common-IV", "lower", -0.5190),
        ("OR", "common-IV", "upper", -0.3533), ("OR", "common-IV", "q", 163.1649),
        ("OR", "DL", "estimate", -0.7474), ("OR", "DL", "lower", -1.1242),
        ("OR", "DL", "upper", -0.3706), ("OR", "DL", "tau2", 0.3663), ("OR", "DL", "i2", 92.6455),
        ("OR", "REML", "estimate", -0.745178), ("OR", "REML", "se", 0.186028),
        ("OR", "REML", "tau2", 0.337772), ("OR", "REML-HK", "lower", -1.15202),
        ("OR", "REML-HK", "upper", -0.33834),
        ("RD", "common-IV", "estimate", -0.0009), ("RD", "common-IV", "lower", -0.0014),
        ("RD", "common-IV", "upper", -0.0005), ("RD", "DL", "estimate", -0.0071),
        ("RD", "DL", "lower", -0.0101), ("RD", "DL", "upper", -0.0040),
        ("RD", "DL", "i2", 95.6596),
        ("RR", "MH", "estimate", -0.4537), ("RR", "MH", "lower", -0.5308),
        ("RR", "MH", "upper", -0.3766), ("RR", "MH", "q", 152.5676),
        ("OR", "MH", "estimate", -0.4734), ("OR", "MH", "lower", -0.5538),
        ("OR", "MH", "upper", -0.3930), ("OR", "MH", "q", 163.9426),
        ("RD", "MH", "estimate", -0.0033), ("RD", "MH", "lower", -0.0039),
        ("RD", "MH", "upper", -0.0027),
    ],
)  # fmt: skip
def test_bcg_as_stata_and_metafor_print_it(measure, method, name, printed):
    """Examples 15 and 16."""
    (row,) = pool(trials_of(BCG), measure, [method]).to_dict("records")
    places = len(str(printed).partition(".")[2])
    assert row[name] == pytest.approx(printed, abs=0.51 * 10.0**-places)


def test_crins_reml():
    """Example 17: Röver (2020), J Stat Softw 93(6)."""
    trials = binary(
        (14, 61, 15, 20), (16, 28, 19, 28), (3, 18, 8, 12), (9, 54, 29, 54), (4, 36, 11, 36),
        (0, 50, 3, 34),
    )  # fmt: skip
    (row,) = pool(trials, "OR", ["REML"]).to_dict("records")
    # Printed with R's default stopping rule, hence not to the last digit.
    assert np.sqrt(row["tau2"]) == pytest.approx(0.4670268, abs=2e-5)
    assert row["estimate"] == pytest.approx(-1.591513, abs=2e-5)
    assert row["se"] == pytest.approx(0.3340882, abs=2e-5)


def test_normand_length_of_stay():
    """Example 21: mean differences with the pooled SD, as printed there."""
    data = {name: np.array(values) for name, values in DATASETS["dat.normand1999"]["data"].items()}
    n1, n2 = data["n1i"], data["n2i"]
    pooled = ((n1 - 1) * data["sd1i"] ** 2 + (n2 - 1) * data["sd2i"] ** 2) / (n1 + n2 - 2)
    trials = generic(data["m1i"] - data["m2i"], pooled * (1 / n1 + 1 / n2))
    rows = pool(trials, "generic").set_index("method")
    columns = ["estimate", "lower", "upper"]
    for method, printed, tau2 in (
        ("common-IV", [-3.4939, -5.0265, -1.9613], 0.0),
        ("DL", [-14.0972, -24.4454, -3.7490], 218.7216),
        ("REML", [-15.1217, -32.6716, 2.4282], 685.1965),
    ):
        assert list(rows.loc[method, columns]) == pytest.approx(printed, abs=1e-4)
        assert rows.loc[method, "tau2"] == pytest.approx(tau2, abs=1e-3)


def test_hine_prophylactic_lidocaine():
    """Example 21: risk differences in percent."""
    row = pool(trials_of(DATASETS["dat.hine1989"]), "RD", ["DL"]).iloc[0]
    ours = [100 * row[name] for name in ("estimate", "lower", "upper")]
    assert ours == pytest.approx([2.9444, 0.3831, 5.5058], abs=1e-4)
    assert row["tau2"] == 0


def test_linde_st_johns_wort():
    """Example 22: 17 trials of Linde et al. (2005), risk ratios."""
    trials = binary(
        (20, 25, 11, 25), (14, 20, 9, 20), (4, 25, 2, 25), (20, 32, 6, 33), (28, 50, 13, 55),
        (34, 48, 25, 49), (35, 53, 12, 54), (24, 49, 16, 49), (45, 80, 12, 79), (67, 106, 22, 47),
        (34, 60, 17, 59), (46, 70, 34, 70), (55, 123, 57, 124), (23, 37, 15, 35),
        (26, 98, 19, 102), (46, 113, 56, 116), (98, 186, 80, 189),
    )  # fmt: skip
    frame = pool(trials, "RR", ["DL", "common-IV"])
    assert exp_row(frame, "DL") == pytest.approx([1.5722, 1.3103, 1.8864], abs=1e-4)
    assert exp_row(frame, "common-IV") == pytest.approx([1.3840, 1.2599, 1.5204], abs=1e-4)
    row = frame.iloc[0]
    assert row["tau2"] == pytest.approx(0.0903, abs=1e-4)
    # Printed with a normal quantile: the variance of the pooled effect belongs in it.
    reach = 1.959964 * np.hypot(np.sqrt(row["tau2"]), row["se"])
    printed = np.exp([row["estimate"] - reach, row["estimate"] + reach])
    assert list(printed) == pytest.approx([0.8488, 2.9120], abs=1e-4)
    assert row["prediction_df"] == 15
    assert np.exp(row["prediction_upper"]) > 2.9120


def test_yusuf_beta_blockers_by_peto():
    """Example 24: the same by the pooled counts and by weighting the trials' own effects."""
    trials = trials_of(DATASETS["dat.yusuf1985_table6"])
    frame = pool(trials, "OR", ["Peto"])
    assert exp_row(frame, "Peto") == pytest.approx([0.9332, 0.7385, 1.1792], abs=1e-4)
    y, v = peto_effects(trials)
    there = np.isfinite(y)
    again = inverse_variance("common-IV", y[there], v[there])
    assert again["estimate"] == pytest.approx(frame["estimate"][0], rel=1e-12)


# What the estimators are by definition.

REVIEWS = st.integers(2, 12).flatmap(
    lambda k: st.tuples(
        st.lists(st.floats(-3, 3), min_size=k, max_size=k),
        st.lists(st.floats(-7, 3), min_size=k, max_size=k),
    )
)


@given(REVIEWS)
@settings(max_examples=80, deadline=None)
def test_tau2_is_what_it_claims_to_be(review):
    y, v = np.array(review[0]), np.exp(np.array(review[1]))
    k = len(y)
    tau2 = {method: float(tau2_estimate(method, y, v)) for method in TAU2_METHODS}
    assert min(tau2.values()) >= 0
    q_there = float(cochran_q(y, v, tau2["PM"]))
    if tau2["PM"] > 0:
        assert q_there == pytest.approx(k - 1, rel=1e-9)
    else:
        assert q_there <= (k - 1) * (1 + 1e-12)
    spots = [0.0, *np.geomspace(1e-8, 400, 200)]
    for method, restricted in (("ML", False), ("REML", True)):
        highest = max(loglik(y, v, t, restricted=restricted) for t in spots)
        found = loglik(y, v, tau2[method], restricted=restricted)
        assert found >= highest - 1e-9 * max(1, abs(highest))


def test_reml_takes_the_higher_of_two_maxima():
    y = np.array([-0.04, -0.02, 7.05, -6.17, -0.11])
    v = np.array([0.004, 0.004, 6.798, 2.71, 0.146])
    spots = np.geomspace(1e-4, 40, 400)
    heights = np.array([loglik(y, v, t) for t in spots])
    peaks = [i for i in range(1, 399) if heights[i] > max(heights[i - 1], heights[i + 1])]
    assert len(peaks) == 1
    assert heights[0] > heights[50]  # so that 0 is a maximum as well, and the lower one
    assert loglik(y, v, 0.0) < heights[peaks[0]]
    assert tau2_estimate("REML", y, v) == pytest.approx(spots[peaks[0]], rel=0.04)


@pytest.mark.parametrize(("outlier", "expected"), [(12.28023, 0.000505), (12.28025, 11.5285)])
def test_reml_tells_two_inner_maxima_apart_by_a_hair(outlier, expected):
    """At an outlier of 12.28024 both are as high; the scan alone would take the wrong one."""
    y = np.array([-0.03, 0.13, 0.02, outlier, 0.02, -0.01, 0.03, 0.31, 0.04])
    v = np.array([0.0004, 0.7056, 0.0003, 3.1474, 0.0649, 4.4614, 0.0003, 1.5334, 0.0019])
    spots = np.concatenate([np.linspace(4e-4, 6e-4, 400), np.linspace(11, 12, 400)])
    heights = [loglik(y, v, t) for t in spots]
    found = float(tau2_estimate("REML", y, v))
    assert loglik(y, v, found) >= max(heights) - 1e-9
    assert found == pytest.approx(expected, rel=1e-3)


def test_reml_beside_a_trial_that_outweighs_all_others():
    # Rounding of the score near 0 was once taken for maxima. By 60 digits of mpmath the log
    # likelihood is -24.44398 at the maximum and -24.45143 at 0.
    y = np.array([-5.51137298, -5.54537644e5, -0.649298069, 169.568525])
    v = np.array([38.4955545, 1.74698134e11, 2.95188150e-11, 3254.05449])
    assert tau2_estimate("REML", y, v) == pytest.approx(6323.4941888248865, rel=1e-11)


def test_one_weight_that_dwarfs_the_others_leaves_the_moment_estimator_its_digits():
    y, v = np.array([700.0, 0.0]), np.array([1e-16, 2500.0])
    # By hand: Q = 700² / (v1 + v2), and the weights' spread is 2 / (v1 + v2).
    assert tau2_estimate("DL", y, v) == pytest.approx((700**2 - 2500) / 2, rel=1e-12)


@pytest.mark.parametrize("method", TAU2_METHODS)
def test_many_reviews_at_once_equal_each_alone(method, monkeypatch):
    rng = np.random.default_rng(5)
    v = rng.uniform(0.01, 0.5, (3, 40, 12))
    y = rng.normal(0.2, np.sqrt(v + 0.1))
    y[rng.random(y.shape) < 0.4] = np.nan
    y[0, 0, 1:] = np.nan  # a review of one trial
    together = tau2_estimate(method, y, v)
    assert together.shape == (3, 40)
    assert np.isnan(together[0, 0])
    for i, j in ((0, 1), (1, 7), (2, 39)):
        there = np.isfinite(y[i, j])
        alone = tau2_estimate(method, y[i, j][there], v[i, j][there])
        assert together[i, j] == pytest.approx(float(alone), rel=1e-10, abs=1e-14)
    monkeypatch.setattr("bayespool.frequentist.heterogeneity._BLOCK", 12 * 128 * 7)
    np.testing.assert_array_equal(tau2_estimate(method, y, v), together)


@given(REVIEWS, st.floats(0.5, 0.99))
@settings(max_examples=100, deadline=None)
def test_q_profile_ends_where_q_is_the_quantile(review, level):
    y, v = np.array(review[0]), np.exp(np.array(review[1]))
    df = len(y) - 1
    ends = q_profile(y, v, level)
    tails = ((1 - level) / 2, (1 + level) / 2)
    for end, tail in zip(ends, tails, strict=True):
        target = chdtri(df, tail)
        if end > 0:
            assert quantile_of_q(y, v, float(end)) == pytest.approx(target, rel=1e-8)
        else:
            assert quantile_of_q(y, v, 0.0) <= target * (1 + 1e-12)
    assert ends[0] <= ends[1]


@given(REVIEWS)
@settings(max_examples=60, deadline=None)
def test_modified_hartung_knapp_is_never_narrower_than_wald(review):
    y, v = np.array(review[0]), np.exp(np.array(review[1]))
    wald, plain, modified = (inverse_variance(f"DL{test}", y, v) for test in ("", "-HK", "-mHK"))
    assert modified["se"] >= max(wald["se"], plain["se"]) * (1 - 1e-12)
    assert modified["upper"] - modified["lower"] >= (wald["upper"] - wald["lower"]) * (1 - 1e-12)
    assert wald["lower"] <= wald["estimate"] <= wald["upper"]


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_swapping_the_arms_changes_the_sign_alone(measure):
    rows = [(4, 40, 9, 38), (0, 25, 3, 30), (12, 60, 11, 55), (5, 17, 9, 90), (0, 30, 0, 31)]
    there = pool(binary(*rows), measure)
    back = pool(binary(*[(c, n2, a, n1) for a, n1, c, n2 in rows]), measure)
    for same in ("se", "p", "tau2", "q", "i2", "k"):
        np.testing.assert_allclose(back[same], there[same], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(back["estimate"], -there["estimate"], rtol=1e-9)
    np.testing.assert_allclose(back["lower"], -there["upper"], rtol=1e-9)
    np.testing.assert_allclose(back["prediction_lower"], -there["prediction_upper"], rtol=1e-9)


def test_a_shift_far_from_zero_leaves_heterogeneity_alone():
    y, v = np.array([0.1, -0.4, 0.3, 0.9]), np.array([0.02, 0.05, 0.01, 0.2])
    for method in TAU2_METHODS:
        near, far = inverse_variance(method, y, v), inverse_variance(method, y + 2.0**30, v)
        assert far["tau2"] == pytest.approx(near["tau2"], rel=1e-6)
        assert far["se"] == pytest.approx(near["se"], rel=1e-6)


# Few trials, no events, and requests that cannot be met.


def test_one_trial_gives_its_own_interval():
    frame = pool(binary((3, 20, 7, 21)), "OR")
    rows = frame.set_index("method")
    for method in ("DL", "REML", "HS", "EB", "SJ"):
        assert rows.loc[method, "estimate"] == rows.loc["common-IV", "estimate"]
        assert rows.loc[method, "lower"] == rows.loc["common-IV", "lower"]
        assert np.isnan(
            rows.loc[method, ["tau2", "i2", "q_p", "prediction_df"]].astype(float)
        ).all()
        assert "one trial" in rows.loc[method, "note"]
        assert np.isnan(rows.loc[f"{method}-HK", "se"])
    assert rows.loc["common-IV", "note"] == ""


@pytest.mark.parametrize(("k", "noted"), [(2, True), (4, True), (5, False)])
def test_below_five_trials_random_effects_carry_a_note(k, noted):
    rows = [(3 + i, 20, 7, 21 + i) for i in range(k)]
    frame = pool(binary(*rows), "OR").set_index("method")
    expected = f"{k} trials: random-effects intervals are unreliable below 5" if noted else ""
    assert set(frame.drop(index=["common-IV", "MH", "Peto"])["note"]) == {expected}
    assert set(frame.loc[["common-IV", "MH", "Peto"], "note"]) == {""}
    predicted = frame.loc[["DL", "REML-mHK"], "prediction_df"]
    assert predicted.isna().all() if k == 2 else (predicted == k - 2).all()


def test_all_trials_without_events():
    trials = binary((0, 20, 0, 21), (0, 10, 0, 9))
    for measure in ("OR", "RR"):
        with pytest.raises(DataError, match="no trial tells the arms apart"):
            pool(trials, measure)
        assert np.isfinite(pool(trials, measure, ["DL"], double_zero="keep")["estimate"][0])
    row = pool(trials, "RD", ["MH"]).iloc[0]
    assert row["estimate"] == 0
    assert row[["se", "lower", "upper", "p"]].isna().all()
    assert row["note"] == "no standard error: every arm has events only, or none"
    assert len(pool_rd(trials)) == len(pool(trials, "RD"))


def test_an_arm_without_events_has_no_mantel_haenszel_ratio():
    trials = binary((0, 20, 3, 21), (0, 30, 4, 29))
    for measure in ("OR", "RR"):
        row = pool(trials, measure, ["MH"]).iloc[0]
        assert np.isnan(row["estimate"])
        assert "no event in any trial" in row["note"]
    assert pool(trials, "OR", ["Peto"])["estimate"][0] < 0


def test_events_in_every_patient():
    trials = binary((20, 20, 21, 21), (10, 10, 7, 9))
    frame = pool(trials, "OR")
    assert set(frame["k"]) == {1}
    assert np.isnan(frame.set_index("method").loc["MH", "estimate"])
    assert "no non-event" in frame.set_index("method").loc["MH", "note"]
    assert np.isfinite(pool(trials, "RR", ["MH"])["se"][0])
    full = binary((20, 20, 21, 21), (11, 11, 7, 7), (3, 3, 1, 1))
    for measure in ("RR", "RD"):
        row = pool(full, measure, ["MH"], double_zero="keep").iloc[0]
        assert row["estimate"] == pytest.approx(0, abs=1e-15)
        assert np.isnan(row["se"])


def test_risk_difference_says_what_trials_without_events_weigh():
    trials = read_trials(HERE.parent / "data" / "mortality.csv")
    assert double_zero_weight(trials) == pytest.approx(0.676, abs=5e-4)
    frame = pool_rd(trials)
    assert set(frame["double_zero"]) == {"kept", "dropped"}
    assert frame["method"][0] == "MH"
    kept, dropped = (frame[frame["double_zero"] == word] for word in ("kept", "dropped"))
    assert (kept["k"] == 10).all()
    assert (dropped["k"] == 9).all()
    assert all("68 % of the weight" in note for note in kept["note"][1:])
    assert not any("weight" in note for note in dropped["note"])
    pd.testing.assert_frame_equal(
        kept.drop(columns=["double_zero", "double_zero_weight"]), pool(trials, "RD")
    )


@pytest.mark.parametrize(
    ("measure", "methods", "message"),
    [
        ("RR", ["Peto"], "Peto does not exist for RR"),
        ("RR", ["DLL"], "there is no method 'DLL'"),
        ("MD", None, "MD .* cannot be computed from the binary layout"),
    ],
)
def test_impossible_requests(measure, methods, message):
    with pytest.raises(UsageError, match=message):
        pool(binary((3, 20, 7, 21)), measure, methods)


def test_methods_follow_the_layout_and_the_measure():
    counts, estimates = binary((3, 20, 7, 21)), generic(np.array([0.1]), np.array([0.2]))
    assert methods_for(counts, "OR")[:3] == ("common-IV", "MH", "Peto")
    assert methods_for(counts, "RR")[:3] == ("common-IV", "MH", "DL")
    assert methods_for(counts, "RD")[:3] == ("MH", "common-IV", "DL")
    assert methods_for(estimates, "OR")[:2] == ("common-IV", "DL")
    assert len(methods_for(counts, "OR")) == len(METHODS) == 27


def test_level_is_used_and_checked():
    trials = trials_of(BCG)
    wide, narrow = (pool(trials, "RR", ["DL-HK"], level=level).iloc[0] for level in (0.99, 0.8))
    assert wide["lower"] < narrow["lower"] < narrow["upper"] < wide["upper"]
    assert wide["prediction_lower"] < narrow["prediction_lower"]
    for impossible in (0.0, 1.0, 95.0, np.nan):
        with pytest.raises(UsageError, match="between 0 and 1"):
            pool(trials, "RR", level=impossible)
        with pytest.raises(UsageError, match="between 0 and 1"):
            q_profile(np.array([0.1, 0.2]), np.array([0.1, 0.2]), level=impossible)


def test_egger_refuses_equal_standard_errors():
    with pytest.raises(DataError, match=r"standard errors that differ; all are 0\.3"):
        egger(np.array([0.1, 0.2, 0.5]), np.full(3, 0.3))


def test_leave_one_out_equals_pooling_the_rest():
    trials = read_trials(HERE.parent / "data" / "mortality.csv")
    frame = leave_one_out(trials, "RR", "REML-mHK")
    assert list(frame["left_out"]) == trials.names[:-1]  # the last has no event in either arm
    for i, name in enumerate(trials.names[:-1]):
        mask = np.array([other != name for other in trials.names])
        (again,) = pool(trials.take(mask), "RR", ["REML-mHK"]).to_dict("records")
        for column in ("estimate", "se", "lower", "upper", "tau2", "q", "prediction_upper"):
            assert frame[column][i] == pytest.approx(again[column], rel=1e-9, abs=1e-13)
    with pytest.raises(UsageError, match="not MH"):
        leave_one_out(trials, "RR", "MH")
    with pytest.raises(DataError, match="needs 2 trials; there are 1"):
        leave_one_out(trials.take([0, 9]), "RR")


def test_estimators_agree_where_they_must():
    """With equal variances all but HS, ML and SJ are the one moment estimator."""
    y, v = np.array([0.1, -0.5, 0.8, 1.1]), np.full(4, 0.04)
    expected = y.var(ddof=1) - 0.04
    for method in ("DL", "PM", "REML", "HE", "EB"):
        assert tau2_estimate(method, y, v) == pytest.approx(expected, rel=1e-12)
    assert tau2_estimate("ML", y, v) == pytest.approx(y.var() - 0.04, rel=1e-12)


@pytest.mark.parametrize("method", TAU2_METHODS)
def test_equal_estimates_have_no_heterogeneity(method):
    for y in (np.zeros(4), np.full(4, 0.3)):
        row = inverse_variance(method, y, np.array([0.1, 0.2, 0.3, 0.4]))
        assert row["tau2"] == 0
        assert row["i2"] == 0
        assert row["estimate"] == pytest.approx(y[0])


def test_intervals_are_ordered_by_method_name_alone():
    """The default table is the whole table, in one order, whatever is asked beside it."""
    trials = trials_of(BCG)
    whole = pool(trials, "OR").set_index("method")
    for first, second in pairwise(METHODS):
        part = pool(trials, "OR", [second, first]).set_index("method")
        pd.testing.assert_frame_equal(part, whole.loc[[second, first]])
