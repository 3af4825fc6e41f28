"""The page in a browser: nothing is fetched, nothing complains, the heap map steps, it fits a telephone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gcproto.process.outputs import write_whole as write
from tests.report.test_page import hostile, whole_page
from tests.support.condition_results import conditions
from tests.support.every_kind import KINDS, page_of
from tests.support.heap_results import heap_result, placed_window_result

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.needs("chromium")

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SECTIONS = ("verdict", "cost", "kernels", "heap", "policies", "window", "dumps", "claims", "checks", "provenance")
SIZES = {"screen": (1280, 900), "telephone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    from tests.conftest import chromium

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    ratios = {(1, "cache", "any"): 0.6, (2, "cache", "any"): 1.85, (2, "memory", "shuffled"): 1.3}
    places = {"own": {"move": 0.43}, "shared": {"move": 1.0}, "unplaced": {"move": 0.2}}
    made = {
        "hostile": hostile(),
        "map": [heap_result(rounds=6)],
        "window": KINDS["window"][0],
        "runs": [
            *(conditions(ratios, seed, 0.02 * seed) for seed in (1, 2, 3)),
            *(placed_window_result(places, f"{seed}window00000", seed) for seed in (1, 2)),
        ],
    }
    pages = {name: page_of(results) for name, results in made.items()} | {"every": whole_page()}
    for name, text in pages.items():
        write(folder / f"{name}.html", text)
    return {name: folder / f"{name}.html" for name in pages}


class Visit:
    """A page that was opened, what it fetched and what it complained of."""

    def __init__(self, browser: "Browser", file: Path, size: str = "screen", scheme: Any = "light") -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
        )
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda one: self.requests.append(one.url))
        self.page.on("console", lambda one: self.complaints.append(one.text))
        self.page.on("pageerror", lambda one: self.complaints.append(str(one)))
        self.page.on("dialog", lambda one: self.complaints.append(f"dialog {one.message}"))
        self.page.goto(file.as_uri())

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_quiet_and_within_the_window(browser: "Browser", files: dict[str, Path], size: str, scheme: str) -> None:
    with Visit(browser, files["every"], size, scheme) as visit:
        assert visit.complaints == []
        assert [url for url in visit.requests if not url.startswith("data:")] == [files["every"].as_uri()]
        page = visit.page
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        for section in SECTIONS:
            assert page.locator(f"#{section} h2").is_visible(), section
        shown = page.locator("figure.plot svg:visible")
        assert shown.count() == page.locator("figure.plot").count()
        # Text of a picture is at least 9 CSS pixels high once the picture was fitted.
        smallest = page.evaluate(
            "Math.min(...[...document.querySelectorAll('figure.plot svg')].filter(s => s.getClientRects().length)"
            ".flatMap(s => [...s.querySelectorAll('text')].map(t => parseFloat(getComputedStyle(t).fontSize) *"
            " s.getBoundingClientRect().width / s.viewBox.baseVal.width)))"
        )
        assert smallest >= 9


@pytest.mark.parametrize("name", ["every", "runs", "hostile"])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_overflows_the_page(browser: "Browser", files: dict[str, Path], size: str, name: str) -> None:
    """Wide tables scroll inside their frames, opened ones as well."""
    with Visit(browser, files[name], size) as visit:
        page = visit.page
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        outside = page.evaluate(
            "[...document.querySelectorAll('.card, .card *, h3, h4, p')]"
            ".filter(one => !one.closest('.scroll, .cases, .sr')"
            " && one.getClientRects().length && one.getBoundingClientRect().right > innerWidth + 1)"
            ".map(one => one.textContent.slice(0, 60))"
        )
        assert outside == []


def test_every_section_with_parts_has_a_card_that_leads_to_it(browser: "Browser", files: dict[str, Path]) -> None:
    with Visit(browser, files["every"]) as visit:
        page = visit.page
        leads = page.evaluate("[...document.querySelectorAll('.card .detail a')].map(one => one.getAttribute('href'))")
        # A dump is inspected and not measured, so there is no verdict on it.
        for section in (one for one in SECTIONS[1:-1] if one != "dumps"):
            inside = page.evaluate(
                "([leads, section]) => leads.some(one => document.querySelector(`section#${section}`)"
                ".matches(one) || document.querySelector(`section#${section} ` + one))",
                [leads, section],
            )
            assert inside, section


def test_a_card_shows_every_condition(browser: "Browser", files: dict[str, Path]) -> None:
    with Visit(browser, files["runs"]) as visit:
        card = visit.page.locator(".card", has_text="Small folios: move or copy?").first
        heads = card.locator(".cases thead th").all_inner_texts()
        assert heads == ["", "in the caches", "beyond the caches, shuffled frames"]
        rows = card.locator(".cases tbody th").all_inner_texts()
        assert rows == ["second thread live", "one thread"]
        assert "not measured" in card.locator(".cases tbody tr").last.inner_text()


def test_what_is_not_sure_does_not_look_sure(browser: "Browser", files: dict[str, Path]) -> None:
    with Visit(browser, files["every"]) as visit:
        seen = {
            name: visit.page.locator(f".card.{name}").first.evaluate("one => getComputedStyle(one).borderLeftColor")
            for name in ("run", "unsure")
        }
        assert seen["run"] != seen["unsure"]


def _colour(page: "Page", selector: str, name: str) -> str:
    return str(page.evaluate("([s, n]) => getComputedStyle(document.querySelector(s))[n]", [selector, name]))


def test_light_and_dark_differ(browser: "Browser", files: dict[str, Path]) -> None:
    seen = set()
    for scheme in ("light", "dark"):
        with Visit(browser, files["window"], scheme=scheme) as visit:
            seen.add(
                (_colour(visit.page, "body", "backgroundColor"), _colour(visit.page, "figure.plot svg text", "fill"))
            )
            page = visit.page
            unresolved = page.locator("figure.plot svg").first.evaluate("svg => svg.outerHTML.includes('#fe00')")
            assert not unresolved
    assert len(seen) == 2
    assert all(background != ink for background, ink in seen)


def test_nothing_in_a_picture_overlaps_or_is_cut_off(browser: "Browser", files: dict[str, Path]) -> None:
    script = """svg => {
        const frame = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim());
        const boxes = texts.map(t => [t.textContent, t.getBoundingClientRect()]);
        const bad = [];
        for (const [text, box] of boxes)
            if (box.left < frame.left - 3 || box.right > frame.right + 3) bad.push('cut off: ' + text);
        for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
            const [a, b] = [boxes[i][1], boxes[j][1]];
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (wide > 3 && high > 5) bad.push(boxes[i][0] + ' over ' + boxes[j][0]);
        }
        return bad;
    }"""
    for size in SIZES:
        with Visit(browser, files["every"], size) as visit:
            for figure in visit.page.locator("figure.plot").all():
                name = figure.get_attribute("id")
                for svg in figure.locator("svg:visible").all():
                    # Slanted names of kernels have boxes larger than themselves.
                    bad = [one for one in svg.evaluate(script) if not re.search(r"^\d+\.\d+\S* over \d+\.\d+|deb", one)]
                    assert bad == [], (size, name)


def test_the_heap_map_steps_by_mouse_and_keyboard(browser: "Browser", files: dict[str, Path]) -> None:
    with Visit(browser, files["map"]) as visit:
        page = visit.page
        where, canvas = page.locator(".heapmap .where"), page.locator(".heapmap canvas")
        assert where.inner_text() == "round 2, collection 1 (1 of 24)"
        before = canvas.evaluate("one => one.toDataURL()")
        page.click(".heapmap .on")
        assert where.inner_text() == "round 2, collection 2 (2 of 24)"
        assert canvas.evaluate("one => one.toDataURL()") != before
        page.locator(".heapmap .step").focus()
        page.keyboard.press("ArrowRight")
        assert "(3 of 24)" in where.inner_text()
        page.keyboard.press("Home")
        page.click(".heapmap .back")
        assert "(1 of 24)" in where.inner_text()
        assert "512 pages moved whole" in str(canvas.get_attribute("aria-label"))
        canvas.focus()
        page.keyboard.press("ArrowRight")
        assert "Page 0 of 4096, 0 MiB into the space: updated in place and moved." in page.inner_text(".heapmap .cell")
        for _ in range(4):  # rows of 98 pages
            page.keyboard.press("ArrowDown")
        assert "moved whole" in page.inner_text(".heapmap .cell")
        page.locator(".heapmap select").select_option(label="copy")
        assert "Heap map of copy" in str(canvas.get_attribute("aria-label"))
        button = page.locator(".legend button").first
        full = canvas.evaluate("one => one.toDataURL()")
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        assert canvas.evaluate("one => one.toDataURL()") != full
        assert visit.complaints == []


def test_every_part_is_reached_by_keyboard(browser: "Browser", files: dict[str, Path]) -> None:
    with Visit(browser, files["map"]) as visit:
        page = visit.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        seen = set()
        for _ in range(80):
            page.keyboard.press("Tab")
            seen.add(page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
        for wanted in ("SUMMARY.", "SELECT.mode", "INPUT.step", "CANVAS.", "A."):
            assert wanted in seen


def test_samples_can_be_downloaded(browser: "Browser", files: dict[str, Path]) -> None:
    with Visit(browser, files["window"]) as visit:
        page = visit.page
        page.locator("#fig-window-cccccccccccc-ways summary").click()
        with page.expect_download() as download:
            page.locator("#fig-window-cccccccccccc-ways a[download]").click()
        assert download.value.suggested_filename.startswith("window-cccccccccccc-ways.csv")
        assert download.value.path().stat().st_size > 200


def test_hostile_strings_run_nothing(browser: "Browser", files: dict[str, Path]) -> None:
    with Visit(browser, files["hostile"]) as visit:
        assert visit.complaints == []
        assert visit.page.locator("img").count() == 0
        assert "onerror=alert(1)" in visit.page.inner_text("h1")
