"""The SDTM data sets we write, variable by variable.

Source
------
CDISC SDTM Implementation Guide 3.4 (names, labels, order, core). The core column is quoted
from memory of the guide and wants a check against it before a submission.
"""

from qol_app.export.cdisc.model import Spec, Variable

V = Variable
ID = (
    V("STUDYID", "Study Identifier", "text", "Req", "Protocol"),
    V("DOMAIN", "Domain Abbreviation", "text", "Req", "Assigned"),
    V("USUBJID", "Unique Subject Identifier", "text", "Req", "Derived", "USUBJID"),
)

DM = Spec(
    "DM",
    "Demographics",
    "SPECIAL PURPOSE",
    "One record per subject",
    ("STUDYID", "USUBJID"),
    (
        *ID,
        V("SUBJID", "Subject Identifier for the Study", "text", "Req", "Collected"),
        V("RFSTDTC", "Subject Reference Start Date/Time", "text", "Exp", "Derived", "RFSTDTC"),
        V("RFENDTC", "Subject Reference End Date/Time", "text", "Exp", "Derived", "RFENDTC"),
        V("RFXSTDTC", "Date/Time of First Study Treatment", "text", "Exp", "Not Available"),
        V("RFXENDTC", "Date/Time of Last Study Treatment", "text", "Exp", "Not Available"),
        V("RFICDTC", "Date/Time of Informed Consent", "text", "Exp", "Collected"),
        V("RFPENDTC", "Date/Time of End of Participation", "text", "Exp", "Derived", "RFPENDTC"),
        V("DTHDTC", "Date/Time of Death", "text", "Exp", "Collected"),
        V("DTHFL", "Subject Death Flag", "text", "Exp", "Derived", "DTHFL", "NY"),
        V("SITEID", "Study Site Identifier", "text", "Req", "Assigned"),
        V("AGE", "Age", "integer", "Exp", "Not Available"),
        V("AGEU", "Age Units", "text", "Exp", "Not Available"),
        V("SEX", "Sex", "text", "Req", "Assigned", "SEX", "SEX"),
        V("RACE", "Race", "text", "Exp", "Not Available"),
        V("ARMCD", "Planned Arm Code", "text", "Exp", "Collected"),
        V("ARM", "Description of Planned Arm", "text", "Exp", "Assigned"),
        V("ACTARMCD", "Actual Arm Code", "text", "Exp", "Collected"),
        V("ACTARM", "Description of Actual Arm", "text", "Exp", "Assigned"),
        V("ARMNRS", "Reason Arm and/or Actual Arm is Null", "text", "Exp", "Derived", "ARMNRS"),
        V("ACTARMUD", "Description of Unplanned Actual Arm", "text", "Exp", "Not Available"),
        V("COUNTRY", "Country", "text", "Req", "Derived", "COUNTRY"),
    ),
)

DS = Spec(
    "DS",
    "Disposition",
    "EVENTS",
    "One record per disposition status or protocol milestone per subject",
    ("STUDYID", "USUBJID", "DSSTDTC", "DSDECOD", "DSSEQ"),
    (
        *ID,
        V("DSSEQ", "Sequence Number", "integer", "Req", "Derived", "SEQ"),
        V("DSTERM", "Reported Term for the Disposition Event", "text", "Req", "Collected"),
        V("DSDECOD", "Standardized Disposition Term", "text", "Req", "Assigned"),
        V("DSCAT", "Category for Disposition Event", "text", "Exp", "Assigned", "", "DSCAT"),
        V("DSSTDTC", "Start Date/Time of Disposition Event", "text", "Exp", "Collected"),
        V("DSSTDY", "Study Day of Start of Disposition Event", "integer", "Exp", "Derived", "DY"),
    ),
)

SV = Spec(
    "SV",
    "Subject Visits",
    "SPECIAL PURPOSE",
    "One record per subject per planned questionnaire visit",
    ("STUDYID", "USUBJID", "VISITNUM"),
    (
        *ID,
        V("VISITNUM", "Visit Number", "float", "Req", "Assigned"),
        V("VISIT", "Visit Name", "text", "Perm", "Protocol"),
        V("SVPRESP", "Pre-specified", "text", "Exp", "Assigned", "", "NY"),
        V("SVOCCUR", "Occurrence", "text", "Exp", "Derived", "SVOCCUR", "NY"),
        V("SVREASOC", "Reason for Occur Value", "text", "Perm", "Collected"),
        V("VISITDY", "Planned Study Day of Visit", "integer", "Perm", "Protocol"),
        V("SVSTDTC", "Start Date/Time of Observation", "text", "Exp", "Collected"),
        V("SVENDTC", "End Date/Time of Observation", "text", "Exp", "Collected"),
        V("SVSTDY", "Study Day of Start of Observation", "integer", "Perm", "Derived", "DY"),
        V("SVENDY", "Study Day of End of Observation", "integer", "Perm", "Derived", "DY"),
    ),
)

AE = Spec(
    "AE",
    "Adverse Events",
    "EVENTS",
    "One record per adverse event per subject",
    ("STUDYID", "USUBJID", "AESTDTC", "AETERM", "AESEQ"),
    (
        *ID,
        V("AESEQ", "Sequence Number", "integer", "Req", "Derived", "SEQ"),
        V("AETERM", "Reported Term for the Adverse Event", "text", "Req", "Collected", "AETERM"),
        V("AEDECOD", "Dictionary-Derived Term", "text", "Req", "Not Available"),
        V("AEBODSYS", "Body System or Organ Class", "text", "Exp", "Not Available"),
        V("AESER", "Serious Event", "text", "Exp", "Not Available", "", "NY"),
        V("AETOXGR", "Standard Toxicity Grade", "text", "Perm", "Collected", "AETOXGR", "TOXGR"),
        V("AESTDTC", "Start Date/Time of Adverse Event", "text", "Exp", "Collected"),
        V("AEENDTC", "End Date/Time of Adverse Event", "text", "Exp", "Collected"),
        V("AESTDY", "Study Day of Start of Adverse Event", "integer", "Perm", "Derived", "DY"),
        V("AEENDY", "Study Day of End of Adverse Event", "integer", "Perm", "Derived", "DY"),
    ),
)

SUPPAE = Spec(
    "SUPPAE",
    "Supplemental Qualifiers for AE",
    "RELATIONSHIP",
    "One record per qualifier per adverse event",
    ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"),
    (
        V("STUDYID", "Study Identifier", "text", "Req", "Protocol"),
        V("RDOMAIN", "Related Domain Abbreviation", "text", "Req", "Assigned"),
        V("USUBJID", "Unique Subject Identifier", "text", "Req", "Derived", "USUBJID"),
        V("IDVAR", "Identifying Variable", "text", "Exp", "Assigned"),
        V("IDVARVAL", "Identifying Variable Value", "text", "Exp", "Derived", "AESEQ"),
        V("QNAM", "Qualifier Variable Name", "text", "Req", "Assigned", "", "QNAMAE"),
        V("QLABEL", "Qualifier Variable Label", "text", "Req", "Assigned"),
        V("QVAL", "Data Value", "text", "Req", "Collected", "", "CLAVIEN"),
        V("QORIG", "Origin", "text", "Req", "Assigned"),
        V("QEVAL", "Evaluator", "text", "Exp", "Not Available"),
    ),
)

QS = Spec(
    "QS",
    "Questionnaires",
    "FINDINGS",
    "One record per questionnaire per question per visit per subject",
    ("STUDYID", "USUBJID", "QSCAT", "VISITNUM", "QSTESTCD", "QSSEQ"),
    (
        *ID,
        V("QSSEQ", "Sequence Number", "integer", "Req", "Derived", "SEQ"),
        V("QSGRPID", "Group ID", "text", "Perm", "Derived", "QSGRPID"),
        V("QSTESTCD", "Question Short Name", "text", "Req", "Assigned", "", "QSTESTCD"),
        V("QSTEST", "Question Name", "text", "Req", "Assigned", "", "QSTEST"),
        V("QSCAT", "Category of Question", "text", "Req", "Assigned", "", "QSCAT"),
        V("QSORRES", "Finding in Original Units", "text", "Exp", "Collected"),
        V("QSSTRESC", "Character Result/Finding in Std Format", "text", "Exp", "Derived", "STRES"),
        V("QSSTRESN", "Numeric Finding in Standard Units", "float", "Perm", "Derived", "STRES"),
        V("QSSTAT", "Completion Status", "text", "Perm", "Derived", "QSSTAT", "ND"),
        V("QSREASND", "Reason Not Performed", "text", "Perm", "Derived", "QSREASND"),
        V(
            *("QSLOBXFL", "Last Observation Before Exposure Flag", "text", "Exp"),
            *("Derived", "QSLOBXFL", "NY"),
        ),
        V("VISITNUM", "Visit Number", "float", "Exp", "Assigned"),
        V("VISIT", "Visit Name", "text", "Perm", "Protocol"),
        V("VISITDY", "Planned Study Day of Visit", "integer", "Perm", "Protocol"),
        V("QSDTC", "Date/Time of Finding", "text", "Exp", "Collected"),
        V("QSDY", "Study Day of Finding", "integer", "Perm", "Derived", "DY"),
        V("QSEVLINT", "Evaluation Interval", "text", "Perm", "Assigned"),
    ),
)

SUPPQS = Spec(
    "SUPPQS",
    "Supplemental Qualifiers for QS",
    "RELATIONSHIP",
    "One record per qualifier per questionnaire form per subject",
    ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"),
    (
        V("STUDYID", "Study Identifier", "text", "Req", "Protocol"),
        V("RDOMAIN", "Related Domain Abbreviation", "text", "Req", "Assigned"),
        V("USUBJID", "Unique Subject Identifier", "text", "Req", "Derived", "USUBJID"),
        V("IDVAR", "Identifying Variable", "text", "Exp", "Assigned"),
        V("IDVARVAL", "Identifying Variable Value", "text", "Exp", "Derived", "QSGRPID"),
        V("QNAM", "Qualifier Variable Name", "text", "Req", "Assigned", "", "QNAM"),
        V("QLABEL", "Qualifier Variable Label", "text", "Req", "Assigned"),
        V("QVAL", "Data Value", "text", "Req", "Collected"),
        V("QORIG", "Origin", "text", "Req", "Assigned"),
        V("QEVAL", "Evaluator", "text", "Exp", "Not Available"),
    ),
)

SDTM_METHODS = {
    "USUBJID": "STUDYID, a hyphen, and SUBJID.",
    "RFSTDTC": "Date of randomisation.",
    "RFENDTC": "The later of the last answer and the last recorded event of the subject.",
    "RFPENDTC": "Death or end of study, whichever came first.",
    "DTHFL": "Y if a death is recorded.",
    "SEX": "Not collected by this system: U until merged with the clinical database.",
    "ARMNRS": "NOT ASSIGNED where the subject is not randomised.",
    "COUNTRY": "Country whose public holidays the protocol names.",
    "SEQ": "Numbered within the subject in the order of the keys.",
    "DY": "Date minus RFSTDTC, plus 1 on or after RFSTDTC.",
    "SVOCCUR": "Y if any question was answered, N if the window closed without.",
    "AETERM": "As reported, in capitals; letters beyond ASCII as in passports (ICAO Doc 9303).",
    "AETOXGR": "Grade by CTCAE 5.0.",
    "AESEQ": "AESEQ of the adverse event.",
    "QSGRPID": "The same for all questions of one form.",
    "STRES": "The code of the answer; 0 for PRO-CTCAE questions closed by branching.",
    "QSSTAT": "NOT DONE where no answer was given.",
    "QSREASND": "Skipped, conditional branching, not reached, or the reason for missing that a "
    "coordinator confirmed.",
    "QSLOBXFL": "Y on the last answered record of each question on or before RFSTDTC.",
}
