"""Our own rules on SDTM and ADaM data sets, each with an id; CDISC's engine is run elsewhere.

The open rules engine of CDISC (PyPI ``cdisc-rules-engine``) needs Python 3.12 and a cache of
rules that it does not ship, so it is no dependency of ours. ``checks.csv`` says that it was
not run, and how to run it on these files.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from qol_app.export.cdisc.model import CodeList, Dataset
from qol_app.export.transport import MOST_BYTES, MOST_LABEL, NAME

ISO = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2})?")
CLOSE = 1e-9
ENGINE = (
    "CDISC open rules engine: not run: it needs Python 3.12 and a downloaded rule cache. "
    "With it: core validate -s sdtmig -v 3-4 -d sdtm -dxp sdtm/define.xml"
)


@dataclass(frozen=True)
class Package:
    """The data sets of one folder, by name, with the lists their values come from."""

    datasets: Mapping[str, Dataset]
    codelists: Mapping[str, CodeList]
    # Subjects that may appear; those of DM or ADSL.
    subjects: frozenset[str]


@dataclass(frozen=True)
class Finding:
    """One rule broken at one place."""

    rule: str
    where: str
    what: str


Rule = Callable[[Package], Iterator[tuple[str, str]]]
_RULES: dict[str, tuple[str, Rule]] = {}


def rule(code: str) -> Callable[[Rule], Rule]:
    """Register a rule; its docstring says what it wants."""

    def keep(found: Rule) -> Rule:
        _RULES[code] = ((found.__doc__ or "").strip().rstrip("."), found)
        return found

    return keep


def findings(package: Package) -> list[Finding]:
    """Return every place where a rule is broken."""
    return [
        Finding(code, where, what)
        for code, (_, check) in _RULES.items()
        for where, what in check(package)
    ]


def report(found: Sequence[Finding]) -> pd.DataFrame:
    """Return one row per rule with its outcome, and the engine's row that it was not run."""
    rows = [
        {
            "rule": code,
            "wants": wants,
            "outcome": "fail" if mine else "pass",
            "places": len(mine),
            "first": f"{mine[0].where}: {mine[0].what}" if mine else "",
        }
        for code, (wants, _) in _RULES.items()
        for mine in [[one for one in found if one.rule == code]]
    ]
    rows.append({"rule": "CORE", "wants": ENGINE, "outcome": "not run", "places": 0, "first": ""})
    return pd.DataFrame(rows)


@rule("QOL001")
def _names(package: Package) -> Iterator[tuple[str, str]]:
    """Names of data sets and variables are up to eight capitals, digits or underscores."""
    for data in package.datasets.values():
        for name in (data.name, *data.frame.columns):
            if not NAME.fullmatch(name):
                yield data.name, name


@rule("QOL002")
def _labels(package: Package) -> Iterator[tuple[str, str]]:
    """Labels have 1 to 40 ASCII characters."""
    for data in package.datasets.values():
        for one in data.spec.variables:
            if not (one.label.isascii() and 1 <= len(one.label) <= MOST_LABEL):
                yield f"{data.name}.{one.name}", one.label


@rule("QOL003")
def _required(package: Package) -> Iterator[tuple[str, str]]:
    """Required variables are never empty, unless this system does not collect them."""
    for data in package.datasets.values():
        for one in data.spec.variables:
            if one.core == "Req" and one.origin != "Not Available":
                column = data.frame[one.name]
                # Nobody who is not randomised has a treatment.
                if one.name in ("ARM", "TRT01P") and "ITTFL" in data.frame:
                    column = column[data.frame["ITTFL"] == "Y"]
                    if not column.notna().any():
                        continue
                if column.isna().any():
                    yield f"{data.name}.{one.name}", f"{int(column.isna().sum())} empty"


@rule("QOL004")
def _keys(package: Package) -> Iterator[tuple[str, str]]:
    """The keys of a data set tell its rows apart."""
    for data in package.datasets.values():
        twice = data.frame.duplicated(list(data.spec.keys))
        if twice.any():
            yield data.name, str(tuple(data.frame.loc[twice, list(data.spec.keys)].iloc[0]))


@rule("QOL005")
def _sequences(package: Package) -> Iterator[tuple[str, str]]:
    """Sequence numbers count from 1 without a gap within each subject."""
    for data in package.datasets.values():
        for name in data.frame.columns:
            if name.endswith("SEQ") and len(data.frame):
                numbers = data.frame[name].astype(int).groupby(data.frame["USUBJID"])
                if ((numbers.min() != 1) | (numbers.max() != numbers.nunique())).any():
                    yield f"{data.name}.{name}", "not 1, 2, 3 ..."


@rule("QOL006")
def _subjects(package: Package) -> Iterator[tuple[str, str]]:
    """Every subject is one of DM or ADSL."""
    for data in package.datasets.values():
        for stranger in sorted(set(data.frame["USUBJID"]) - package.subjects):
            yield data.name, stranger


@rule("QOL007")
def _dates(package: Package) -> Iterator[tuple[str, str]]:
    """Dates of SDTM are ISO 8601, whole days or to the second."""
    for data in package.datasets.values():
        for name in data.frame.columns:
            if name.endswith("DTC"):
                for value in data.frame[name].dropna().unique():
                    if not ISO.fullmatch(value):
                        yield f"{data.name}.{name}", value


@rule("QOL008")
def _terms(package: Package) -> Iterator[tuple[str, str]]:
    """Values with a code list are in it."""
    for data in package.datasets.values():
        for one in data.spec.variables:
            if one.codes:
                known = {term.value for term in package.codelists[one.codes].terms}
                for value in sorted(set(data.frame[one.name].dropna()) - known):
                    yield f"{data.name}.{one.name}", value


@rule("QOL009")
def _study_days(package: Package) -> Iterator[tuple[str, str]]:
    """There is no study day 0."""
    for data in package.datasets.values():
        for name in data.frame.columns:
            if name.endswith("DY") and (data.frame[name] == 0).any():
                yield f"{data.name}.{name}", "0"


@rule("QOL010")
def _not_done(package: Package) -> Iterator[tuple[str, str]]:
    """A question not done has a reason and no finding; one with a finding has no status."""
    data = package.datasets.get("QS")
    if data is None:
        return
    frame = data.frame
    not_done = frame["QSSTAT"].eq("NOT DONE")
    for wrong, what in (
        (not_done & frame["QSORRES"].notna(), "not done, yet a finding"),
        (not_done & frame["QSREASND"].isna(), "not done, no reason"),
        (~not_done & frame["QSORRES"].isna(), "no finding, yet not said to be not done"),
        (~not_done & frame["QSREASND"].notna(), "a reason, yet done"),
    ):
        if wrong.any():
            yield "QS", f"{what}: {int(wrong.sum())} rows"


@rule("QOL011")
def _qualifiers(package: Package) -> Iterator[tuple[str, str]]:
    """Supplemental qualifiers belong to a form that is there, each once."""
    qs, supp = package.datasets.get("QS"), package.datasets.get("SUPPQS")
    if qs is None or supp is None:
        return
    known = set(zip(qs.frame["USUBJID"], qs.frame["QSGRPID"], strict=True))
    for pair in zip(supp.frame["USUBJID"], supp.frame["IDVARVAL"], strict=True):
        if pair not in known:
            yield "SUPPQS", str(pair)


@rule("QOL012")
def _analysed_once(package: Package) -> Iterator[tuple[str, str]]:
    """A subject has one analysed record per parameter and analysis visit."""
    data = package.datasets.get("ADQS")
    if data is not None:
        used = data.frame[data.frame["ANL01FL"] == "Y"]
        if used.duplicated(["USUBJID", "PARAMCD", "AVISITN"]).any():
            yield "ADQS", "two records with ANL01FL Y"


@rule("QOL013")
def _changes(package: Package) -> Iterator[tuple[str, str]]:
    """CHG is AVAL minus BASE, and BASE is the AVAL of the record flagged as baseline."""
    data = package.datasets.get("ADQS")
    if data is None or not len(data.frame):
        return
    frame = data.frame.assign(**{n: pd.to_numeric(data.frame[n]) for n in ("AVAL", "BASE", "CHG")})
    known = frame["CHG"].notna()
    if ((frame["AVAL"] - frame["BASE"] - frame["CHG"])[known].abs() > CLOSE).any():
        yield "ADQS", "CHG differs from AVAL minus BASE"
    flagged = frame[frame["ABLFL"] == "Y"]
    if flagged.duplicated(["USUBJID", "PARAMCD"]).any():
        yield "ADQS", "two baselines"
    if ((flagged["AVAL"] - flagged["BASE"]).abs() > CLOSE).any():
        yield "ADQS", "BASE differs from the record flagged as baseline"


@rule("QOL014")
def _times(package: Package) -> Iterator[tuple[str, str]]:
    """Times to events are the days between their dates, censored or not, never negative."""
    data = package.datasets.get("ADTTE")
    if data is None or not len(data.frame):
        return
    frame = data.frame
    days = (pd.to_datetime(frame["ADT"]) - pd.to_datetime(frame["STARTDT"])).dt.days
    if (days != pd.to_numeric(frame["AVAL"])).any():
        yield "ADTTE", "AVAL differs from ADT minus STARTDT"
    if (days < 0).any():
        yield "ADTTE", "a time below 0"
    if not frame["CNSR"].isin([0, 1]).all():
        yield "ADTTE", "CNSR is neither 0 nor 1"


@rule("QOL015")
def _lengths(package: Package) -> Iterator[tuple[str, str]]:
    """Texts have at most 200 bytes of ASCII."""
    for data in package.datasets.values():
        for one in data.spec.variables:
            if one.is_text:
                for value in data.frame[one.name].dropna().unique():
                    if len(value) > MOST_BYTES or not value.isascii():
                        yield f"{data.name}.{one.name}", ascii(value[:40])
