"""What axe finds wrong with a page, by the rules of WCAG 2.2 AA and its own good practice."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    # Of what a page does right only a count, which takes a third of the time.
    "resultTypes": ["violations"],
}
# Told in the page itself: what axe says besides, of every rule, is long to carry over.
BROKEN = """async (rules) => (await axe.run(rules)).violations.map(
    (one) => `${one.id}: ${one.nodes[0].html.slice(0, 120)}`)"""


def violations(page: Page) -> list[str]:
    """Return each rule that the page breaks, with the first element that does."""
    page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(BROKEN, RULES)
    return found
