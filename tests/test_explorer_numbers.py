"""Every live number of the explorer, in a real browser, against the Python engine."""

import numpy as np
import pytest
from browser import chromium, measured, visit
from explorer_answers import (
    differences,
    main_state,
    named_setting,
    setting,
    text,
    weights_of,
)
from explorer_reviews import DATA, REVIEWS

import bayespool as bp
from bayespool.measures import to_natural
from bayespool.prior import Prior

# Random settings of each outcome: 200 in all.
SETTINGS = {
    "mortality": 30,
    "hospital_stay": 60,
    "cure": 25,
    "pain": 6,  # Python takes seconds for Student-t effects in a new trial
    "clinical_improvement": 59,
    "serious_adverse_events": 20,
}
CLOSE = 1e-3  # in any probability, and in quantiles by the width of their interval


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def reviews(browser):
    return {name: review() for name, review in REVIEWS.items()}


@pytest.fixture(scope="module")
def file(reviews, tmp_path_factory):
    return bp.page(list(reviews.values()), tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def shown(browser, file):
    with visit(browser, file) as found:
        yield found
        found.quiet()


def test_six_outcomes_are_below_three_megabytes(shown, file, tmp_path, record_property):
    size = file.stat().st_size
    measured("page_size", {"bytes": size}, tmp_path, record_property)
    assert [outcome["name"] for outcome in shown.outcomes()] == list(REVIEWS)
    assert size < 3e6


@pytest.mark.parametrize("name", REVIEWS)
def test_live_numbers_equal_pythons_at_random_settings(
    name, shown, reviews, tmp_path, record_property
):
    random = np.random.default_rng(len(name))
    outcome = shown.outcome(name)
    states = [setting(random, outcome) for _ in range(SETTINGS[name])]
    if outcome["measure"] == "RR":
        names = [each["name"] for each in outcome["priors"]["named"]]
        states += [named_setting(random, outcome, each) for each in 2 * names]
    found = shown.live_at(outcome["id"], states)
    worst = {"probability": (0.0, ""), "quantile": (0.0, "")}
    beyond = {"probability": (0.0, ""), "quantile": (0.0, "")}  # where the page says so itself
    unanswered = warned = 0
    for state, (live, trouble) in zip(states, found, strict=True):
        off = differences(reviews[name], outcome, state, live)
        unanswered += not off
        warned += bool(off and trouble)
        largest = beyond if trouble else worst
        for key, difference in off.items():
            kind = "probability" if key.startswith("prob") else "quantile"
            largest[kind] = max(largest[kind], (float(difference), f"{key} {state}"))
    told = {"settings": len(states), "without_answer": unanswered, "warned": warned}
    told |= {kind: difference for kind, (difference, _) in worst.items()}
    told |= {f"{kind}_where_warned": difference for kind, (difference, _) in beyond.items()}
    measured(f"parity_{name}", told, tmp_path, record_property)
    assert unanswered + warned < len(states) / 5
    assert worst["probability"][0] < CLOSE, worst["probability"]
    assert worst["quantile"][0] < CLOSE, worst["quantile"]


# On the RR: sets that say something about the OR, others, and priors of a reader's own.
ASKED = (
    *("weak", "vague", "sceptical", "enthusiastic", "pessimistic"),
    *("Normal(0, 0.22)", "Normal(0, 1.0)", "Normal(0.3, 2)", "Cauchy(0, 0.5)"),
)


def improvement(priors: bp.Priors, effects: str = "random") -> bp.Analysis:
    return bp.analyse(
        DATA / "clinical_improvement.csv", "RR", priors, effects=effects, benefit="higher",
        important=1 / 0.7, name="clinical_improvement", event="improvements", engine="exact",
    )  # fmt: skip


def set_of(asked: str) -> bp.Priors:
    """The named set, or the weak one with this prior on mu, as the command line has it."""
    if "(" in asked:
        return bp.priors("RR", "weak", mu=asked)
    return bp.priors("RR", asked, important=1 / 0.7, benefit="higher")


def beside_the_record(analysis: bp.Analysis, live: dict) -> tuple[float, float]:
    """How far what the page says of 1,000 patients is from the record, in patients and in P."""
    part = analysis.record["absolute"]
    rows = {row["quantity"]: row for row in part["rows"] if row["baseline"] == part["headline"]}
    worst = 0.0
    for key, quantity, word, size in (
        ("absolute", "mu", "per_1000", 1),
        ("absolute_new", "theta_new", "per_1000", 1),
        ("risk", "mu", "risk_treatment", 1000),
    ):
        for end, value in rows.get(quantity, {word: {}})[word].items():
            worst = max(worst, size * abs(live[f"{key}.{end}"] - value))
    assert live["nnt"] == rows["mu"]["nnt"]
    p = part["prob"]["mu"][f"{part['important']:g}"]
    return worst, abs(live["prob_absolute"] - p)


@pytest.mark.parametrize("effects", [pytest.param("random", marks=pytest.mark.long), "common"])
def test_patients_of_1000_are_those_of_the_report_under_the_same_prior(
    effects, browser, tmp_path, record_property
):
    main = improvement(set_of("weak"), effects)
    told, measures = {}, set()
    with visit(browser, bp.page([main], tmp_path)) as shown:
        outcome = shown.outcome("clinical_improvement")
        for asked in ASKED:
            report = improvement(set_of(asked), effects)
            spec = json_of(report.priors.mu)
            tau = None if effects == "common" else json_of(report.priors.tau)
            state = main_state(outcome) | {"prior": None, "mu": spec, "tau": tau}
            ((live, _),) = shown.live_at(outcome["id"], [state])
            if asked == "Normal(0, 1.0)":
                report = main  # it is the weak prior
            by = report.record["absolute"]["measure"]
            assert by == ("OR" if report.priors.name in ("weak", "vague") else "RR"), asked
            measures.add(by)
            told[asked] = beside_the_record(report, live)
            said = shown.page.locator("[data-say=by]").text_content()
            assert ("By the odds ratio" in said) is (by == "OR"), said
            held = by == "RR" and max(report.record["absolute"]["clipped"].values()) > 0.01
            assert ("held at 1" in said) is held, said
    found = {"patients": max(x for x, _ in told.values()), "p": max(p for _, p in told.values())}
    measured(f"patients_{effects}", found, tmp_path, record_property)
    assert measures == {"OR", "RR"}
    assert found["patients"] < 0.5, told
    assert found["p"] < CLOSE, told


@pytest.mark.parametrize("effects", ["random", "common"])
@pytest.mark.parametrize(
    "own",
    [
        {"mu": "Normal(0, 0.22)"},
        {"tau": "HalfNormal(0.2)"},
        {"mu": "Normal(0, 1)", "tau": "HalfNormal(0.5)"},  # weak but in name
    ],
)
def test_the_page_begins_with_the_reports_own_numbers_of_a_users_prior(
    own, effects, browser, tmp_path
):
    report = improvement(bp.priors("RR", "weak", **own), effects)
    with visit(browser, bp.page([report], tmp_path)) as shown:
        live = shown.live(shown.outcome("clinical_improvement")["id"])
    assert report.record["absolute"]["measure"] == "RR"
    patients, p = beside_the_record(report, live)
    assert patients < 0.5
    assert p < CLOSE


def json_of(prior: Prior) -> list:
    return [prior.family, *prior.values]


# Keeps what the page hands to the figures that ask many questions.
LISTEN = """() => {
    globalThis.drawn = {};
    for (const name of ["atlas", "intervals"]) {
        const draw = BP.charts[name];
        BP.charts[name] = (host, given) => {
            drawn[host.closest("figure").dataset.figure] = given;
            return draw(host, given);
        };
    }
}"""


@pytest.mark.parametrize("name", ["mortality", "cure", "pain"])
def test_the_atlas_and_the_trials_left_out_are_pythons(
    name, shown, reviews, tmp_path, record_property
):
    analysis, outcome = reviews[name], shown.outcome(name)
    unit = outcome["limits"]["mean"][1] / 5
    state = {
        "prior": None,
        "mu": ["Normal", 0.4 * unit, unit],
        "tau": ["HalfNormal", 0.5 * unit],
        "threshold": 0.9 if outcome["ratio"] else -2.0,
        "without": [1],
        "trust": 0.5,
    }
    shown.page.evaluate(LISTEN)
    shown.live_at(outcome["id"], [state])
    drawn = shown.page.evaluate("() => drawn")
    table = analysis.surface.weighted(weights_of(outcome, state))
    priors = bp.Priors(text(state["mu"]), text(state["tau"]))
    asked = (priors, analysis.benefit, state["threshold"])
    atlas = bp.prior_atlas(
        table,
        *asked,
        mu_sd=drawn["atlas"]["sds"],
        tau_scale=drawn["atlas"]["scales"],
        centre=float(to_natural(state["mu"][1], analysis.scale)),
    )
    word = "prob_benefit" if analysis.benefit else "prob_below"
    found = {"atlas": float(np.abs(np.ravel(drawn["atlas"]["p"]) - atlas[word]).max())}
    without = bp.leave_one_out(table, *asked, new=False).iloc[1:]
    assert [row["label"] for row in drawn["left_out"]["rows"]] == [
        f"without {trial}" for trial in without["without"]
    ]
    found["left_out"] = apart(drawn["left_out"]["rows"], without, word)
    by_year = bp.cumulative(table, *asked, new=False).groupby("year").last()
    found["cumulative"] = apart(drawn["cumulative"]["rows"], by_year, word)
    measured(f"figures_{name}", found, tmp_path, record_property)
    assert max(found.values()) < CLOSE


def apart(rows, wanted, word) -> float:
    """Largest difference of probabilities, and of interval ends by the interval's width."""
    natural = wanted[["natural_median", "natural_lower", "natural_upper"]].to_numpy()
    width = wanted["natural_upper"] - wanted["natural_lower"]
    ends = np.abs([row["value"] for row in rows] - natural).max(axis=1) / width
    return float(max(ends.max(), np.abs([row["p"] for row in rows] - wanted[word]).max()))


def test_how_long_an_answer_takes_is_measured(shown, tmp_path, record_property):
    """Told, not judged: a time depends on what else the machine does."""
    outcome = shown.outcome("cure")
    assert len(outcome["trials"]) == 14
    shown.reset(outcome["id"])
    sliders = shown.page.locator(f"[id='{outcome['id']}'] input[type=range]:visible")
    spent = []
    for i in range(30):
        sliders.nth(i % sliders.count()).press("ArrowLeft" if i % 4 == 3 else "ArrowRight")
        spent.append(shown.page.evaluate("(id) => BP.explorer.lastUpdate(id)", outcome["id"]))
    assert all(time > 0 for time in spent)
    found = {"moves": len(spent), "median_ms": float(np.median(spent))}
    found |= {"p95_ms": float(np.quantile(spent, 0.95)), "largest_ms": max(spent)}
    measured("update_time", found, tmp_path, record_property)
