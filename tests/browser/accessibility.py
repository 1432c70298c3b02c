"""What axe finds wrong with a page, by the rules of WCAG 2.2 AA and its own good practice."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    # Of what a page does right only a count, which takes a third of the time.
    "resultTypes": ["violations"],
}


def violations(page: Page) -> list[str]:
    """Return each rule that the page breaks, with the first element that does."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]
