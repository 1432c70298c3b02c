"""How it was done: methods in words, every definition, version, threshold, source and hash."""

import platform
from importlib.metadata import version

import pandas as pd

from qol_app.analysis.mmrm_df import DF_WORDS
from qol_app.definition.instrument import Instrument
from qol_app.definition.interpretation import GuideBase
from qol_app.definition.parts import in_language
from qol_app.report.data import ReportData, code_sha256
from qol_app.report.model import Draft, Section
from qol_app.report.speech import Speech

LIBRARIES = ("numpy", "pandas", "scipy", "statsmodels", "matplotlib")


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
        (code, scale.code, data.scale_title(instrument, scale.code), scale.rule.replace("_", " "),
         _range(data.options.say, instrument, scale.code), scale.source)
        for code, instrument in data.instruments().items()
        for scale in instrument.scales
    ]  # fmt: skip
    columns = ["instrument", "scale", "title", "rule", "range", "source"]
    return pd.DataFrame(rows, columns=columns)


def _range(say: Speech, instrument: Instrument, code: str) -> str:
    scale = instrument.scale(code)
    direction = say(scale.direction.value.replace("_", " "))
    return f"{say.short(scale.low)}–{say.short(scale.high)}, {direction}"


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
        ("data until", data.study.data_until.isoformat(" ", "minutes")),
        ("as of", data.as_of.isoformat()),
        ("participants", str(len(data.facts.participants))),
        ("scope", "pooled over arms" if data.options.blinded else "by arm"),
        ("program", data.study.program_version),
        ("code sha256", code_sha256()),
        ("python", platform.python_version()),
        *[(name, version(name)) for name in LIBRARIES],
    ]
    return pd.DataFrame(rows, columns=["what", "value"])
