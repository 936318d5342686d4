"""The page: complete, self-contained, the same every time, and deaf to what data try to say."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace
from xml.etree import ElementTree

import pandas as pd
import pytest

from bayespool.analysis import analyse
from bayespool.page import content, html, page, summary
from bayespool.page.content import link
from bayespool.page.payload import payload
from bayespool.prior import Priors
from bayespool.prose import words

HOSTILE = "<img src=x onerror=alert(1)>"
VOID = {"meta", "img", "link", "br", "input"}
UNREAD = {"script", "style"}


class Reader(HTMLParser):
    """Tags with their attributes, the text, blocks, and whether every tag was closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text, self.blocks = [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in UNREAD:
            self.blocks.append((self.open[-1], self.tags[-1][1], data))
        else:
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def trials(**columns):
    rows = {
        "trial": ["first", "second", "third"],
        "events_treatment": [3, 5, 8],
        "n_treatment": [40, 50, 61],
        "events_control": [6, 9, 9],
        "n_control": [41, 49, 60],
    }
    return pd.DataFrame(rows | columns)


def of(data, name="deaths", **options):
    options = {"benefit": "lower", "thresholds": ["0.9"], "engine": "exact"} | options
    return analyse(data, "RR", name=name, **options)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    one = of("data/mortality.csv", "mortality", question="Do fewer patients die?")
    one.write(folder / "mortality")
    two = of(trials(), "own", effects="common", benefit="higher")
    return Reader(page([one, two], folder).read_text(encoding="utf-8"))


def test_every_tag_is_closed(reader):
    assert reader.open == []


def test_the_answer_and_its_data_are_there(reader):
    assert "Do fewer patients die?" in reader.text
    assert "The risk ratio is 0.71 [0.45, 1.00]" in reader.text
    assert "P(RR < 1), is 0.975" in reader.text
    assert (
        "The risk ratio is 0.71 (95 % interval 0.45 to 1.00), the probability that the treatment "
        "lowers mortality is 0.975, and at a control risk of 250 per 1,000 there would be "
        "74 fewer events per 1,000 (137 fewer to 0 more)."
    ) in reader.text
    assert "RR < 0.9" in reader.text
    assert "RR > 0.9" in reader.text
    for said in ("bowdish_2023", "Side by side".lower(), "Data", "shi_2021: no event"):
        assert said in reader.text


def test_the_first_table_has_every_outcome(reader):
    anchors = [a["href"] for a in reader.all("a") if a["href"].startswith("#")]
    sections = ["#" + section["id"] for section in reader.all("section") if "id" in section]
    assert anchors == ["#answers", *sections, *sections]
    assert len(set(sections)) == len(sections) == 2


def test_nothing_is_fetched_and_only_the_pages_own_blocks_run(reader):
    names = {tag for tag, _ in reader.tags}
    assert not names & {"link", "iframe", "object", "svg", "base"}
    assert all(image["src"].startswith("data:image/svg+xml;base64,") for image in reader.all("img"))
    assert not any("src" in script for script in reader.all("script"))
    for _, attributes in reader.tags:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)


def test_the_policy_allows_what_is_in_the_page_by_its_hash(reader):
    policy = next(m["content"] for m in reader.all("meta") if "http-equiv" in m)
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    assert allowed["base-uri"] == allowed["form-action"] == "'none'"
    for tag, source in (("script", "script-src"), ("style", "style-src")):
        blocks = [text for name, more, text in reader.blocks if name == tag and not more]
        digests = [base64.b64encode(hashlib.sha256(b.encode()).digest()).decode() for b in blocks]
        assert allowed[source].split() == [f"'sha256-{digest}'" for digest in digests]


def test_the_reviews_are_json_that_no_text_can_end(reader):
    (data,) = [text for _, more, text in reader.blocks if more.get("id") == "reviews"]
    assert "<" not in data
    assert [outcome["name"] for outcome in json.loads(data)["outcomes"]] == ["mortality", "own"]
    assert "<" not in html.as_json({"a": "</script><!--\u2028"})
    assert json.loads(html.as_json({"a": "</script>\u2028"})) == {"a": "</script>\u2028"}
    with pytest.raises(ValueError, match="JSON"):
        html.as_json({"a": float("nan")})


def test_every_control_has_a_label(reader):
    labelled = {label["for"] for label in reader.all("label") if "for" in label}
    for tag in ("input", "select"):
        for control in reader.all(tag):
            in_its_label = "data-trial" in control
            assert in_its_label or "aria-label" in control or control["id"] in labelled
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_headings_come_in_order_and_tables_name_their_heads(reader):
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in head for head in reader.all("th"))


def test_live_numbers_are_those_that_each_outcome_has(reader):
    found = {}
    for tag, attributes in reader.tags:
        if tag == "section" and "id" in attributes:
            keys = found.setdefault(attributes["id"], [])
        if "data-live" in attributes:
            keys.append(attributes["data-live"])
    first, second = found.values()
    assert len(set(first)) == len(first)
    assert {"mu.median", "tau.upper", "theta_new.lower", "prob_benefit_new", "nnt"} <= set(first)
    assert "prob_important" not in first  # none was declared
    assert not [key for key in second if key.startswith(("tau", "theta_new", "absolute_new"))]


def test_pictures_are_svg_and_said_in_words(reader):
    for image in reader.all("img"):
        svg = base64.b64decode(image["src"].partition(",")[2])
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert image["alt"].startswith("Forest plot of ")


def test_only_a_written_record_is_linked(reader):
    links = [a["href"] for a in reader.all("a") if a["href"].endswith("record.json")]
    assert links == ["mortality/record.json"]


def test_a_hostile_name_is_shown_and_not_run(tmp_path):
    data = trials(
        trial=[HOSTILE, '"><script>alert(1)</script>', "third"],
        source=["javascript:alert(1)", 'https://a.example/"onmouseover="x', "https://a.example/b"],
        note=[HOSTILE] * 3,
    )
    found = Reader(page([of(data, HOSTILE, question=HOSTILE)], tmp_path).read_text("utf-8"))
    assert found.open == []
    assert HOSTILE in found.text
    assert len(found.all("script")) == len(html.SCRIPTS) + 1
    assert not any("alert(" in text for _, more, text in found.blocks if not more)
    assert [image for image in found.all("img") if "onerror" in image] == []
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
    (outcome,) = [section["id"] for section in found.all("section") if "id" in section]
    assert re.fullmatch("[a-z0-9-]+", outcome)
    assert [a["href"] for a in found.all("a")] == [
        "#answers",
        f"#{outcome}",
        f"#{outcome}",
        "https://a.example/b",
    ]
    picture = base64.b64decode(found.all("img")[0]["src"].partition(",")[2])
    assert {e.tag.rpartition("}")[2] for e in ElementTree.fromstring(picture).iter()}.isdisjoint(
        {"script", "img", "foreignObject"}
    )


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("https://a.example/x?y=1#z", ["https://a.example/x?y=1#z"]),
        ("http://a.example; https://b.example", ["http://a.example", "https://b.example"]),
        ("Smith 2020, table 2", []),
        ("see https://a.example", []),
        ("javascript:alert(1)", []),
        ("data:text/html,x", []),
        ("https://", []),
        ("https://[", []),
        ("//a.example", []),
    ],
)
def test_only_whole_http_addresses_become_links(text, addresses):
    pieces = link(text)
    assert [address for _, address in pieces if address] == addresses
    assert "".join(piece for piece, _ in pieces) == text


def test_the_same_analyses_give_the_same_bytes(tmp_path):
    first = page([of(trials())], tmp_path / "a").read_bytes()
    assert first == page([of(trials())], tmp_path / "b").read_bytes()
    assert not re.search(rb"[ \t]\n", first)


def test_numbers_of_draws_stop_at_their_monte_carlo_error():
    record = {
        "nuts": {
            "natural": {"mu": {"median": 0.7123, "lower": 0.4512, "upper": 1.0012}},
            "mcse": {"mu": {"median": 0.004, "lower": 0.07, "upper": 0.3}},
            "ess_bulk": {"mu": 400.0, "theta_new": 100.0},
            "prob_benefit": {"1": 0.9012},
            "prob_benefit_new": {"1": 0.8012},
        }
    }
    drawn = SimpleNamespace(
        record=record, engine="nuts", scale="log", measure="RR", benefit="lower"
    )
    assert words.interval(drawn, "nuts", "mu", 2) == "0.71 [0.45, 1.0]"
    assert words.chance(drawn, "") == "0.90"
    assert words.chance(drawn, "_new") == "0.80"
    drawn.record["exact"] = {key: record["nuts"][key] for key in ("natural", "prob_benefit")}
    drawn.engine = "exact"
    assert words.interval(drawn, "exact", "mu", 2) == "0.71 [0.45, 1.00]"
    assert words.chance(drawn, "") == "0.901"


def test_the_other_side_of_a_threshold_is_not_called_harm():
    lower = of(trials())
    grids = dict(content.groups_of(lower))
    assert {"P(RR < t)", "P(RR > t)"} <= set(grids["Probabilities by threshold"][0].heads)
    table = pd.DataFrame({"prob_harm": [0.1], "prob_harm_0.9": [0.2], "prob_harm_new_0.9": [0.3]})
    assert content._plain("", table, lower).heads == [
        "P(harm)", "P(RR > 0.9)", "P(RR > 0.9), new trial",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lower", "upper", "levels", "holds"),
    [
        (-9, 9, 0, "trivial effect"),
        (-10, 10, 0, "trivial effect"),
        (-90, -31, 0, "moderate benefit"),
        (-20, 9, 1, "small benefit to trivial effect"),
        (-50, -5, 2, "moderate benefit to trivial effect"),
        (-137, 0.2, 3, "large benefit to trivial effect"),
        (-500, 500, 3, "large benefit to large harm"),
    ],
)
def test_imprecision_counts_the_bands_that_an_interval_crosses(lower, upper, levels, holds):
    found = summary.imprecision(lower, upper, [10, 30, 100], ratio=False, benefit="lower")
    assert found == (levels, holds)


def test_bands_of_a_ratio_are_mirrored_as_ratios():
    by_ratio = [0.9, 0.7, 0.5]
    assert summary.imprecision(0.95, 1.1, by_ratio, True, "lower") == (0, "trivial effect")
    crossed = summary.imprecision(0.95, 1.5, by_ratio, True, "lower")  # past 1/0.9 and 1/0.7
    assert crossed == (2, "trivial effect to moderate harm")


def test_bands_come_from_what_is_important():
    assert summary.bands({"absolute": {"important": 30}}) == [30, 60, 120]
    ratio = summary.bands({"measure": "RR", "important": 0.7})
    assert ratio == pytest.approx([0.7, 0.49, 0.7**4])
    assert summary.bands({"measure": "MD", "important": -20}) == [-20, -40, -80]
    assert summary.bands({"measure": "MD", "important": None}) is None


def test_bands_say_whether_anybody_declared_them():
    declared = {"measure": "RR", "event": "deaths", "absolute": {"important": 30, "declared": True}}
    supposed = {"measure": "RR", "absolute": {"important": 30, "declared": False}}
    assert summary.bands_note(declared) == "30, 60 and 120 deaths per 1,000"
    assert summary.bands_note(supposed) == (
        "30, 60 and 120 events per 1,000; no absolute effect was declared, so 30 is supposed"
    )
    assert summary.bands_note({"measure": "ROM", "important": 0.8}) == "ROM 0.8, 0.64 and 0.41"
    in_unit = summary.bands_note({"measure": "MD", "important": -20}, "mg/L")
    assert in_unit == "MD −20, −40 and −80 mg/L"
    assert "until you set them" in summary.bands_note({"measure": "MD", "important": None})


def test_the_rule_of_the_bands_stands_once_on_the_page(reader):
    assert reader.text.count("A small effect begins at the smallest important one") == 1
    assert reader.text.count("30, 60 and 120 events per 1,000") == 2


def test_the_summary_says_why_the_answer_is_not_surer():
    options = {"important": 0.7, "studies": ["leave-one-out"]}
    said = "; ".join(summary.why_not_surer(of("data/mortality.csv", "mortality", **options)))
    assert "the interval reaches from a large benefit to a trivial effect" in said
    assert "in a new trial the effect could be 0.28 to 1.59" in said
    assert "without dilogo_2021, the trial that moves it most, the probability is 0.938" in said
    assert "without the 5 trials with confidence low or medium it is 0.967" in said
    assert "with all trials and the sceptical prior it is 0.939" in said


def pooled(name, **options):
    return analyse(
        f"data/{name}.csv", "MD", Priors("Flat()", "HalfNormal(1)"), effects="common",
        benefit="lower", engine="exact", **options,
    )  # fmt: skip


def test_one_pooled_row_is_not_said_to_be_all_trials(tmp_path):
    crp, il6 = pooled("crp", important=-20), pooled("il6", important=-10)
    for found in (crp, il6):
        (*_, last) = summary.why_not_surer(found)
        assert last.startswith("with the sceptical prior the probability is ")
    first = summary.why_not_surer(il6)[0]
    assert first == (
        "the interval, −7.8 to 6.3, includes effects on both sides of none, all of them trivial "
        "by the bands of effect"
    )
    bare = summary.why_not_surer(pooled("il6"))[0]
    assert bare == "the interval spans benefit and harm"
    text = page([il6], tmp_path).read_text("utf-8")
    assert "the 95 % interval of the published estimate, pooled from" in text
    assert "Each line is one trial" not in text


def test_an_important_benefit_by_the_odds_ratio_says_so():
    options = {"benefit": "higher", "important": 1 / 0.7, "absolute": 30}
    found = of("data/clinical_improvement.csv", "clinical_improvement", **options)
    row = summary.row_of(found)
    assert row.important_is.startswith("at least 30 more per 1,000, by the odds ratio")
    # By the risk ratio any benefit is less probable than this one by the odds ratio.
    assert (row.benefit, row.important) == ("0.985", "0.989")
    record = {**found.record, "absolute": {**found.record["absolute"]}}
    record["absolute"]["prob_benefit"] = {"mu": 0.99382}
    _, what = summary._important(words.Findings(record))
    assert what == "at least 30 more per 1,000, by the odds ratio; P(OR > 1) is 0.994"
    by_itself = summary.row_of(of("data/mortality.csv", "mortality", important=0.7, absolute=30))
    assert by_itself.important_is == "at least 30 fewer per 1,000"


def test_few_trials_are_not_said_to_differ():
    said = "; ".join(summary.why_not_surer(of(trials(), "own")))
    assert "with 3 trials tau rests on its prior" in said
    assert "differ" not in said


def test_a_row_of_the_summary_follows_grades_columns():
    row = summary.row_of(of("data/mortality.csv", "mortality", important=0.7, absolute=30))
    assert (row.trials, row.participants) == ("10", "610")
    assert row.effect == "RR 0.71 (0.45 to 1.00)"
    assert (row.without, row.with_treatment) == ("250 per 1,000", "176 per 1,000 (113 to 250)")
    assert row.difference == "74 fewer per 1,000 (137 fewer to 0 more)"
    assert (row.benefit, row.important) == ("0.975", "0.904")
    assert row.important_is == "at least 30 fewer per 1,000"
    assert (row.levels, row.imprecision) == (3, "extremely serious")


def test_an_importance_that_nobody_declared_is_not_shown_as_one():
    relative = summary.row_of(of("data/mortality.csv", "mortality", important=0.7))
    assert (relative.important, relative.important_is) == ("0.481", "RR < 0.7")
    none = summary.row_of(of("data/mortality.csv", "mortality"))
    assert (none.important, none.important_is) == ("", "")


def test_without_a_better_side_no_benefit_is_claimed():
    row = summary.row_of(of("data/mortality.csv", "mortality", benefit=None))
    assert row.benefit == "P(RR < 1) 0.975"


def test_a_pooled_estimate_and_its_unit_are_named():
    data = "data/crp.csv"
    priors = Priors("Flat()", "HalfNormal(1)")
    found = analyse(data, "MD", priors, effects="common", benefit="lower", engine="exact")
    row = summary.row_of(found)
    assert row.effect == "MD −32 mg/L (−48 to −17)"
    assert row.comments == ["A published estimate, pooled from 3 trials."]
    assert "−32 mg/L" in summary.answer(found)


@pytest.mark.parametrize("name", ["reviews", "notice", "findings", "answers"])
def test_no_outcome_takes_the_place_of_a_part_of_the_page(name):
    found = payload([of(trials(), name)])["outcomes"][0]
    assert found["id"] == f"{name}-2"
