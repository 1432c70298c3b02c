import pytest

from qol_app.report.registry import written
from tests.report.made_report import made_data, made_facts, pooled, unrendered


@pytest.fixture(scope="package")
def facts():
    return made_facts()


@pytest.fixture(scope="package")
def by_arm(facts):
    return made_data(facts)


@pytest.fixture(scope="package")
def sections(by_arm):
    return list(written(by_arm))


@pytest.fixture(scope="package")
def blinded(facts):
    return made_data(pooled(facts), blinded=True)


@pytest.fixture(scope="package")
def blinded_sections(blinded):
    # What is drawn is shown by the sections with arms; here words and numbers count.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qol_app.report.canvas.finished", unrendered)
        return list(written(blinded))
