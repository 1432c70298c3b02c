"""An event that cannot be, or is odd, is said in words, in English and in Swedish."""

from datetime import timedelta

import pytest

from qol_app.services import events
from qol_app.services.context import Actor
from tests.staff_factories import TODAY, make_participant, make_staff, sign_in

SYSTEM = Actor.system("tests")
DIED = TODAY - timedelta(days=20)
REFUSED = {
    "in the future": (
        "progression",
        TODAY + timedelta(days=1),
        {"en": "This day lies in the future.", "sv": "Den dagen ligger i framtiden."},
    ),
    "before the study": (
        "consent",
        TODAY - timedelta(days=10_000),
        {
            "en": "This day is before the study started.",
            "sv": "Den dagen är innan studien började.",
        },
    ),
    "after death": (
        "progression",
        DIED + timedelta(days=1),
        {
            "en": "This day is after the recorded death.",
            "sv": "Den dagen är efter det registrerade dödsfallet.",
        },
    ),
}
ASKED = {
    "before consent": (
        "progression",
        TODAY - timedelta(days=130),
        {
            "en": "This day is before consent. Is the date right?",
            "sv": "Den dagen är före samtycket. Stämmer datumet?",
        },
    ),
}


@pytest.fixture
def app(app):
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture(params=["en", "sv"])
def language(request):
    return request.param


@pytest.fixture
def post(client, runtime, language):
    """Return a function that sends an event's form for somebody, dead or alive."""
    assert sign_in(client, make_staff(runtime, language=language)).status_code == 302

    def send(kind, on, died=False, **more):
        with runtime.writing(SYSTEM) as ctx:
            row = make_participant(ctx, consent_on=TODAY - timedelta(days=100))
            if died:
                events.record(ctx, row, "death", DIED, confirmed=True)
        where = f"/staff/participants/{row.public_id}/events/new/{kind}"
        return client.post(where, data={"on": str(on), **more})

    return send


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_is_refused_in_the_readers_language_confirmed_or_not(post, language, why):
    kind, on, words = REFUSED[why]
    page = post(kind, on, died=why == "after death", step="save", confirmed="y")
    assert page.status_code == 422
    assert words[language] in page.text


@pytest.mark.parametrize("on", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("kind", ["consent", "progression", "death"])
def test_a_slip_of_the_finger_in_the_year_is_refused_like_any_other(post, kind, on):
    assert post(kind, on).status_code == 422


@pytest.mark.parametrize("why", ASKED)
def test_what_is_odd_is_asked_about_in_the_readers_language(post, language, why):
    kind, on, words = ASKED[why]
    page = post(kind, on, step="save")
    assert page.status_code == 422
    assert words[language] in page.text
    assert 'name="confirmed"' in page.text
