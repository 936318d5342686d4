import json

import jsonschema
import pandas as pd
import pytest

import bayespool as bp
from bayespool.files import json_text
from bayespool.record import data_name

ORDER = (
    "schema", "analysis", "measure", "scale", "likelihood", "effects", "benefit", "trials",
    "participants", "data_sha256", "seed", "versions", "priors", "exact", "nuts", "frequentist",
    "diagnostics", "agreement", "wall_seconds",
)  # fmt: skip
NUMBERS = {"mean", "sd", "median", "lower", "upper", "lower_hdi", "upper_hdi"}
COUNTS = pd.DataFrame(
    {
        "trial": ["a", "b", "c"],
        "events_treatment": [3, 1, 10],
        "n_treatment": [10, 20, 30],
        "events_control": [5, 4, 12],
        "n_control": [10, 21, 30],
    }
)


def test_the_flagship_keeps_the_contract(both, valid_record):
    record = valid_record(both.record)
    assert [key for key in record if key in ORDER] == list(ORDER)
    assert (record["trials"], record["participants"]) == (10, 610)
    assert record["priors"] == {
        "mu": "Normal(0, 1)", "tau": "HalfNormal(0.5)", "phi": "Normal(0, 10)", "name": "weak",
    }  # fmt: skip
    for engine in ("exact", "nuts"):
        part = record[engine]
        for name in ("mu", "tau", "theta_new"):
            assert set(part[name]) == NUMBERS
        assert set(part["theta"]) == set(both.trials.names)
        for word in ("prob_benefit", "prob_benefit_new", "prob_harm"):
            assert list(part[word]) == ["1", "0.9", "0.8"]
    assert record["exact"]["grid_error"] < 1e-4
    assert record["exact"]["prob_benefit"]["1"] == pytest.approx(0.975, abs=5e-4)
    ends = [record["exact"]["natural"]["mu"][end] for end in ("median", "lower", "upper")]
    assert ends == pytest.approx([0.706, 0.453, 1.001], abs=5e-4)
    assert record["diagnostics"]["ok"] is True
    assert record["agreement"]["ok"] is True


def test_every_sampled_quantity_has_its_errors_and_diagnostics(both):
    part = both.record["nuts"]
    for word in ("mcse", "ess_bulk", "ess_tail", "r_hat"):
        assert set(part[word]) == {"mu", "tau", "theta_new", "theta"}
        assert set(part[word]["theta"]) == set(both.trials.names)
    assert set(part["mcse"]["mu"]) == {"mean", "sd", "median", "lower", "upper"}
    assert part["ess_bulk"]["mu"] > 400
    assert part["r_hat"]["tau"] < 1.01


def test_frequentist_rows_have_the_contracts_words(both):
    rows = {row["method"]: row for row in both.record["frequentist"]}
    assert rows["common-IV"]["i2"] == pytest.approx(5.93, abs=0.01)
    assert rows["DL"]["prediction_df"] == 7
    assert rows["common-IV"]["prediction_lower"] is None
    assert {"estimate", "se", "lower", "upper", "p", "tau2", "q", "q_p"} <= set(rows["MH"])


@pytest.mark.parametrize(
    "options",
    [
        {"measure": "RR", "benefit": "lower"},
        {"measure": "OR", "benefit": "lower", "effects": "common", "thresholds": [0.9]},
        {"measure": "RD", "benefit": "lower", "thresholds": ["-0.05"]},
        {"measure": "RD", "benefit": "lower", "likelihood": "normal"},
        {"measure": "RR", "likelihood": "normal"},
        {"measure": "RR"},
    ],
    ids=str,
)
def test_records_of_every_kind_fit_the_schema(options, valid_record):
    record = valid_record(bp.analyse(COUNTS, engine="exact", **options).record)
    common = options.get("effects") == "common"
    assert ("tau" in record["exact"]) is not common
    assert ("theta" in record["exact"]) is not common
    assert ("prob_benefit" in record["exact"]) is ("benefit" in options)
    assert record["diagnostics"] is None
    assert record["agreement"]["ok"] is None


def test_what_is_undefined_is_null(valid_record):
    found = bp.analyse(
        COUNTS.iloc[:1],
        "RR",
        priors=bp.Priors("Normal(0, 1)", "HalfCauchy(1)"),
        benefit="lower",
        engine="exact",
    )
    record = valid_record(found.record)
    assert record["exact"]["tau"]["sd"] is None
    assert record["exact"]["tau"]["median"] > 0


def test_an_improper_prior_has_no_marginal_likelihood():
    found = bp.analyse(COUNTS, "RR", priors=bp.Priors("Flat()", "HalfNormal(0.5)"), engine="exact")
    assert found.record["exact"]["log_marginal_likelihood"] is None


def test_no_trial_tells_the_arms_apart(valid_record):
    empty = COUNTS.assign(events_treatment=0, events_control=0)
    record = valid_record(bp.analyse(empty, "RR", benefit="lower", engine="exact").record)
    assert record["frequentist"] == []
    assert record["exact"]["prob_benefit"]["1"] == pytest.approx(0.5, abs=0.01)


def test_the_schema_refuses_what_is_not_in_the_contract(both, valid_record):
    broken = json.loads(json.dumps(both.record))
    broken["exact"]["prob_benefit"]["1"] = 1.5
    with pytest.raises(jsonschema.ValidationError):
        valid_record(broken)
    broken = json.loads(json.dumps(both.record))
    del broken["exact"]["mu"]["lower_hdi"]
    with pytest.raises(jsonschema.ValidationError):
        valid_record(broken)


def test_a_record_names_no_folder_of_one_machine(both, mortality):
    assert data_name(mortality) == "mortality.csv"
    assert str(mortality.path).removesuffix("/data/mortality.csv") not in json_text(both.record)
    assert data_name(bp.read_trials(COUNTS)) == "<DataFrame>"


def test_versions_name_the_sampler_only_where_it_ran(both):
    exact = bp.analyse(COUNTS, "RR", engine="exact").record["versions"]
    assert set(exact) == {"python", "bayespool", "numpy", "scipy"}
    sampler = {"pymc", "pytensor", "nutpie", "numba", "arviz"}
    assert set(both.record["versions"]) == {*exact, *sampler}


def test_the_record_says_how_the_draws_were_made(both):
    how = both.record["nuts"]["sampling"]
    assert list(how) == ["seed", "draws", "tune", "chains", "target_accept", "attempts"]
    assert how == {word: both.fit.attrs[word] for word in how}
    assert both.record["double_zero"] == "drop"
