"""The explorer in a real browser: it opens alone, every control works, and everyone can use it."""

import csv
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import DESKTOP, PHONE, artefact, chromium, measured, visit
from explorer_answers import differences, main_state, setting
from explorer_reviews import HOSTILE, REVIEWS, hostile

import bayespool as bp

# Counts with a better side and doubted trials; differences without; a common effect.
NAMES = ["mortality", "pain", "clinical_improvement"]
INPUTS = "input:visible:enabled, select:visible:enabled, textarea:visible:enabled"
CONTROLS = f"button:visible:enabled, {INPUTS}"
SCREENS = [
    ("desktop", DESKTOP, "light"),
    ("phone", PHONE, "dark"),
    pytest.param("desktop", DESKTOP, "dark", marks=pytest.mark.long),
    pytest.param("phone", PHONE, "light", marks=pytest.mark.long),
]
# What stands in a link's place for one setting; none of it means anything.
BROKEN = [
    "{id}.t=abc",
    "{id}.t=-3&{id}.w=7&{id}.b=2",
    "{id}.x=99.nonsense",
    "{id}.p=no_such_prior",
    "{id}.m=Normal,0,-1",
    "{id}.m=<script>alert(1)</script>",
    "{id}.d=00000000&{id}.t=0.5",
    "nowhere.t=0.9",
    "__proto__.t=0.9&__proto__.row=0",
    "%E0%A4%A=%E0%A4%A",
]


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def reviews(browser):
    return {name: REVIEWS[name]() for name in NAMES}


@pytest.fixture(scope="module")
def file(reviews, tmp_path_factory):
    return bp.page(list(reviews.values()), tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def hostile_file(browser, tmp_path_factory):
    return bp.page([hostile()], tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def opened(browser, file):
    with visit(browser, file) as found:
        found.unfold()
        yield found


@pytest.fixture
def shown(opened):
    """The open page at its main analyses; in the end it must have been quiet."""
    for outcome in opened.outcomes():
        opened.reset(outcome["id"])
    yield opened
    opened.quiet()


# --- it opens ------------------------------------------------------------------------


def test_it_opens_without_an_error_or_a_request_and_with_pythons_answers(browser, file, reviews):
    with visit(browser, file, draw=False) as shown:
        for name in NAMES:
            outcome = shown.outcome(name)
            shown.page.locator(f"[id='{outcome['id']}'] h2").scroll_into_view_if_needed()
            shown.page.locator(f"[id='{outcome['id']}'] [data-live]").first.wait_for()
            live = shown.live(outcome["id"])
            off = differences(reviews[name], outcome, main_state(outcome), live)
            assert max(off.values()) < 1e-3, (name, off)
        shown.quiet()
        assert shown.requests != []


# --- the controls --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("mortality", "mouse"),
        ("pain", "keyboard"),
        pytest.param("clinical_improvement", "keyboard", marks=pytest.mark.long),
        pytest.param("mortality", "keyboard", marks=pytest.mark.long),
        pytest.param("pain", "mouse", marks=pytest.mark.long),
        pytest.param("clinical_improvement", "mouse", marks=pytest.mark.long),
    ],
)
def test_every_control_answers(name, by, shown):
    outcome = shown.outcome(name)
    section = shown.page.locator(f"[id='{outcome['id']}']")
    moved = set()
    for i in range(section.locator(CONTROLS).count()):
        control = section.locator(CONTROLS).nth(i)
        shown.mark(outcome["id"])
        kind = (by_mouse if by == "mouse" else by_keyboard)(control)
        changed = shown.changed(outcome["id"])
        shown.live(outcome["id"])  # no NaN among them
        if kind in ("range", "checkbox", "number", "select"):
            assert changed, (kind, control.evaluate("each => each.outerHTML"))
        moved.add((kind, changed))
        shown.reset(outcome["id"])
    assert ("range", True) in moved
    assert ("checkbox", True) in moved
    assert ("button", True) in moved


def kind_of(control) -> str:
    return control.evaluate("each => each.tagName === 'INPUT' ? each.type : each.localName")


def by_mouse(control) -> str:
    kind = kind_of(control)
    control.scroll_into_view_if_needed()
    if kind == "range":
        box = control.bounding_box()
        share = control.evaluate("each => (each.value - each.min) / (each.max - each.min)")
        control.click(position={"x": box["width"] * (0.25 if share > 0.5 else 0.75), "y": 5})
    elif kind == "select":
        control.select_option(index=(control.evaluate("each => each.selectedIndex") + 1) % 2)
    elif kind in ("number", "text"):
        _type_another(control)
    else:
        control.click()
    return kind


def by_keyboard(control) -> str:
    kind = kind_of(control)
    control.focus()
    if kind == "range":
        at_end = control.evaluate("each => Number(each.value) >= Number(each.max)")
        control.press("ArrowLeft" if at_end else "ArrowRight")
    elif kind == "select":
        last = control.evaluate("each => each.selectedIndex === each.length - 1")
        control.press("ArrowUp" if last else "ArrowDown")
    elif kind in ("number", "text"):
        _type_another(control)
    else:
        control.press("Enter" if kind == "button" else "Space")
    return kind


def _type_another(control) -> None:
    number = float(control.input_value() or 1)
    control.fill(f"{1.1 * number or 0.1:.3g}")
    control.press("Tab")


def test_tab_reaches_every_control_in_order_and_shows_where_it_is(browser, hostile_file):
    with visit(browser, hostile_file) as shown:
        shown.unfold()
        wanted = shown.page.evaluate(
            """() => {
                const all = [...document.querySelectorAll(
                    "a[href], button, input, select, textarea, summary, [tabindex='0']")];
                const open = all.filter((each) => each.checkVisibility() && !each.disabled);
                open.forEach((each, i) => { each.dataset.place = i; });
                return open.length;
            }"""
        )
        reached, hidden = [], []
        for _ in range(wanted):
            shown.page.keyboard.press("Tab")
            place, visible, name = shown.page.evaluate(
                """() => {
                    const at = document.activeElement, style = getComputedStyle(at);
                    const ring = style.outlineStyle !== "none" && style.outlineWidth !== "0px";
                    const seen = ring || style.boxShadow !== "none";
                    return [at.dataset.place ?? "", seen, at.outerHTML.slice(0, 120)];
                }"""
            )
            reached.append(int(place) if place else -1)
            if not visible:
                hidden.append(name)
    assert reached == list(range(wanted))
    assert hidden == []


def test_arrow_keys_move_a_slider_and_the_numbers_with_it(shown):
    outcome = shown.outcomes()[0]["id"]
    slider = shown.page.locator(f"[id='{outcome}'] input[type=range]:visible").first
    seen = []
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
        seen.append((float(slider.input_value()), shown.live(outcome)["prob_benefit"]))
    assert len(set(seen)) == 3
    assert seen[0][0] < seen[1][0] < seen[2][0]


def test_a_number_that_is_not_allowed_is_marked_and_said(shown):
    outcome = shown.outcome("mortality")["id"]
    before = shown.live(outcome)
    for key, bad, good in (("threshold", "-1", "0.9"), ("baseline", "1200", "12.5")):
        field = shown.page.locator(f"[id='{outcome}-{key}-number']")
        said = shown.page.locator(f"[id='{outcome}-{key}-wrong']")
        field.fill(bad)
        assert field.get_attribute("aria-invalid") == "true"
        assert field.get_attribute("aria-describedby") == said.get_attribute("id")
        assert "A number above 0" in said.inner_text()
        assert shown.live(outcome) == before
        field.fill(good)
        assert field.get_attribute("aria-invalid") == "false"
        assert said.is_hidden()
        shown.reset(outcome)
    bands = shown.page.locator("#bands input.band")
    bands.first.fill("-5")
    assert bands.first.get_attribute("aria-invalid") == "true"
    assert "Three numbers are needed" in shown.page.inner_text("#bands")
    shown.reset(outcome)
    assert bands.first.get_attribute("aria-invalid") == "false"


def test_the_first_screen_says_which_outcomes_are_set_otherwise(shown):
    told = shown.page.locator("#differs")
    outcome = shown.outcome("mortality")
    probability = shown.live_at(outcome["id"], [{"prior": "sceptical"}])[0][0]["prob_benefit"]
    told.get_by_role("link", name=outcome["title"]).wait_for()
    assert f"P(RR < 1) {probability:.3f}" in told.inner_text()
    assert told.get_by_role("link").count() == 1
    shown.reset(outcome["id"])
    told.wait_for(state="hidden")


def test_focus_is_never_under_the_bottom_bar(browser, file):
    with visit(browser, file, viewport=PHONE, reduced_motion="reduce") as shown:
        section = shown.page.locator(".outcome").first
        section.locator("[data-control]").first.focus()
        for _ in range(12):
            shown.page.keyboard.press("Tab")
            shown.page.wait_for_timeout(50)
            under = section.evaluate(
                """(each) => {
                    const bar = each.querySelector(".peek").getBoundingClientRect();
                    const at = document.activeElement.getBoundingClientRect();
                    return at.bottom > bar.top + 1 && at.top < bar.bottom;
                }"""
            )
            assert not under, section.evaluate("() => document.activeElement.outerHTML")


# --- the link ------------------------------------------------------------------------


def test_a_link_gives_the_same_numbers_in_another_page(browser, file):
    random = np.random.default_rng(3)
    with visit(browser, file) as first:
        outcomes = first.outcomes()
        for outcome in outcomes:
            first.live_at(outcome["id"], [setting(random, outcome)])
        wanted = {outcome["id"]: first.live(outcome["id"]) for outcome in outcomes}
        first.page.wait_for_function("() => location.href === BP.explorer.link()")
        link = first.page.evaluate("() => location.hash")
    with visit(browser, file, link) as second:
        assert {each: second.live(each) for each in wanted} == wanted
        second.follow("")
        assert {each: second.live(each) for each in wanted} != wanted
        second.follow(link)
        assert {each: second.live(each) for each in wanted} == wanted
        second.quiet()


def test_a_link_that_cannot_be_read_leaves_the_main_analysis_and_says_so(browser, file):
    silent = []
    with visit(browser, file) as shown:
        ids = [outcome["id"] for outcome in shown.outcomes()]
        main = {each: shown.live(each) for each in ids}
        shown.follow(f"#{ids[0]}.t=0.8")
        assert shown.live(ids[0]) != main[ids[0]]
        assert not shown.page.inner_text("#notice")
        for broken in BROKEN:
            shown.follow("#" + broken.format(id=ids[0]))
            assert {each: shown.live(each) for each in ids} == main, broken
            assert shown.page.evaluate("() => !('t' in {}) && !('row' in {})"), broken
            if not shown.notices():
                silent.append(broken)
        shown.open("#" + BROKEN[0].format(id=ids[0]))
        assert {each: shown.live(each) for each in ids} == main
        assert shown.notices()
        shown.quiet()
    assert silent == []


def test_a_link_followed_just_after_a_change_is_the_one_that_is_read(browser, file):
    # The change's own link is written a little later: here, before the followed link's event.
    with visit(browser, file) as shown:
        id = shown.outcomes()[0]["id"]
        shown.page.evaluate(
            """(id) => new Promise((done) => {
                const { setTimeout } = globalThis;
                const kept = [];
                globalThis.setTimeout = (call, after) => after ? kept.push(call) : setTimeout(call);
                BP.explorer.set(id, { threshold: 0.8 });
                globalThis.setTimeout = setTimeout;
                addEventListener("hashchange", () => setTimeout(done), { once: true });
                location.hash = `#${id}.t=0.7`;
                for (const call of kept) call();
            })""",
            id,
        )
        assert shown.page.evaluate("(id) => BP.explorer.state(id).threshold", id) == 0.7
        assert shown.page.evaluate("() => location.hash").endswith("t=0.7")
        shown.quiet()


# --- what it gives away --------------------------------------------------------------


def test_the_table_is_downloaded_as_csv_and_the_figure_as_svg(shown, reviews):
    outcome = shown.outcomes()[0]
    table = list(csv.reader(io.StringIO(shown.download(outcome["id"], "CSV"))))
    assert {trial["name"] for trial in outcome["trials"]} <= {cell for row in table for cell in row}
    assert len({len(row) for row in table[: table.index([])]}) == 1
    root = ElementTree.fromstring(shown.download(outcome["id"], "SVG"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "bowdish_2023" in "".join(root.itertext())


def test_the_setting_is_copied_in_plain_words(browser, file):
    with visit(browser, file, permissions=["clipboard-read", "clipboard-write"]) as shown:
        outcome = shown.outcomes()[0]["id"]
        shown.live_at(outcome, [{"prior": "sceptical", "without": [0], "threshold": 0.9}])
        said = shown.copied(outcome)
        probability = shown.live(outcome)["prob_benefit"]
        shown.quiet()
    assert "sceptical prior" in said
    assert "bowdish_2023" in said
    assert f"P(RR < 0.9) is {probability:.3f}" in said


def test_the_link_of_a_file_is_copied_with_a_word_on_sending_the_file(browser, file):
    with visit(browser, file, permissions=["clipboard-read", "clipboard-write"]) as shown:
        outcome = shown.outcomes()[0]["id"]
        section = shown.page.locator(f"[id='{outcome}']")
        section.get_by_role("button", name="Copy link").click()
        section.get_by_text("The page is a file: send it too").wait_for()
        shown.live_at(outcome, [{"threshold": 0.9}])
        assert section.get_by_text("The page is a file").count() == 0
        shown.quiet()


def test_text_from_the_data_is_shown_and_never_run(browser, hostile_file):
    with visit(browser, hostile_file) as shown:
        outcome = shown.outcomes()[0]["id"]
        shown.unfold()
        text = shown.page.inner_text("body")
        assert [name for name in HOSTILE if name not in text] == []
        shown.live_at(outcome, [{"without": [i]} for i in range(len(HOSTILE))])
        shown.page.evaluate("id => BP.explorer.set(id, {without: [], trust: 0.5})", outcome)
        strange = shown.page.evaluate(
            """() => [...document.querySelectorAll("*")].filter((each) =>
                [...each.attributes].some((a) => a.name.startsWith("on")
                    || /^\\s*javascript:/i.test(a.value))
                || (each.localName === "img" && !each.src.startsWith("data:"))
            ).map((each) => each.outerHTML)"""
        )
        assert strange == []
        cells = [
            cell for row in csv.reader(io.StringIO(shown.download(outcome, "CSV"))) for cell in row
        ]
        assert f"'{HOSTILE[1]}" in cells
        formulas = [
            cell for cell in cells if re.match(r"[=@\t\r]|[+-](?![\d.]+(e[+-]?\d+)?$)", cell)
        ]
        assert formulas == []
        root = ElementTree.fromstring(shown.download(outcome, "SVG"))
        tags = {each.tag.rpartition("}")[2].lower() for each in root.iter()}
        assert not tags & {"script", "foreignobject", "img", "image", "iframe", "a"}
        names = {name.lower() for each in root.iter() for name in each.attrib}
        assert not any(name.startswith("on") for name in names)
        shown.quiet()


# --- how it looks --------------------------------------------------------------------


@pytest.mark.parametrize(("name", "size", "scheme"), SCREENS)
def test_it_fits_the_screen_and_axe_finds_nothing_serious(
    name, size, scheme, browser, file, tmp_path, record_property
):
    with visit(browser, file, viewport=size, color_scheme=scheme) as shown:
        picture = artefact(f"explorer_{name}_{scheme}.png", tmp_path)
        shown.page.screenshot(path=picture)
        shown.page.screenshot(path=picture.with_stem(picture.stem + "_whole"), full_page=True)
        shown.unfold()
        wide = shown.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= size["width"]
        found = Axe().run(shown.page).response["violations"]
        bad = [
            (each["id"], each["impact"], len(each["nodes"]), each["nodes"][0]["html"])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        told = {each["id"]: f"{each['impact']}, {len(each['nodes'])} places" for each in found}
        measured(f"axe_{name}_{scheme}", told, tmp_path, record_property)
        assert bad == []
        shown.quiet()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_without_its_controls(paper, shown, tmp_path):
    shown.page.emulate_media(media="print")
    assert shown.page.locator(CONTROLS).count() == 0
    assert shown.page.locator("[data-live='mu.median']:visible").count() >= len(NAMES)
    printed = artefact(f"explorer_{paper}.pdf", tmp_path)
    shown.page.pdf(path=printed, format=paper)
    assert len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes())) >= len(NAMES)
    shown.page.emulate_media(media="screen")
