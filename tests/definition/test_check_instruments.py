"""``flask check`` lists everything that is wrong with the instruments, not only the first."""

import shutil

from qol_app.definition.checks import check_instruments
from tests.definition.test_instruments import CODES, FOLDER


def test_the_shipped_instruments_have_no_findings():
    assert check_instruments(FOLDER) == []


def test_all_findings_of_all_folders_are_listed(tmp_path):
    one, two = CODES[:2]
    folder = tmp_path / "questionnaires" / "instruments"
    for code in (one, two):
        shutil.copytree(FOLDER / code, folder / code)
    (folder / one / "golden.csv").unlink()
    (folder / one / "en.yaml").unlink()
    (folder / one / "sv.yaml").write_text("language: sv\n")
    (folder / two / "instrument.yaml").write_text("code: x\n")
    found = check_instruments(folder)
    assert [line.split(":")[0].rsplit("/", 1)[-1] for line in found] == [
        "sv.yaml",
        "golden.csv",
        "instrument.yaml",
    ]
    assert all(line.startswith("questionnaires/instruments/") for line in found)
    shutil.rmtree(folder / two)
    (folder / one / "sv.yaml").unlink()
    assert any("found no wording" in line for line in check_instruments(folder))
