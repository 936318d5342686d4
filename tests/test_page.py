"""The page: complete, self-contained, the same every time, and deaf to what data try to say."""

import base64
import re
from html.parser import HTMLParser
from types import SimpleNamespace
from xml.etree import ElementTree

import pandas as pd
import pytest

from bayespool.analysis import analyse
from bayespool.page import content, page, words
from bayespool.page.content import link

HOSTILE = "<img src=x onerror=alert(1)>"
VOID = {"meta", "img", "link", "br"}


class Reader(HTMLParser):
    """Tags with their attributes, the text, and whether every tag was closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
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
    assert "RR < 0.9" in reader.text
    assert "RR > 0.9" in reader.text
    for said in ("bowdish_2023", "Side by side".lower(), "Data", "shi_2021: no event"):
        assert said in reader.text


def test_the_first_table_has_every_outcome(reader):
    anchors = [a["href"] for a in reader.all("a") if a["href"].startswith("#")]
    sections = ["#" + section["id"] for section in reader.all("section")]
    assert anchors == sections == ["#mortality-1", "#own-2"]


def test_nothing_is_fetched_and_nothing_can_run(reader):
    names = {tag for tag, _ in reader.tags}
    assert not names & {"script", "link", "iframe", "object", "form", "svg"}
    assert all(image["src"].startswith("data:image/svg+xml;base64,") for image in reader.all("img"))
    policy = next(m["content"] for m in reader.all("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'")


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
    assert not found.all("script")
    assert [image for image in found.all("img") if "onerror" in image] == []
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
    assert [a["href"] for a in found.all("a")] == [
        "#img-src-x-onerror-alert-1-1",
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
    assert {"P(RR < t)", "P(RR > t)"} <= set(content.grids_of(lower)[0].heads)
    table = pd.DataFrame({"prob_harm": [0.1], "prob_harm_0.9": [0.2], "prob_harm_new_0.9": [0.3]})
    assert content._plain("", table, lower).heads == [
        "P(harm)", "P(RR > 0.9)", "P(RR > 0.9), new trial",
    ]  # fmt: skip
