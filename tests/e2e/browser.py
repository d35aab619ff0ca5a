"""A headless Chromium, driven by selenium: looks, clicks, and hears what its console has to say."""
import base64
import json
import os
import shutil
import tempfile
import time

import pytest

import program

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"


class Browser:
    """A window of some size; `phone`: touch, and its width is the page's; `script=False`: JavaScript is off."""

    def __init__(self, width=1280, height=900, phone=False, script=True):
        selenium = pytest.importorskip("selenium.webdriver")
        from selenium.webdriver.chrome.service import Service
        if not (os.path.exists(CHROMIUM) and os.path.exists(DRIVER)):
            pytest.skip("chromium and chromium-driver are not installed")
        self.profile = tempfile.mkdtemp(prefix="dvf-chromium-")
        options = selenium.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                         "--hide-scrollbars", "--no-first-run", "--disable-background-networking", "--lang=en-GB",
                         f"--window-size={width},{height}", f"--user-data-dir={self.profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        if phone:
            options.add_experimental_option("mobileEmulation", {
                "deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0, "touch": True}})
        if not script:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.width = width
        self.driver = selenium.Chrome(service=Service(DRIVER), options=options)

    def dark(self, on=True):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if on else "light"}]})

    def open(self, url):
        self.driver.get(url)

    def find(self, selector):
        return self.driver.find_elements("css selector", selector)

    def text(self, selector="body"):
        return self.with_one(selector, lambda element: element.text)

    def click(self, selector):
        self.with_one(selector, lambda element: element.click())

    def with_one(self, selector, act):
        """What a part of the page gives; parts are made anew as the page moves, also between two words to it."""
        from selenium.common.exceptions import StaleElementReferenceException
        for _ in range(20):
            try:
                return act(self.driver.find_element("css selector", selector))
            except StaleElementReferenceException:
                time.sleep(0.05)
        return act(self.driver.find_element("css selector", selector))

    def does(self, script):
        return self.driver.execute_script("return " + script)

    def keys(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains
        ActionChains(self.driver).send_keys(*keys).perform()

    def waits_for(self, condition, what, seconds=20):
        end = time.monotonic() + seconds * program.SLOW
        while not condition():
            assert time.monotonic() < end, f"waited {seconds} s in vain for: {what}\n{self.console()}"
            time.sleep(0.05)

    def console(self):
        """What the console was told since it was asked last, but for what is only information."""
        return sorted({entry["message"] for entry in self.driver.get_log("browser")
                       if entry["level"] not in ("INFO", "DEBUG")})

    def requests(self):
        """Every URL that was asked for."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]

    def picture(self, path, height=None):
        """The whole page, or its upper part, as a PNG."""
        height = min(height or 10000, self.does("document.documentElement.scrollHeight"))
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "format": "png", "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": self.width, "height": height, "scale": 1}})
        with open(path, "wb") as out:
            out.write(base64.b64decode(shot["data"]))

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)
