"""No message may tell an onlooker why it was sent."""

from pathlib import Path

import pytest
import yaml

from qol_app.definition.message_lint import ENGLISH_STEMS, SWEDISH_STEMS, telling_words
from qol_app.definition.message_texts import load_messages, message_problems, own_names
from qol_app.definition.protocol import load_protocol
from qol_app.errors import DefinitionError

FOLDER = Path(__file__).parents[2] / "questionnaires"
MESSAGES = FOLDER / "messages"
PROTOCOL = load_protocol(FOLDER / "protocols" / "breclim-2.yaml")


@pytest.mark.requirement("M1")
@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("Your breast cancer questionnaire", "disease"),
        ("Din levercancerenkät", "disease"),
        ("Fråga om dina metastaser", "disease"),
        ("After your operation", "treatment"),
        ("pre-operative questions", "treatment"),
        ("Efter cellgiftsbehandlingen", "treatment"),
        ("Inför ingreppet", "treatment"),
        ("Your drug diary", "treatment"),
        ("The trial needs you", "trial"),
        ("Läkemedelsprövningen", "treatment"),
        ("Tack för att du deltar i studien", "trial"),
        ("Greetings from the clinic", "clinic"),
        ("Hälsningar från onkologmottagningen", "disease"),
        ("Norrlands universitetssjukhus", "clinic"),
        ("Dear patient", "clinic"),
        ("You are in the control arm", "arm"),
        ("Du är i kontrollgruppen", "arm"),
        ("CANCER", "disease"),
        ("can\u00adcer", "disease"),
        ("can\u200bcer", "disease"),
        ("ｃａｎｃｅｒ", "disease"),
    ],
)
def test_a_telling_word_is_found_in_either_language(text, about):
    assert about in {word.about for word in telling_words(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Your questionnaire is open until Monday",
        "Ditt formulär är öppet till och med måndag",
        "Meddelandet levererades i går, eleverna delivered it cleverly",
        "Vi hälsar och tackar för tålamodet, patience and army wardrobe",
        "Call {site_phone} or open {link_to_clinic_page}",
        "Frågeformulär, månad 3",
        "",
    ],
)
def test_ordinary_words_are_left_alone(text):
    assert telling_words(text) == ()


def test_the_trials_own_names_are_telling():
    found = telling_words("BreCLIM-2 reminds you", own_names(PROTOCOL))
    assert [word.word.casefold() for word in found] == ["breclim-2"] * len(found)
    assert found


@pytest.mark.requirement("M1")
@pytest.mark.parametrize("stems", [ENGLISH_STEMS, SWEDISH_STEMS])
def test_every_stem_is_found_by_itself(stems):
    for about, words in stems.items():
        for word in words:
            assert telling_words(f"Om {word} nu"), f"{about}: {word}"


def test_the_shipped_messages_are_fit_for_the_shipped_protocol():
    languages = load_messages(MESSAGES, own_names(PROTOCOL))
    assert set(languages) == {"en", "sv"}
    assert list(message_problems(PROTOCOL, languages)) == []


def test_both_languages_have_the_same_messages():
    languages = load_messages(MESSAGES)
    assert [m.code for m in languages["en"].messages] == [m.code for m in languages["sv"].messages]
    for en, sv in zip(languages["en"].messages, languages["sv"].messages, strict=True):
        assert (en.started is None) is (sv.started is None)


@pytest.mark.parametrize(
    ("field", "text", "part"),
    [
        (
            "short",
            "Your cancer questionnaire: {link}",
            "messages invitation: short: found 'cancer'",
        ),
        (
            "notice",
            "Your cancer questionnaire",
            "messages invitation: notice: found 'cancer'",
        ),
        ("notice", "Open {link}", "messages invitation: notice: found {link}, which would stand"),
        ("text", "Dear {name}", "unknown placeholder {name}"),
        ("text", "Open {link.__class__}", "unknown placeholder {link.__class__}"),
        ("text", "Open {link!r}", "unknown placeholder {link}"),
        ("text", "Open {link", "a stray brace"),
        ("subject", "Hello\nBcc: all@example.org", "messages[0].subject"),
    ],
)
def test_a_wrong_text_is_refused_by_file_and_place(tmp_path, field, text, part):
    content = yaml.safe_load((MESSAGES / "en.yaml").read_text(encoding="utf-8"))
    content["messages"][0][field] = text
    (tmp_path / "en.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_messages(tmp_path)
    assert part in str(caught.value)
    assert "en.yaml" in str(caught.value)


def test_a_file_is_named_for_its_language(tmp_path):
    (tmp_path / "fi.yaml").write_bytes((MESSAGES / "en.yaml").read_bytes())
    with pytest.raises(DefinitionError, match=r"language: found 'en'; wanted 'fi'"):
        load_messages(tmp_path)


def test_a_protocol_misses_a_language_or_a_message_by_name():
    english = {"en": load_messages(MESSAGES)["en"]}
    assert [str(one) for one in message_problems(PROTOCOL, english)] == [
        "messages: found no file for 'sv'; wanted sv.yaml"
    ]
    steps = (PROTOCOL.reminders[0].model_copy(update={"message": "hello"}),)
    changed = PROTOCOL.model_copy(update={"reminders": steps, "languages": ("en",)})
    (problem,) = message_problems(changed, english)
    assert problem.found == "unknown message 'hello' in en"
