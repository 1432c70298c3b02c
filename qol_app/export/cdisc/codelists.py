"""The code lists that Define-XML gives for the values in the data sets.

Source
------
CDISC SDTM Controlled Terminology 2025-03-25 (NCI EVS); lists without an NCI code are ours.
"""

from qol_app.definition.instrument import Instrument
from qol_app.export.cdisc.model import CodeList, Term
from qol_app.export.cdisc.parameters import score_parameters
from qol_app.export.cdisc.qs import QUALIFIERS
from qol_app.export.cdisc.questions import question_codes, question_label, whole_label
from qol_app.export.cdisc.trial import Trial
from qol_app.export.study import Study

CT_VERSION = "2025-03-25"
NY = CodeList(
    "CL.NY", "No Yes Response", (Term("N", "No", "C49487"), Term("Y", "Yes", "C49488")), "C66742"
)
ND = CodeList("CL.ND", "Not Done", (Term("NOT DONE", "", "C49484"),), "C66789")
SEX = CodeList("CL.SEX", "Sex", (Term("U", "Unknown", "C17998"),), "C66731")
DSCAT = CodeList(
    "CL.DSCAT",
    "Category of Disposition Event",
    (Term("DISPOSITION EVENT"), Term("OTHER EVENT"), Term("PROTOCOL MILESTONE")),
    "C74558",
)

TOXGR = CodeList("CL.TOXGR", "CTCAE Grade", tuple(Term(str(grade)) for grade in range(1, 6)))
CLAVIEN = CodeList(
    "CL.CLAVIEN",
    "Clavien-Dindo Grade",
    tuple(Term(grade) for grade in ("I", "II", "IIIa", "IIIb", "IVa", "IVb", "V")),
)
QNAMAE = CodeList(
    "CL.QNAMAE",
    "Qualifier Variable Name of AE",
    (Term("AECLAVDI", "Clavien-Dindo Grade of Complication"),),
)


def sdtm_codelists(trial: Trial) -> dict[str, CodeList]:
    """Return the lists of the SDTM data sets by the name variables refer to."""
    instruments = _instruments(trial.study)
    questions: dict[str, Term] = {}
    labels: dict[str, Term] = {}
    for one in instruments:
        for item, code in question_codes(one).items():
            ncit, label = one.item(item).codes.ncit or "", question_label(one, item)
            questions[code] = Term(code, label, ncit)
            labels[label] = Term(label)
        labels[whole_label(one)] = Term(whole_label(one))
    questions["QSALL"] = Term("QSALL", "Questionnaire as a whole")
    categories = tuple(Term(trial.category(one), "", one.codes.ncit or "") for one in instruments)
    return {
        "NY": NY,
        "ND": ND,
        "SEX": SEX,
        "DSCAT": DSCAT,
        "TOXGR": TOXGR,
        "CLAVIEN": CLAVIEN,
        "QNAMAE": QNAMAE,
        "QSTESTCD": CodeList("CL.QSTESTCD", "Question Short Name", _sorted(questions)),
        "QSTEST": CodeList("CL.QSTEST", "Question Name", _sorted(labels)),
        "QSCAT": CodeList("CL.QSCAT", "Category of Question", categories, "C100129"),
        "QNAM": CodeList(
            "CL.QNAM",
            "Qualifier Variable Name",
            tuple(Term(name, label) for name, (label, _, _) in QUALIFIERS.items()),
        ),
    }


def adam_codelists(trial: Trial, event_codes: dict[str, str]) -> dict[str, CodeList]:
    """Return the lists of the ADaM data sets; ``event_codes`` are those ADTTE uses."""
    parameters = score_parameters(trial.study).values()
    return {
        "NY": NY,
        "SEX": SEX,
        "PARAMCD": CodeList(
            "CL.PARAMCD", "Parameter Code", tuple(Term(one.code, one.label) for one in parameters)
        ),
        "TTEPARAM": CodeList(
            "CL.TTEPARAM",
            "Parameter Code of Times to Events",
            tuple(Term(code, label) for code, label in sorted(event_codes.items())),
        ),
    }


def _instruments(study: Study) -> list[Instrument]:
    return sorted(study.newest_instruments().values(), key=lambda one: one.code)


def _sorted(terms: dict[str, Term]) -> tuple[Term, ...]:
    return tuple(terms[key] for key in sorted(terms))
