"""Styles and scripts come from here, may be kept for a year, and change address with content."""

import re

import pytest

from qol_app.web.assets import FOLDER, stamp


def test_pages_name_assets_by_their_release(client):
    html = client.get("/signed-out").get_data(as_text=True)
    assert f"/static/v-{stamp()}/app.css" in html


def test_an_asset_of_this_release_is_kept_and_any_other_is_asked_for_anew(client):
    with client.get(f"/static/v-{stamp()}/app.css") as kept:
        assert "immutable" in kept.headers["Cache-Control"]
    for path in ("/static/app.css", "/static/v-0000/app.css"):
        with client.get(path) as asked:
            assert asked.headers["Cache-Control"] == "public, no-cache"


def test_nothing_outside_the_folder_is_served(client):
    for path in ("/static/../assets.py", "/static/%2e%2e/assets.py", "/static/v-x/../../app.py"):
        reply = client.get(path)
        assert reply.status_code == 404
        assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.requirement("S4", "I5")
def test_no_file_names_another_origin():
    for path in FOLDER.rglob("*"):
        if path.is_file():
            text = path.read_text().replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|//[a-z]+\.[a-z]", text), path


def test_every_file_the_worker_keeps_is_there():
    text = (FOLDER / "sw.js").read_text()
    named = re.search(r"NEEDED = \[(.*?)\]", text, re.S).group(1)
    for name in re.findall(r'"([^"]+)"', named):
        assert (FOLDER / name).is_file()


def test_every_module_that_the_offline_page_imports_is_kept_by_the_worker():
    text, seen, left = (FOLDER / "sw.js").read_text(), set(), ["offline.js"]
    while left:
        name = left.pop()
        seen.add(name)
        source = (FOLDER / "js" / name).read_text()
        left += [one for one in re.findall(r'from "\./([^"]+)"', source) if one not in seen]
    assert not [name for name in seen if f'"js/{name}"' not in text]
