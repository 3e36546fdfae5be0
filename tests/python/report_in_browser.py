"""The report in headless Chromium: sorting, searching, a conversation, the graph; nothing runs that was captured, nothing is loaded.

Run by tools/test-more.sh where Chromium and playwright are there: python tests/python/report_in_browser.py [CHROMIUM]
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from frames import pcap
from gofollow.report import write_report
from playwright.sync_api import Page, sync_playwright
from test_report import DATA, HOSTILE, conversation, many

TESTS: list[Callable[[Any, Path], None]] = []


def test(function: Callable[[Any, Path], None]) -> Callable[[Any, Path], None]:
    TESTS.append(function)
    return function


def opened(browser: Any, folder: Path, *sources: Any, **settings: Any) -> Page:
    """Open the report of captures; whatever it loads or complains of is a failure."""
    out = folder / "report.html"
    write_report(*sources, out=out)
    page: Page = browser.new_page(**settings)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url == out.as_uri() else complaints.append(request.url))
    page.goto(out.as_uri())
    page.complaints = complaints  # type: ignore[attr-defined]
    return page


def quiet(page: Page) -> None:
    complaints = page.complaints  # type: ignore[attr-defined]
    assert complaints == [], complaints
    assert page.evaluate("window.hacked === undefined")
    page.close()


def column(page: Page, number: int) -> list[str]:
    return page.locator(f"#table tbody tr td:nth-child({number})").all_text_contents()


@test
def rows_are_sorted_searched_and_filtered(browser: Any, folder: Path) -> None:
    page = opened(browser, folder, DATA / "several.pcap")
    assert column(page, 1) == ["0", "1", "2", "3", "4", "5"]
    page.get_by_role("button", name="down", exact=True).click()
    down = [int(text.replace(",", "")) for text in column(page, 7)]
    assert down == sorted(down, reverse=True)
    assert down[0] > down[-1]
    page.keyboard.press("/")
    page.keyboard.type("2001:db8")
    assert sorted(column(page, 1)) == ["1", "3"]
    assert "2 of 6" in page.locator("#count").inner_text()
    page.fill("#search", "")
    page.check("#only-missing")
    assert column(page, 1) == []
    quiet(page)


@test
def a_conversation_is_read_in_place(browser: Any, folder: Path) -> None:
    page = opened(browser, folder, DATA / "capture_loss.pcap")
    page.locator("#table tbody tr").first.click()
    talk = page.locator("#talk")
    assert "bytes missing" in talk.inner_text()
    colors = [page.locator(which).first.evaluate("node => getComputedStyle(node).color") for which in ("#talk .gap", "#talk .turn > p")]
    assert colors[0] != colors[1], "a gap looks like any line"
    assert "line 1:" in talk.inner_text()
    page.keyboard.press("x")
    assert "00000000" in talk.inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden()
    quiet(page)


@test
def keys_do_what_the_mouse_does(browser: Any, folder: Path) -> None:
    page = opened(browser, folder, DATA / "several.pcap")
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert "connection 2:" in page.locator("#detail-title").inner_text()
    page.keyboard.press("g")
    assert page.locator("#plot canvas").count() == 1
    page.keyboard.press("c")
    assert page.locator("#talk").is_visible()
    quiet(page)


@test
def the_graph_is_zoomed_by_dragging(browser: Any, folder: Path) -> None:
    page = opened(browser, folder, DATA / "lossy.pcap")
    page.keyboard.press("Enter")
    page.keyboard.press("g")
    plot = page.locator("#plot .u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    before = page.locator("#plot canvas").screenshot()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=5)
    page.mouse.up()
    assert page.locator("#plot canvas").screenshot() != before
    quiet(page)


@test
def captured_bytes_are_text(browser: Any, folder: Path) -> None:
    frames = conversation(1000, HOSTILE, b"javascript:hacked=1" + HOSTILE)
    page = opened(browser, folder, io.BytesIO(pcap(frames)))
    page.keyboard.press("Enter")
    text = page.locator("#talk").inner_text()
    assert "<img src=x onerror=hacked=1>" in text
    assert "\\u202e" in text  # what turns the direction of text is written out
    assert page.locator("#talk img, #talk svg, #talk script, #table img").count() == 0
    quiet(page)


@test
def light_dark_narrow_and_printed(browser: Any, folder: Path) -> None:
    shown = []
    for settings in ({"color_scheme": "light"}, {"color_scheme": "dark"}):
        page = opened(browser, folder, DATA / "several.pcap", **settings)
        shown.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        quiet(page)
    assert shown[0] != shown[1]
    page = opened(browser, folder, DATA / "several.pcap", viewport={"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= 360"), "the page is wider than a narrow screen"
    page.emulate_media(media="print")
    assert page.locator("#theme").is_hidden()
    assert page.get_by_role("button", name="client", exact=True).is_visible(), "the table is printed without its head"
    quiet(page)


@test
def many_connections_are_paged(browser: Any, folder: Path) -> None:
    frames = [frame for port in range(350) for frame in conversation(1000 + port, b"question", b"answer")]
    page = opened(browser, folder, io.BytesIO(pcap(frames)))
    assert len(column(page, 1)) == 100
    page.click("#next")
    assert column(page, 1)[0] == "100"
    page.fill("#search", ":1349 ")
    assert column(page, 1) == ["349"]
    quiet(page)


@test
def fifty_thousand_connections_are_sorted_and_searched(browser: Any, folder: Path) -> None:
    page = opened(browser, folder, io.BytesIO(many()))
    assert len(column(page, 1)) == 100
    assert "no row" in page.locator("#left-out").inner_text()
    page.get_by_role("button", name="client", exact=True).click()
    page.get_by_role("button", name="client", exact=True).click()
    assert column(page, 4)[0].endswith(":9999")
    page.fill("#search", "/49999 ")
    assert column(page, 1) == ["50,099"]
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert "connection 50099:" in page.locator("#detail-title").inner_text()
    quiet(page)


def main() -> int:
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = sys.argv[1] if len(sys.argv) > 1 else next(filter(None, map(shutil.which, names)), None)
    failed = 0
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for function in TESTS:
            try:
                function(browser, Path(folder))
            except Exception as error:
                failed += 1
                print(f"FAILED {function.__name__}: {error!r}")
        browser.close()
    print(f"{len(TESTS) - failed} passed, {failed} failed: the report in Chromium")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
