"""A real Chromium for the tests of the page."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = (
    "no Chromium was found: install one (Debian: apt-get install chromium) or put chromium or "
    "google-chrome on PATH"
)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium; a skip where there is none, a failure where one is required."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        if os.environ.get("BAYESPOOL_BROWSER") == "required":
            pytest.fail(f"BAYESPOOL_BROWSER is required, and {MISSING}.", pytrace=False)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page opened from disk in a context of its own, with all that it did unasked.

    Attributes
    ----------
    page : Page
    errors : list of str
        What the console reported, and errors that nothing caught.
    requests : list of str
        Addresses asked for, but for those inside the page itself.
    dialogs : list of str
    """

    def __init__(
        self, browser: Browser, file: Path, fragment: str = "", draw: bool = True, **options: object
    ):
        options = {"viewport": DESKTOP, "accept_downloads": True} | options
        self.context: BrowserContext = browser.new_context(**options)
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self.errors.append(str(error.error)))
        self.context.on("request", self._request)
        self.context.on("dialog", self._dialog)
        self.page: Page = self.context.new_page()
        self.address = file.as_uri()
        self.open(fragment, draw)

    def open(self, fragment: str = "", draw: bool = True) -> None:
        """Load the page; `draw` every outcome, which else waits until a reader comes near."""
        self.page.goto("about:blank")
        self.page.goto(self.address + fragment)
        self.page.evaluate("() => BP.explorer.ready")
        for outcome in self.outcomes() if draw else []:
            self.page.evaluate("(id) => BP.explorer.set(id, {})", outcome["id"])

    def quiet(self) -> None:
        """Fail if the page reported an error, opened a dialog or asked for anything."""
        assert self.errors == []
        assert self.dialogs == []
        assert set(self.requests) <= {self.address}

    def live(self, outcome: str) -> dict[str, float | str]:
        """The outcome's live numbers, by key."""
        return values(self.page.evaluate(LIVE, outcome))

    def live_at(self, outcome: str, states: list[dict]) -> list[tuple[dict, str]]:
        """The outcome's live numbers at each of these settings, and what warns of them."""
        found = self.page.evaluate(
            f"""([id, states]) => states.map((state) => {{
                BP.explorer.set(id, state);
                const warning = document.getElementById(id).querySelector("[data-say=trouble]");
                return [({LIVE})(id), warning.textContent];
            }})""",
            [outcome, states],
        )
        return [(values(live), warning) for live, warning in found]

    def outcome(self, name: str) -> dict:
        """The page's data of the outcome of this name."""
        return next(each for each in self.outcomes() if each["name"] == name)

    def mark(self, outcome: str) -> None:
        """Keep what a reader sees of an outcome, to say later whether it has changed."""
        self.page.evaluate(
            "(id) => { globalThis.marked = document.getElementById(id).innerHTML; }", outcome
        )

    def changed(self, outcome: str) -> bool:
        return self.page.evaluate(
            "(id) => document.getElementById(id).innerHTML !== marked", outcome
        )

    def follow(self, fragment: str) -> None:
        """Go to a link into the page that is open, and wait until it has been read."""
        self.page.evaluate(
            """(fragment) => new Promise((done) => {
                addEventListener("hashchange", () => setTimeout(done), { once: true });
                location.hash = fragment;
            })""",
            fragment,
        )

    def reset(self, outcome: str) -> None:
        """Go back to the main analysis."""
        self.page.evaluate(
            """(id) => {
                const reviews = JSON.parse(document.getElementById("reviews").textContent);
                const outcome = reviews.outcomes.find((each) => each.id === id);
                BP.explorer.set(id, BP.state.defaults(outcome));
            }""",
            outcome,
        )

    def unfold(self) -> None:
        self.page.evaluate(
            "() => document.querySelectorAll('details').forEach((each) => { each.open = true; })"
        )

    def notices(self) -> list[str]:
        """What the page tells the reader about the link."""
        found = self.page.locator("[role=status]:visible, [role=alert]:visible").all_inner_texts()
        return [text for text in found if text.strip()]

    def download(self, outcome: str, kind: str) -> str:
        """What the button with this word in its name saves."""
        section = self.page.locator(f"[id='{outcome}']")
        with self.page.expect_download() as found:
            section.get_by_role("button", name=kind).first.click()
        return Path(found.value.path()).read_text(encoding="utf-8")

    def copied(self, outcome: str) -> str:
        """What the button that copies the setting puts on the clipboard."""
        section = self.page.locator(f"[id='{outcome}']")
        section.get_by_role("button", name="Copy statement").click()
        section.get_by_text("Statement copied.").wait_for()
        return self.page.evaluate("() => navigator.clipboard.readText()")

    def outcomes(self) -> list[dict]:
        """The page's data without its surfaces."""
        return self.page.evaluate(
            """() => JSON.parse(document.getElementById("reviews").textContent).outcomes
            .map(({surface, absolute, ...rest}) =>
                ({...rest, absolute: absolute && {...absolute, surface: null}}))"""
        )

    def _console(self, message) -> None:
        if message.type in ("error", "warning", "assert"):
            self.errors.append(f"{message.type}: {message.text}")

    def _request(self, request) -> None:
        if not request.url.startswith(("data:", "blob:", "about:")):
            self.requests.append(request.url.partition("#")[0])

    def _dialog(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@contextmanager
def visit(
    browser: Browser, file: Path, fragment: str = "", draw: bool = True, **options: object
) -> Iterator[Visit]:
    """Open a page from disk, and close its context in the end."""
    found = Visit(browser, file, fragment, draw, **options)
    try:
        yield found
    finally:
        found.context.close()


LIVE = """(id) => [...document.getElementById(id).querySelectorAll("[data-live]")]
    .map((each) => [each.dataset.live, each.dataset.value ?? "", each.textContent])"""
NO_NUMBER = ("NaN", "undefined", "Infinity", "null", "[object")


def values(found: list[list[str]]) -> dict[str, float | str]:
    """Live numbers by key, the NNT as its text; without those that stand empty.

    A key that stands in several places must have one value.
    """
    live: dict[str, float | str] = {}
    for key, value, text in found:
        assert not any(word in text + value for word in NO_NUMBER), (key, value, text)
        if value == "" and key != "nnt":
            continue
        number = text if key == "nnt" else float(value)
        assert live.setdefault(key, number) == number, (key, live[key], number)
    return live


def artefact(name: str, folder: Path) -> Path:
    """Where a picture or a measurement goes: the folder that the environment names, or `folder`."""
    kept = Path(os.environ.get("BAYESPOOL_SCREENSHOTS") or folder)
    kept.mkdir(parents=True, exist_ok=True)
    return kept / name


def measured(name: str, found: dict, folder: Path, record_property) -> None:
    """Print what was measured, and keep it: in the report of the tests and as a file."""
    print(f"{name}: {json.dumps(found)}")  # noqa: T201 (to be read with -s or -rP)
    for key, value in found.items():
        record_property(f"{name} {key}", value)
    artefact(f"{name}.json", folder).write_text(json.dumps(found, indent=1), encoding="utf-8")
