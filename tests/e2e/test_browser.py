"""The page of serve and the file of report in a real browser: live, by keyboard, on a phone, in the dark, without
scripts; nothing on the console, no request that leaves the machine. DVF_SHOTS=FOLDER keeps pictures to look at."""
import os
import signal
import time

import pytest

import ledgers
import shapes
from browser import Browser
from pages import Between, Served

WIDE, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def scene(tmp_path_factory, made_years):
    """A year that is in, one with rejects that is half way (its run is stopped), and a serve that shows them."""
    import program
    home = tmp_path_factory.mktemp("browser")
    folder = home / "site" / "csv"
    table = shapes.table_of(made_years(150_000, 2022))
    for record in (50, 9000, 9100):
        shapes.changed(table, record, "date_mutation", "20x3-12-31")
    for year, content in ((2021, None), (2022, shapes.pack(shapes.written(table), level=1))):
        (folder / str(year)).mkdir(parents=True)
        if content is None:
            with open(made_years(20_000), "rb") as whole:
                content = whole.read()
        (folder / str(year) / "full.csv.gz").write_bytes(content)
    importer = program.Import(home, f"sqlite:{home}/dvf.sqlite", f"file://{folder}/{{year}}/full.csv.gz")
    importer.run_well("--years", "2021", "--chunk-rows", "200")
    made = Scene(importer)
    yield made
    made.end()


class Scene:
    def __init__(self, importer):
        self.importer = importer
        self.page = Served(importer)
        self.url = self.page.url
        self.run = importer.start("--years", "2021-2022", "--chunk-rows", "200")
        ledgers.stop_in_loading(importer, self.run)

    def let_go(self):
        self.run.send_signal(signal.SIGCONT)
        assert self.importer.finish(self.run).code == 0

    def end(self):
        assert self.page.stop().code == 0
        self.importer.end_all()


@pytest.fixture
def browse():
    made = []

    def make(*size, **options):
        made.append(Browser(*size, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def keep(browser, name, height=None):
    if os.environ.get("DVF_SHOTS"):
        browser.picture(os.path.join(os.environ["DVF_SHOTS"], name + ".png"), height)


def settled(browser, url):
    browser.open(url)
    browser.waits_for(lambda: browser.text("#link") in ("live", "en direct"), "the stream")
    browser.waits_for(lambda: browser.find("#speed canvas") and browser.find("#memory canvas"), "the plots")


def quiet(browser, url):
    assert browser.console() == []
    asked = [one for one in browser.requests() if one.startswith(("http", "ws"))]
    assert asked and [one for one in asked if not one.startswith(url)] == []


def fits(browser):
    assert browser.does("document.documentElement.scrollWidth") == browser.width


def test_wide_phone_dark_and_off(scene, browse):
    """While a run is half way: what is seen does not move, so it can be looked at in peace."""
    wide = browse(*WIDE)
    settled(wide, scene.url)
    assert "At work" in wide.text("#head") and "loading" in wide.text("#years")
    assert len(wide.find("#map .cells .f")) == 1 and len(wide.find("#map .cells .r")) >= 1
    assert wide.does("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"
    fits(wide)
    keep(wide, "wide", 1100)
    wide.dark()
    wide.waits_for(lambda: wide.does("getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 28)", "the dark")
    assert wide.find("#speed canvas")
    keep(wide, "dark")
    by_keyboard(wide)
    quiet(wide, scene.url)

    phone = browse(*PHONE, phone=True)
    settled(phone, scene.url + "?lang=fr")
    assert "Au travail" in phone.text("#head") and phone.does("document.documentElement.lang") == "fr"
    fits(phone)
    keep(phone, "phone", 1500)
    phone.click("#map-2021")
    phone.waits_for(lambda: "2021" in phone.text("#map strong"), "the map of the other year")
    quiet(phone, scene.url)

    off = browse(*WIDE, script=False)
    off.open(scene.url)
    assert off.text("#link").startswith("a snapshot") and "loading" in off.text("#years")
    assert not off.find("canvas") and "does not run here" in off.text(".plots")
    off.click("#figures summary")
    assert "rows/s" in off.text("#figures")
    keep(off, "without-script")
    assert off.console() == []


def by_keyboard(browser):
    """Tab reaches the skip link first, then everything that can be used; what is open stays open."""
    from selenium.webdriver.common.keys import Keys
    browser.keys(Keys.TAB)
    assert browser.does("document.activeElement.className") == "skip"
    reached = []
    for _ in range(12):
        browser.keys(Keys.TAB)
        reached.append(browser.does("document.activeElement.tagName"))
        if reached[-1] == "SUMMARY":
            break
    assert reached[-1] == "SUMMARY", reached
    browser.keys(Keys.ENTER)
    assert browser.does("document.getElementById('figures').open")
    outline = browser.does("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_live_until_it_is_in(scene, browse):
    """The stopped run goes on: the page follows, without a reload, and keeps what was open."""
    page = browse(*WIDE)
    settled(page, scene.url)
    page.does("window.here = true")
    page.click("#figures summary")
    page.does("document.getElementById('reason').insertAdjacentHTML('beforeend', '<details id=\"gone\" open></details>')")
    page.waits_for(lambda: not page.find("#gone"), "a section without what was open in it")
    before = page.text("#reason")
    scene.let_go()
    page.waits_for(lambda: page.text("#head") == "All is in", "the end of the run")
    page.waits_for(lambda: "loading" not in page.text("#years"), "the year")
    assert page.does("window.here") and page.does("document.getElementById('figures').open")
    assert page.text("#reason") != before
    assert "date_mutation" in page.text("#rejects") and "The chain is whole" in page.text("#history")
    assert page.does("document.querySelectorAll('#map .cells .d').length") > 200
    quiet(page, scene.url)


def test_follows_again(scene, browse):
    """A proxy that answers 502 while serve is started again, and a connection that dies without a word: neither is a
    break that a browser mends by itself."""
    between = Between(scene.page)
    page = browse(*WIDE)
    page.open(between.url)
    page.waits_for(lambda: page.text("#link") == "live", "the stream")
    between.mood, asked = "refuse", between.asked
    page.waits_for(lambda: page.text("#link").startswith("no connection"), "the loss to be said")
    page.waits_for(lambda: between.asked > asked, "the browser's own try, which is refused")
    between.mood = "pass"
    page.waits_for(lambda: page.text("#link") == "live", "the stream after a 502")
    between.mood, asked = "mute", between.asked
    page.waits_for(lambda: between.asked > asked, "another stream after silence")
    between.mood, before = "pass", page.text("#reason")
    page.waits_for(lambda: page.text("#link") == "live" and page.text("#reason") != before, "news after silence")
    between.mood, asked = "alive", between.asked
    time.sleep(5)
    assert between.asked == asked and page.text("#link") == "live"
    between.close()


def test_report_file(scene, browse, tmp_path):
    path = tmp_path / "report.html"
    assert scene.importer.call("report", "--html", path).code == 0
    page = browse(*WIDE)
    page.open(f"file://{path}")
    page.waits_for(lambda: page.find("#speed canvas"), "the plots")
    assert "Years" in page.text() and page.text("#link") == "a snapshot"
    assert page.console() == []
    assert [one for one in page.requests() if one.startswith(("http", "ws"))] == []
    fits(page)
