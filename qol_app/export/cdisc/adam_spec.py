"""The ADaM data sets we write, variable by variable.

Source
------
CDISC ADaM Implementation Guide 1.3 and the ADaM Basic Data Structure for Time-to-Event
Analyses 1.0 (names, labels); parameter codes of the QLQ-C30 as in public example data.
"""

from qol_app.export.cdisc.model import Spec, Variable

V = Variable
ID = (
    V("STUDYID", "Study Identifier", "text", "Req", "Predecessor"),
    V("USUBJID", "Unique Subject Identifier", "text", "Req", "Predecessor"),
)
SUBJECT = (
    V("SUBJID", "Subject Identifier for the Study", "text", "Req", "Predecessor"),
    V("SITEID", "Study Site Identifier", "text", "Req", "Predecessor"),
)
TREATMENT = (
    V("TRT01P", "Planned Treatment for Period 01", "text", "Req", "Predecessor"),
    V("TRT01A", "Actual Treatment for Period 01", "text", "Cond", "Predecessor"),
    V("ITTFL", "Intent-To-Treat Population Flag", "text", "Cond", "Derived", "ITTFL", "NY"),
)

ADSL = Spec(
    "ADSL",
    "Subject-Level Analysis Dataset",
    "SUBJECT LEVEL ANALYSIS DATASET",
    "One record per subject",
    ("STUDYID", "USUBJID"),
    (
        *ID,
        *SUBJECT,
        V("AGE", "Age", "integer", "Req", "Not Available"),
        V("AGEU", "Age Units", "text", "Req", "Not Available"),
        V("SEX", "Sex", "text", "Req", "Predecessor", "", "SEX"),
        V("RACE", "Race", "text", "Req", "Not Available"),
        V("ARM", "Description of Planned Arm", "text", "Req", "Predecessor"),
        *TREATMENT,
        V("RANDFL", "Randomized Population Flag", "text", "Cond", "Derived", "ITTFL", "NY"),
        V("RFICDT", "Date of Informed Consent", "date", "Perm", "Predecessor"),
        V("RANDDT", "Date of Randomization", "date", "Cond", "Predecessor"),
        V("DTHDT", "Date of Death", "date", "Cond", "Predecessor"),
        V("DTHFL", "Subject Death Flag", "text", "Perm", "Predecessor", "", "NY"),
        V("LSTALVDT", "Date Last Known Alive", "date", "Cond", "Derived", "LSTALVDT"),
        V("QOLWDDT", "Date of Withdrawal from Questionnaires", "date", "Perm", "Predecessor"),
        V("EOSDT", "End of Study Date", "date", "Cond", "Derived", "EOSDT"),
    ),
)

ADQS = Spec(
    "ADQS",
    "Questionnaire Scores Analysis Dataset",
    "BASIC DATA STRUCTURE",
    "One record per subject per parameter per analysis visit",
    ("STUDYID", "USUBJID", "PARAMCD", "AVISITN", "ADT", "ASEQ"),
    (
        *ID,
        *SUBJECT,
        *TREATMENT,
        V("ASEQ", "Analysis Sequence Number", "integer", "Perm", "Derived", "ASEQ"),
        V("PARAM", "Parameter", "text", "Req", "Assigned"),
        V("PARAMCD", "Parameter Code", "text", "Req", "Assigned", "", "PARAMCD"),
        V("PARCAT1", "Parameter Category 1", "text", "Perm", "Assigned"),
        V("PARCAT2", "Parameter Category 2", "text", "Perm", "Assigned"),
        V("AVAL", "Analysis Value", "float", "Cond", "Derived", "AVAL"),
        V("BASE", "Baseline Value", "float", "Cond", "Derived", "BASE"),
        V("CHG", "Change from Baseline", "float", "Perm", "Derived", "CHG"),
        V("PCHG", "Percent Change from Baseline", "float", "Perm", "Derived", "PCHG"),
        V("ABLFL", "Baseline Record Flag", "text", "Cond", "Derived", "ABLFL", "NY"),
        V("ADT", "Analysis Date", "date", "Perm", "Derived", "ADT"),
        V("ADY", "Analysis Relative Day", "integer", "Perm", "Derived", "ADY"),
        V("AVISIT", "Analysis Visit", "text", "Cond", "Assigned"),
        V("AVISITN", "Analysis Visit (N)", "float", "Perm", "Assigned"),
        V("ANL01FL", "Analysis Flag 01", "text", "Cond", "Derived", "ANL01FL", "NY"),
        V("LATEFL", "Answered Outside the Window Flag", "text", "Perm", "Derived", "", "NY"),
        V("AFTALLFL", "Answered After Allocation Known Flag", "text", "Perm", "Derived", "", "NY"),
        V("NITEMS", "Number of Items of the Scale", "integer", "Perm", "Assigned"),
        V("NANSWER", "Number of Items Answered", "integer", "Perm", "Derived", "NANSWER"),
        V("QSGRPID", "Group ID", "text", "Perm", "Predecessor"),
    ),
)

ADTTE = Spec(
    "ADTTE",
    "Time-to-Event Analysis Dataset",
    "BASIC DATA STRUCTURE",
    "One record per subject per parameter",
    ("STUDYID", "USUBJID", "PARAMCD"),
    (
        *ID,
        *SUBJECT,
        *TREATMENT,
        V("PARAM", "Parameter", "text", "Req", "Assigned"),
        V("PARAMCD", "Parameter Code", "text", "Req", "Assigned", "", "TTEPARAM"),
        V("PARCAT1", "Parameter Category 1", "text", "Perm", "Assigned"),
        V("AVAL", "Analysis Value", "float", "Req", "Derived", "TTEAVAL"),
        V("AVALU", "Analysis Value Unit", "text", "Perm", "Assigned"),
        V("STARTDT", "Time-to-Event Origin Date for Subject", "date", "Perm", "Predecessor"),
        V("ADT", "Analysis Date", "date", "Perm", "Derived", "TTEADT"),
        V("CNSR", "Censor", "integer", "Cond", "Derived", "CNSR"),
        V("EVNTDESC", "Event or Censoring Description", "text", "Perm", "Assigned"),
        V("CNSDTDSC", "Censor Date Description", "text", "Perm", "Assigned"),
        V("SRCDOM", "Source Data", "text", "Perm", "Assigned"),
        V("SRCVAR", "Source Variable", "text", "Perm", "Assigned"),
    ),
)

ADAM_METHODS = {
    "ITTFL": "Y if the subject is randomised.",
    "LSTALVDT": "Latest of the recorded day last known alive and the last answer, not after death.",
    "EOSDT": "Death or end of study, whichever came first.",
    "ASEQ": "Numbered within the subject in the order of the keys.",
    "AVAL": "Score by the instrument's scoring manual, not rounded.",
    "BASE": "Last score from 28 days before randomisation to that day, given before the "
    "allocation was known.",
    "CHG": "AVAL minus BASE, after randomisation.",
    "PCHG": "100 times CHG divided by BASE, where BASE is not 0.",
    "ABLFL": "Y on the record whose AVAL is BASE.",
    "ADT": "Local day of submission, or of the last answer where nothing was submitted.",
    "ADY": "ADT minus RANDDT, plus 1 on or after RANDDT.",
    "ANL01FL": "Y on the record of a visit that is in the main analysis: valid and answered "
    "within its window; one per subject, parameter and visit.",
    "NANSWER": "Answers that the scorer used.",
    "TTEAVAL": "Days from STARTDT to ADT; day 0 is the day of randomisation.",
    "TTEADT": "Day of the event, or of censoring.",
    "CNSR": "0 event, 1 censored.",
}
