"""Take the README's screenshots from a demo study of its own: ``make pictures``."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PORT = 8765
CHROMIUM = {
    "executable_path": shutil.which("chromium-headless-shell") or shutil.which("chromium"),
    "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
}


def main() -> None:
    """Start a demo in a temporary folder, take both pictures, stop it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "QOL_SETTINGS": f"{folder}/settings.env"}
        flask = [sys.executable, "-m", "flask"]
        for command in (
            ["settings", "init", "--demo"],
            ["migrate"],
            ["definitions", "load"],
            ["demo", "fill"],
        ):
            subprocess.run([*flask, *command], cwd=ROOT, env=environment, check=True)
        server = subprocess.Popen(
            [*flask, "demo", "run", "--port", str(PORT)], cwd=ROOT, env=environment
        )
        try:
            _wait(f"http://localhost:{PORT}/")
            access = json.loads(Path(folder, "demo.json").read_text())["participants"][0]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(**CHROMIUM)
                _phone(browser, access)
                _compliance(browser)
        finally:
            server.terminate()
            server.wait()


def _wait(url: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


def _phone(browser: Browser, access: dict[str, str]) -> None:
    page = browser.new_page(
        viewport={"width": 360, "height": 740}, device_scale_factor=2, locale="en"
    )
    page.goto(f"http://localhost:{PORT}/a/{access['token']}?lang=en")
    page.locator("input[name=pin]").fill(access["pin"])
    page.locator("main form button").first.click()
    while not page.locator("#question").count():
        page.locator("main form button, main a.button").first.click()
        page.wait_for_load_state()
    page.screenshot(path=HERE / "phone.png")


def _compliance(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="en")
    page.goto(f"http://localhost:{PORT}/demo")
    page.locator("form:has([value^=coordinator]) button").first.click()
    page.goto(f"http://localhost:{PORT}/staff/compliance")
    page.screenshot(path=HERE / "compliance.png")


if __name__ == "__main__":
    main()
