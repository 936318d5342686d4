"""The page on validation says what the committed table says, and names tests that exist."""

import re
from collections import Counter
from pathlib import Path

import pytest
from parity_table import PAGE, TABLE, UNMEASURED, block, markdown, read
from peers import REFERENCE, reference

ROOT = Path(__file__).resolve().parents[1]
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = {1, 2, 3, 5, 9, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 30}


def test_the_page_shows_the_committed_table():
    assert block(TEXT) == markdown(read(TABLE))


def test_every_difference_of_the_table_is_within_its_tolerance():
    table = read(TABLE)
    measured = table[table["largest"] != UNMEASURED]
    assert (measured["largest"].astype(float) <= measured["tolerance"].astype(float)).all()
    assert (table[["date", "commit", "why", "unit"]] != "").all(axis=None)


def test_the_table_has_every_comparison_that_the_tests_count():
    """The counts asserted in test_frequentist, test_measures, test_bayesmeta, test_mcmc_peers."""
    table = read(TABLE)
    single = table[table["quantity"] != "root mean square of all"]
    of_peer = single.assign(n=single["numbers"].astype(int)).groupby(["engine", "peer"])["n"].sum()
    counted = {
        ("frequentist", "metafor"): 37_705,
        ("measures", "metafor"): 2 * 1_402,
        ("exact, normal", "bayesmeta"): 12_063,
        ("frequentist", "bayesmeta"): 2 * 139,
        ("exact, binomial", "brms (Stan)"): 178,
        ("exact, binomial", "JAGS"): 178,
    }
    assert {key: int(of_peer[key]) for key in counted} == counted
    excepted = table.assign(n=table["excepted"].astype(int)).groupby("peer")["n"].sum()
    assert excepted["metafor"] == 74 + 80 + 48 + 3 + 2 + 2 + 1
    assert excepted["bayesmeta"] == 38 + 9 + 5


def test_the_reference_files_hold_what_they_held():
    metafor, bayesmeta, brms = (reference(name) for name in ("metafor", "bayesmeta", "brms"))
    assert Counter(d["type"] for d in metafor["datasets"]) == {
        "binary": 18, "continuous": 4, "generic": 6, "correlation": 1, "rate": 1, "proportion": 1,
    }  # fmt: skip
    assert sum(len(d["data"].get("yi", ())) for d in bayesmeta["datasets"]) == 76
    assert Counter(fit["dataset"] for fit in bayesmeta["fits"]) == {
        "CrinsEtAl2014_AR": 16, "dat.bcg_RR": 19, "Rubin1981": 16, "Peto1980": 18,
        "HinksEtAl2010": 17, "KarnerEtAl2014_exa": 8, "dat.normand1999_SMD": 18,
        "Cochran1954": 16, "edge_k2_hackshaw": 14,
    }  # fmt: skip
    assert Counter((fit["engine"], fit["dataset"]) for fit in brms["fits"]) == {
        (engine, name): 2 for engine in ("brms", "jags") for name in ("CrinsEtAl2014_AR", "dat.bcg")
    }
    scripts = {file.name for file in (REFERENCE / "R").iterdir()}
    assert scripts == {"ref_bayesmeta.R", "ref_mcmc.R", "ref_metafor.R", "timings.R"}


def test_every_published_example_is_held_or_said_not_to_be():
    section = TEXT.split("## Published examples")[1].split("\n## ")[0]
    assert {int(n) for n in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)} == EXAMPLES


NAMED = sorted(set(re.findall(r"`(?:tests/)?(test_\w+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_the_page_names_exists(file, name):
    source = (ROOT / "tests" / file).read_text(encoding="utf-8")
    assert re.search(rf"^def {name}\(", source, re.MULTILINE)
