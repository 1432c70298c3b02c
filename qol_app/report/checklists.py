"""SPIRIT-PRO and CONSORT-PRO item by item: answered from protocol and data, or for the authors.

Source
------
Calvert et al., JAMA 2018;319:483 (16 items) and JAMA 2013;309:814 (5 extensions, and the items
of CONSORT 2010 that it elaborates). Topics are named in our own words.
"""

from collections.abc import Mapping

import pandas as pd

from qol_app.analysis.completion import rates
from qol_app.definition.parts import in_language
from qol_app.definition.protocol_parts import ReminderStep
from qol_app.export.study import ANCHOR
from qol_app.report.data import ReportData, randomised
from qol_app.report.model import Draft, Section
from qol_app.report.people import planned_visits
from qol_app.report.speech import Speech

Answers = dict[str, str]


def checklists(data: ReportData) -> Section:
    """Return both checklists whole: every item, its answer, and who has to write the rest."""
    say = data.options.say
    draft = Draft("checklists", say("SPIRIT-PRO and CONSORT-PRO"), say)
    spirit, consort = _rows(data, SPIRIT, _spirit(data)), _rows(data, CONSORT, _consort(data))
    draft.table("spirit-pro", say("SPIRIT-PRO 2018, items on the protocol"), spirit)
    draft.table("consort-pro", say("CONSORT-PRO 2013, items on the results"), consort)
    draft.note("Calvert et al., JAMA 2018;319:483 and JAMA 2013;309:814.")
    draft.note(
        "Every item stands here. What the program cannot know is to be written by the authors."
    )
    return draft.section()


SPIRIT: Mapping[str, str] = {
    "5a": "Who is responsible for the PRO content",
    "6a": "Research question, rationale, earlier findings",
    "7": "Objectives or hypotheses, with domains",
    "10": "Eligibility; who is asked",
    "12": "Concepts, measure of each, principal timepoint",
    "13": "Schedule and windows, days from the anchor; order",
    "14": "Sample size, or power of the PRO analyses",
    "18a(i)": "Instruments: items, recall, scoring, evidence",
    "18a(ii)": "Mode and setting",
    "18a(iii)": "Language versions",
    "18a(iv)": "Answers by somebody else",
    "18b(i)": "Against missing data",
    "18b(ii)": "Those who stop or change treatment",
    "20a": "Analysis and multiplicity",
    "20c": "Missing items and assessments",
    "22": "Monitoring of answers",
}
CONSORT: Mapping[str, str] = {
    "P1b": "PRO named in the abstract as primary or secondary outcome",
    "2a": "Background and rationale",
    "P2b": "Hypotheses, with domains",
    "4a": "PRO in eligibility or stratification",
    "P6a": "Evidence of validity; who answered, and how",
    "7a": "Sample size, if the PRO is primary",
    "P12a": "Missing data in the analysis",
    "13a": "PRO data at baseline and later",
    "15": "Baseline scores",
    "16": "Numbers analysed",
    "17a": "Results by domain and timepoint",
    "18": "Subgroups and other analyses",
    "P20/21": "Limitations, generalisability, use in practice",
    "22": "Interpretation beside clinical outcomes and survival",
}


def _rows(data: ReportData, items: Mapping[str, str], answers: Answers) -> pd.DataFrame:
    say = data.options.say
    rest = say("To be written by the authors.")
    rows = [(item, say(topic), answers.get(item, rest)) for item, topic in items.items()]
    return pd.DataFrame(rows, columns=["item", "topic", "answer"])


def _spirit(data: ReportData) -> Answers:
    say, options = data.options.say, data.options
    scales = ", ".join(options.confirmatory)
    low, high = options.average_days
    return {
        "7": say(
            "Confirmatory domains: {scales}. Hypotheses: to be written by the authors."
        ).format(scales=scales),
        "10": _who_is_asked(data),
        "12": say(
            "Confirmatory: {scales}. Change from baseline by mixed model at {timepoints} and as "
            "mean of days {low:g} to {high:g}; time to deterioration. All others: descriptive."
        ).format(scales=scales, timepoints=", ".join(options.key_timepoints), low=low, high=high),
        "13": _schedule(data),
        "18a(i)": _instruments(data),
        "18a(ii)": say(
            "Electronic, on the participant's own device, alone or with help, which is recorded "
            "with each answer. Setting: to be written by the authors."
        ),
        "18a(iii)": _languages(data),
        "18a(iv)": say(
            "Nobody answers in the participant's place; help with answering is flagged."
        ),
        "18b(i)": _against_missing(data),
        "18b(ii)": _after_stopping(data),
        "20a": say(
            "As under Methods. One set of confirmatory scales, named before the data are seen; no "
            "adjustment for the number of scales or timepoints."
        ),
        "20c": say(
            "Missing items by the rule of each scale, see Scales, rules and sources; missing "
            "assessments by mixed model and delta adjustment by 0, 5, 10, 15 points. Death is no "
            "missing value."
        ),
        "22": say("Answers are not monitored during the trial; every page says so."),
    }


def _who_is_asked(data: ReportData) -> str:
    say, protocol = data.options.say, data.protocol
    first = [one.code for one in protocol.timepoints if one.before_allocation]
    return say(
        "Languages: {languages}. Before allocation: {timepoints}. All participants of all arms are "
        "asked. Other criteria: to be written by the authors."
    ).format(languages=", ".join(protocol.languages), timepoints=", ".join(first) or "–")


def _schedule(data: ReportData) -> str:
    say = data.options.say
    windows = "; ".join(
        f"{one.code}: {one.day} ({one.opens}–{one.closes}), {one.package}" for one in data.planned
    )
    order = "; ".join(
        f"{one.code}: {', '.join(map(data.called, one.instruments))}"
        for one in data.protocol.packages
    )
    return say(
        "{windows}. Order within an assessment, the same for all: {order}. Rationale, and place "
        "beside clinical assessments: to be written by the authors."
    ).format(windows=windows, order=order)


def _instruments(data: ReportData) -> str:
    say = data.options.say
    named = "; ".join(
        say("{title} {version}: {items} items, {scales} scales, recall {recall}").format(
            title=say(one.title),
            version=one.version,
            items=len(one.items),
            scales=len(one.scales),
            recall=", ".join(
                say(r.replace("_", " ")) for r in dict.fromkeys(item.recall for item in one.items)
            ),
        )
        for one in data.instruments().values()
    )
    return say(
        "{instruments}. Range, direction and rule of each scale: see Scales, rules and sources; "
        "interpretation: see How to read the scores. Justification and burden: to be written by "
        "the authors."
    ).format(instruments=named)


def _languages(data: ReportData) -> str:
    say = data.options.say
    wordings = [one for one in data.study.definitions if one.kind == "wording"]
    named = "; ".join(
        f"{data.called(one.code)} {one.language}: "
        + (say("stand-in wording") if one.stand_in else one.licence_reference or "–")
        for one in wordings
    )
    return say("{languages}. Wording used: {wordings}.").format(
        languages=", ".join(data.protocol.languages), wordings=named or "–"
    )


def _against_missing(data: ReportData) -> str:
    say, protocol = data.options.say, data.protocol
    steps = "; ".join(_reminder(say, one) for one in protocol.reminders)
    titles = (in_language(one.title, data.options.language) for one in protocol.missing_reasons)
    return say("Reminders: {steps}. Reasons asked for: {reasons}.").format(
        steps=steps or "–", reasons=", ".join(titles)
    )


# What `When` counts from: on the day itself, after it and before it.
_MOMENTS = {
    "opens": (
        "the day the window opens",
        "{days} after the window opens",
        "{days} before the window opens",
    ),
    "target": ("the target day", "{days} after the target day", "{days} before the target day"),
    "closes": (
        "the day the window closes",
        "{days} after the window closes",
        "{days} before the window closes",
    ),
}


def _reminder(say: Speech, step: ReminderStep) -> str:
    """Return a step by its rule: its code means something only to who wrote the protocol."""
    kind = "message by the other channel" if step.channel == "other" else "message"
    days = {name: getattr(step.when, name) for name in _MOMENTS}
    moments = [_moment(say, name, day) for name, day in days.items() if day is not None]
    when = f" {say('or')} ".join(moments)
    if len(moments) > 1:
        when = say("{moments}, whichever comes first").format(moments=when)
    told = f"{say('telephone call' if step.task else kind)} {when}"
    return f"{told} ({', '.join(step.timepoints)})" if step.timepoints else told


def _moment(say: Speech, name: str, day: int) -> str:
    on, after, before = _MOMENTS[name]
    if day == 0:
        return say(on)
    days = say("1 day") if abs(day) == 1 else say("{n} days").format(n=abs(day))
    return say(after if day > 0 else before).format(days=days)


def _after_stopping(data: ReportData) -> str:
    say = data.options.say
    titles = {
        one.code: in_language(one.title, data.options.language) for one in data.protocol.events
    }
    extra = [
        f"{one.code} ({titles.get(one.anchor, one.anchor)})"
        for one in data.protocol.timepoints
        if one.enabled and one.anchor != ANCHOR
    ]
    return say(
        "Asked as before until death, withdrawal or end of follow-up, whatever the treatment. "
        "Extra assessments: {extra}."
    ).format(extra=", ".join(extra) or "–")


def _consort(data: ReportData) -> Answers:
    say, scales = data.options.say, ", ".join(data.options.confirmatory)
    people = randomised(data)
    baseline = set(data.scores.loc[data.scores["baseline"].notna(), "participant"])
    missing = int((~people.index.isin(baseline)).sum())
    return {
        "P2b": say(
            "Confirmatory domains: {scales}. Hypotheses: to be written by the authors."
        ).format(scales=scales),
        "P6a": _validity(data),
        "P12a": say(
            "Mixed model, valid where data are missing at random; delta adjustment. See Completion "
            "and Mixed model."
        ),
        "13a": _by_timepoint(data),
        "15": say("{share} randomised without a baseline. See Table 1.").format(
            share=say.share(missing, len(people))
        ),
        "16": say("Below each analysis: rows used, left out and why."),
        "17a": say("See All scales and Mean profiles."),
        "18": say("See Predictive and prognostic factors, and Mixed model (delta)."),
        "22": say(
            "Overall and progression-free survival stand in this report. Interpretation: to be "
            "written by the authors."
        ),
    }


def _validity(data: ReportData) -> str:
    say, visits = data.options.say, data.facts.visits
    answered = visits[visits["answered_on"].notna()]
    n = len(answered)
    helped = int(answered["assisted"].eq(True).sum()) if "assisted" in answered else 0
    several = answered["mode"].astype(str).str.contains("+", regex=False) if n else pd.Series()
    sources = "; ".join(
        f"{say(one.title)}: {one.sources[0].citation}" for one in data.instruments().values()
    )
    return say(
        "{sources}. Answered electronically by the participants; with help {helped}, mode changed "
        "within an assessment {several}, late {late}."
    ).format(
        sources=sources,
        helped=say.share(helped, n),
        several=say.share(int(several.sum()), n),
        late=say.share(int(answered["late"].eq(True).sum()), n),
    )


def _by_timepoint(data: ReportData) -> str:
    """Return valid of expected assessments at each planned timepoint, all arms together."""
    say = data.options.say
    visits = planned_visits(data)
    if not len(visits) or not visits["randomised"].any():
        return say("Nobody has been randomised.")
    numbers = "; ".join(
        f"{row.timepoint} {row.completion_numerator}/{row.completion_denominator}"
        for row in rates(visits).table.itertuples()
    )
    return say("Valid of expected: {numbers}. By arm, with reasons: see Participant flow.").format(
        numbers=numbers
    )
