"""How it was done: reporting checklists filled in, methods in words, and every hash."""

import platform
from importlib.metadata import version

import pandas as pd

from qol_app.analysis.mmrm_df import DF_WORDS
from qol_app.definition.instrument import Instrument
from qol_app.definition.interpretation import GuideBase
from qol_app.definition.parts import in_language
from qol_app.report.data import ReportData, randomised
from qol_app.report.model import Draft, Section
from qol_app.report.shown import count_of

LIBRARIES = ("numpy", "pandas", "scipy", "statsmodels", "matplotlib")


def checklists(data: ReportData) -> Section:
    """Return the items of SPIRIT-PRO and CONSORT-PRO that the program knows the answer to."""
    say = data.options.say
    draft = Draft("checklists", say("SPIRIT-PRO and CONSORT-PRO"), say)
    draft.table("spirit-pro", say("SPIRIT-PRO 2018, items on the protocol"), _spirit(data))
    draft.table("consort-pro", say("CONSORT-PRO 2013, items on the results"), _consort(data))
    draft.note(
        "Calvert et al., JAMA 2018;319:483 and JAMA 2013;309:814. Items not listed are for the "
        "authors."
    )
    return draft.section()


def _table(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["item", "topic", "answer"])


def _spirit(data: ReportData) -> pd.DataFrame:
    say, language, protocol = data.options.say, data.options.language, data.protocol
    instruments = data.instruments()
    windows = "; ".join(
        f"{one.code}: {one.day} ({one.opens}–{one.closes}), {one.package}" for one in data.planned
    )
    order = "; ".join(f"{one.code}: {', '.join(one.instruments)}" for one in protocol.packages)
    asked = "; ".join(
        say("{title} {version}: {items} items, {scales} scales").format(
            title=one.title, version=one.version, items=len(one.items), scales=len(one.scales)
        )
        for one in instruments.values()
    )
    recalls = "; ".join(
        f"{one.title}: {', '.join(dict.fromkeys(item.recall for item in one.items))}"
        for one in instruments.values()
    )
    steps = "; ".join(f"{one.code} ({_when(one)})" for one in protocol.reminders)
    reasons = ", ".join(in_language(one.title, language) for one in protocol.missing_reasons)
    return _table(
        [
            ("12", say("Concepts"), say("Confirmatory: {scales}; all others descriptive").format(
                scales=", ".join(data.options.confirmatory))),
            ("13", say("Schedule and windows, days from the anchor"), windows),
            ("13", say("Order within an assessment"), order),
            ("18a (i)", say("Instruments"), asked),
            ("18a (ii)", say("Recall periods"), recalls),
            ("18a (iii)", say("Mode and languages"),
             say("electronic; languages {languages}").format(
                 languages=", ".join(protocol.languages))),
            ("18b", say("Against missing data"),
             say("reminders {steps}; reasons asked: {reasons}").format(
                 steps=steps or "–", reasons=reasons)),
            ("20a", say("Analysis"), say("as under Methods")),
            ("20c", say("Missing data"),
             say("mixed model; delta adjustment by 0, 5, 10, 15 points; death no missing value")),
            ("22", say("Monitoring of answers"),
             say("answers are not monitored during the trial; every page says so")),
        ]
    )  # fmt: skip


def _when(step) -> str:  # type: ignore[no-untyped-def]
    known = {"opens": step.when.opens, "target": step.when.target, "closes": step.when.closes}
    return ", ".join(f"{name} {day:+d}" for name, day in known.items() if day is not None)


def _consort(data: ReportData) -> pd.DataFrame:
    say, visits = data.options.say, data.facts.visits
    answered = visits[visits["answered_on"].notna()]
    n = len(answered)
    late = int(answered["late"].eq(True).sum())
    assisted = int(answered["assisted"].eq(True).sum()) if "assisted" in answered else 0
    several = answered["mode"].astype(str).str.contains("+", regex=False) if n else pd.Series()
    people = randomised(data)
    baseline = set(data.scores.loc[data.scores["baseline"].notna(), "participant"])
    missing = int((~people.index.isin(baseline)).sum())
    return _table(
        [
            ("P2b", say("Hypotheses"), say("for the authors, before the data are seen")),
            ("P6a", say("Evidence of validity, mode"), _sources(data)),
            ("P12a", say("Missing data"), say("see Completion and Mixed model")),
            ("13a", say("Flow"), say("see Participant flow, by timepoint with reasons")),
            ("15", say("Baseline scores"), say("{share} randomised without a baseline").format(
                share=count_of(missing, len(people)))),
            ("16", say("Late answers"), count_of(late, n)),
            ("16", say("Answered with help"), count_of(assisted, n)),
            ("16", say("Mode changed within an assessment"), count_of(int(several.sum()), n)),
            ("17a", say("Results by domain"), say("see All scales and Mean profiles")),
        ]
    )  # fmt: skip


def _sources(data: ReportData) -> str:
    return "; ".join(
        f"{one.title}: {one.sources[0].citation}" for one in data.instruments().values()
    )


def methods(data: ReportData) -> Section:
    """Return the methods in words, with every definition, version, threshold, source and hash."""
    say = data.options.say
    draft = Draft("methods", say("Methods"), say)
    draft.tell(
        "Protocol {code} {version}. Population: all randomised, as allocated; who has no baseline "
        "is counted. Treatment policy for progression, new therapy and refused procedures; while "
        "alive for death. Assessments answered within their windows are in the main analysis; "
        "later ones are kept and flagged.",
        code=data.protocol.title,
        version=data.protocol.version,
    )
    draft.tell(
        "Mixed model: restricted maximum likelihood, {df}; unstructured covariance, where it "
        "cannot be fitted Toeplitz, then autoregressive. Survival: Kaplan-Meier with log-log "
        "limits, Cox regression with Efron ties, proportional hazards tested by scaled residuals, "
        "restricted means to day {days:g}. Two-sided tests, 95 % intervals.",
        df=say(DF_WORDS["satterthwaite"]),
        days=data.options.horizon_days,
    )
    draft.tell("SISAQOL: Coens et al., Lancet Oncol 2020;21:e83. Estimands: ICH E9(R1), 2019.")
    draft.table("thresholds", say("Thresholds and their sources"), _thresholds(data))
    draft.table("scoring", say("Scales, rules and sources"), _scoring(data))
    draft.table("definitions", say("Definitions used"), _definitions(data))
    draft.table("versions", say("Data and program"), _versions(data))
    return draft.section()


def _thresholds(data: ReportData) -> pd.DataFrame:
    rows = []
    for scale in data.options.confirmatory:
        for instrument in data.instruments().values():
            if all(one.code != scale for one in instrument.scales):
                continue
            own = data.threshold(instrument.code, scale)
            use = data.options.say("one participant's change")
            rows.append((instrument.code, scale, use, own.points, own.source))
            small = data.difference(instrument.code, scale)
            if small:
                use = data.options.say("difference between groups")
                rows.append((instrument.code, scale, use, small.points, small.source))
            break
    for code, known in data.interpretations.items():
        for guide in known.guides:
            rows.append((code, "", _guide(data, guide), float("nan"), guide.source))
    return pd.DataFrame(rows, columns=["instrument", "scale", "use", "points", "source"])


def _guide(data: ReportData, guide: GuideBase) -> str:
    return (
        f"{in_language(guide.title, data.options.language)} ({data.options.say(str(guide.flag))})"
    )


def _scoring(data: ReportData) -> pd.DataFrame:
    rows = [
        (code, scale.code, data.scale_title(instrument, scale.code), scale.rule,
         _range(instrument, scale.code), scale.source)
        for code, instrument in data.instruments().items()
        for scale in instrument.scales
    ]  # fmt: skip
    columns = ["instrument", "scale", "title", "rule", "range", "source"]
    return pd.DataFrame(rows, columns=columns)


def _range(instrument: Instrument, code: str) -> str:
    scale = instrument.scale(code)
    return f"{scale.low:g}–{scale.high:g}, {scale.direction.value.replace('_', ' ')}"


def _definitions(data: ReportData) -> pd.DataFrame:
    rows = [
        (one.kind, one.code, one.language, one.version, "stand-in" if one.stand_in else "",
         one.licence_reference, one.sha256)
        for one in data.study.definitions
    ]  # fmt: skip
    rows += [
        ("interpretation", code, "", "", "", "", known.sha256)
        for code, known in data.interpretations.items()
    ]
    columns = ["kind", "code", "language", "version", "wording", "licence", "sha256"]
    return pd.DataFrame(rows, columns=columns)


def _versions(data: ReportData) -> pd.DataFrame:
    rows = [
        ("data sha256", data.sha256),
        ("data until", data.study.data_until.isoformat()),
        ("as of", data.as_of.isoformat()),
        ("participants", str(len(data.facts.participants))),
        ("scope", "pooled over arms" if data.options.blinded else "by arm"),
        ("program", data.study.program_version),
        ("python", platform.python_version()),
        *[(name, version(name)) for name in LIBRARIES],
    ]
    return pd.DataFrame(rows, columns=["what", "value"])
