"""A second scorer: slow, obvious, one form at a time, with keys of its own.

It reads no definition file and shares no code with ``qol_app``. The keys below are written
from the published manuals; where the program's definition and these differ, a test fails.
Missing is None. Only the standard library is used.
"""

from itertools import product

EORTC_FUNCTION, EORTC_SYMPTOM = "function", "symptom"

C30 = {
    "QL": (EORTC_SYMPTOM, 7, [29, 30]),
    "PF": (EORTC_FUNCTION, 4, [1, 2, 3, 4, 5]),
    "RF": (EORTC_FUNCTION, 4, [6, 7]),
    "EF": (EORTC_FUNCTION, 4, [21, 22, 23, 24]),
    "CF": (EORTC_FUNCTION, 4, [20, 25]),
    "SF": (EORTC_FUNCTION, 4, [26, 27]),
    "FA": (EORTC_SYMPTOM, 4, [10, 12, 18]),
    "NV": (EORTC_SYMPTOM, 4, [14, 15]),
    "PA": (EORTC_SYMPTOM, 4, [9, 19]),
    "DY": (EORTC_SYMPTOM, 4, [8]),
    "SL": (EORTC_SYMPTOM, 4, [11]),
    "AP": (EORTC_SYMPTOM, 4, [13]),
    "CO": (EORTC_SYMPTOM, 4, [16]),
    "DI": (EORTC_SYMPTOM, 4, [17]),
    "FI": (EORTC_SYMPTOM, 4, [28]),
}
BREAST_COMMON = {
    "BRBI": (EORTC_FUNCTION, 4, [39, 40, 41, 42]),
    "BRFU": (EORTC_FUNCTION, 4, [43]),
    "BRSEF": (EORTC_SYMPTOM, 4, [44, 45]),
    "BRSEE": (EORTC_SYMPTOM, 4, [46]),
    "BRAS": (EORTC_SYMPTOM, 4, [47, 48, 49]),
    "BRBS": (EORTC_SYMPTOM, 4, [50, 51, 52, 53]),
}
BR23 = {
    **BREAST_COMMON,
    "BRST": (EORTC_SYMPTOM, 4, [31, 32, 33, 34, 36, 37, 38]),
    "BRHL": (EORTC_SYMPTOM, 4, [35]),
}
BR42 = {
    **BREAST_COMMON,
    "BRSAT": (EORTC_SYMPTOM, 4, [71, 72]),
    "BRCT": (EORTC_SYMPTOM, 4, [31, 32, 33, 34, 35, 36, 57, 58]),
    "BREND": (EORTC_SYMPTOM, 4, [37, 38, 54, 55, 56]),
    "BRNEU": (EORTC_SYMPTOM, 4, [59, 60, 61, 62]),
    "BRMSK": (EORTC_SYMPTOM, 4, [63, 64, 65, 66]),
    "BRVAG": (EORTC_SYMPTOM, 4, [68, 69, 70]),
    "BRWG": (EORTC_SYMPTOM, 4, [67]),
}
BR45 = {
    **BR23,
    "BRET": (EORTC_SYMPTOM, 4, [54, 55, 56, 63, 64, 65, 66, 67, 68, 69]),
    "BRSM": (EORTC_SYMPTOM, 4, [57, 58, 59, 60, 61, 62]),
    "BRESS": (EORTC_SYMPTOM, 4, [70, 71, 72, 73]),
    "BRSAT": (EORTC_SYMPTOM, 4, [74, 75]),
}
LMC21 = {
    "LMCNP": (EORTC_SYMPTOM, 4, [31, 32]),
    "LMCFA": (EORTC_SYMPTOM, 4, [37, 43, 44]),
    "LMCPA": (EORTC_SYMPTOM, 4, [39, 40, 42]),
    "LMCEP": (EORTC_SYMPTOM, 4, [47, 48, 49, 50]),
    "LMCWL": (EORTC_SYMPTOM, 4, [33]),
    "LMCTA": (EORTC_SYMPTOM, 4, [34]),
    "LMCDM": (EORTC_SYMPTOM, 4, [35]),
    "LMCSM": (EORTC_SYMPTOM, 4, [36]),
    "LMCPN": (EORTC_SYMPTOM, 4, [38]),
    "LMCJA": (EORTC_SYMPTOM, 4, [41]),
    "LMCFR": (EORTC_SYMPTOM, 4, [45]),
    "LMCFE": (EORTC_SYMPTOM, 4, [46]),
    "LMCSX": (EORTC_SYMPTOM, 4, [51]),
}
HCC18 = {
    "HCCFA": (EORTC_SYMPTOM, 4, [45, 46, 47]),
    "HCCJA": (EORTC_SYMPTOM, 4, [36, 37]),
    "HCCNU": (EORTC_SYMPTOM, 4, [31, 32, 42, 43, 44]),
    "HCCPA": (EORTC_SYMPTOM, 4, [38, 39]),
    "HCCFE": (EORTC_SYMPTOM, 4, [40, 41]),
    "HCCBI": (EORTC_SYMPTOM, 4, [33, 35]),
    "HCCAS": (EORTC_SYMPTOM, 4, [34]),
    "HCCSX": (EORTC_SYMPTOM, 4, [48]),
}
# Child item -> parent that must be answered over 1.
BREAST_CONDITIONS = {35: 34, 46: 45}
BR42_CONDITIONS = {35: 34, 46: 45, 69: 45, 70: 45}


def _eortc(keys, conditions, form):
    answers = {int(code[1:]): value for code, value in form.items()}
    for child, parent in conditions.items():
        if answers[parent] is None or answers[parent] <= 1:
            answers[child] = None
    scores = {}
    for scale, (kind, last, items) in keys.items():
        given = [answers[item] for item in items if answers[item] is not None]
        if len(given) * 2 < len(items):
            scores[scale] = None
            continue
        stretched = (sum(given) / len(given) - 1) / (last - 1) * 100
        scores[scale] = 100 - stretched if kind == EORTC_FUNCTION else stretched
    return scores


def qlq_c30(form):
    scores = _eortc(C30, {}, form)
    good = [scores[one] for one in ("PF", "RF", "EF", "CF", "SF")]
    bad = [scores[one] for one in ("FA", "NV", "PA", "DY", "SL", "AP", "CO", "DI")]
    whole = None not in good + bad
    scores["C30SUM"] = (sum(good) + sum(100 - one for one in bad)) / 13 if whole else None
    return scores


EQ_DIMENSIONS = ["MO", "SC", "UA", "PD", "AD"]
# Decrements of levels 2 to 5 for MO SC UA PD AD, then full health and the two constants.
EQ_SETS = {
    "SE_EBS_TTO_2020": (
        "0287 0346 0523 0523|0254 0817 0824 0824|0549 1143 1639 1639|"
        "0108 0428 1024 1974|0325 0868 2002 2339",
        (0.9755, 0, 0.0023),
    ),
    "SE_cTTO_2022": (
        "022 026 087 132|019 056 113 159|022 048 131 187|010 047 319 442|031 122 277 394",
        (1, 0, 0),
    ),
    "ENG_2018": (
        "058 076 207 274|050 080 164 203|050 063 162 184|063 084 276 335|078 104 285 289",
        (1, 0, 0),
    ),
    "UK_2026": (
        "032 058 179 279|038 060 162 206|049 086 184 212|056 066 371 479|041 126 313 391",
        (1, 0, 0),
    ),
    "NL_2016": (
        "035 057 166 203|038 061 168 168|039 087 192 192|066 092 360 415|070 145 356 421",
        (1, 0.047, 0),
    ),
    "DE_2018": (
        "026 042 139 224|050 056 169 260|036 049 129 209|057 109 404 612|030 082 244 356",
        (1, 0, 0),
    ),
    "DK_2021": (
        "041 054 157 220|035 050 144 209|033 040 139 174|048 094 381 537|072 191 430 618",
        (1, 0, 0),
    ),
    "NO": (
        "031160 064985 158875 205000|031312 065302 159650 206000|027208 056743 138725 179000|"
        "059432 123947 303025 391000|071744 149624 365800 472000",
        (1, 0, 0),
    ),
}
# Chance of three-level answers 1, 2, 3 at each five-level answer (van Hout 2012).
CROSSWALK = {
    "MO": [(1, 0, 0), (0.17734724, 0.82265276, 0), (0, 1, 0), (0, 0.92788462, 0.07211538)],
    "SC": [(1, 0, 0), (0.16734694, 0.83265306, 0), (0, 1, 0), (0, 0.75694444, 0.24305556)],
    "UA": [(1, 0, 0), (0.19781553, 0.80218447, 0), (0, 1, 0), (0, 0.67156863, 0.32843137)],
    "PD": [(1, 0, 0), (0.19886899, 0.80113101, 0), (0, 1, 0), (0, 0.60050251, 0.39949749)],
    "AD": [(1, 0, 0), (0.20660377, 0.79339623, 0), (0, 1, 0), (0, 0.50931677, 0.49068323)],
}
UK_3L = {"MO": (0.069, 0.314), "SC": (0.104, 0.214), "UA": (0.036, 0.094), "PD": (0.123, 0.386)}
UK_3L["AD"] = (0.071, 0.236)


def _additive(table, constants, levels):
    full, any_problem, any_level5 = constants
    value = full
    for decrements, level in zip(table.split("|"), levels, strict=True):
        if level > 1:
            value -= float("0." + decrements.split()[level - 2])
    return value - any_problem * (max(levels) > 1) - any_level5 * (max(levels) == 5)


def _uk_3l(levels):
    value = 1.0
    for dimension, level in zip(EQ_DIMENSIONS, levels, strict=True):
        value -= UK_3L[dimension][level - 2] if level > 1 else 0
    return value - 0.081 * (max(levels) > 1) - 0.269 * (max(levels) == 3)


def _crosswalk(levels):
    expected = 0.0
    for state in product(*(_chances(*one) for one in zip(EQ_DIMENSIONS, levels, strict=True))):
        chance = 1.0
        for _, one in state:
            chance *= one
        expected += chance * _uk_3l([level for level, _ in state])
    return expected


def _chances(dimension, level):
    """Return the three-level answers that a five-level answer can stand for, with their chance."""
    chances = [*CROSSWALK[dimension], (0, 0, 1)][level - 1]
    return [(level3, chance) for level3, chance in zip((1, 2, 3), chances, strict=True) if chance]


_remembered = {}


def _index(name, levels):
    if (name, levels) not in _remembered:
        value = _crosswalk(levels) if name not in EQ_SETS else _additive(*EQ_SETS[name], levels)
        _remembered[name, levels] = value
    return _remembered[name, levels]


def eq_5d_5l(form):
    levels = tuple(form[one] for one in EQ_DIMENSIONS)
    scores = {
        f"INDEX_{name}": None if None in levels else _index(name, levels)
        for name in [*EQ_SETS, "UK_CROSSWALK_2012"]
    }
    scores["VAS"] = form["VAS"]
    given = any(level is not None for level in levels)
    profile = "".join("9" if level is None else str(level) for level in levels)
    scores["PROFILE"] = profile if given else None
    return scores


def _numbered(prefix, count):
    return [f"{prefix}{number}" for number in range(1, count + 1)]


PWB, SWB = _numbered("GP", 7), _numbered("GS", 7)
EWB, FWB = _numbered("GE", 6), _numbered("GF", 7)
BCS = [*_numbered("B", 9), "P2"]
ARM = ["B3", "B10", "B11", "B12", "B13"]
HCS = [
    "C1",
    "C2",
    "C3",
    "C4",
    "C5",
    "C6",
    "Hep1",
    "CNS7",
    "Cx6",
    "HI7",
    "An7",
    "Hep2",
    "Hep3",
    "Hep4",
    "Hep5",
    "Hep6",
    "HN2",
    "Hep8",
]
FHSI8 = ["GP1", "GP2", "GP4", "C2", "CNS7", "HI7", "Hep2", "Hep8"]
NOT_REVERSED = {*SWB, *FWB, "GE2", "B4", "B9", "C3", "C4", "C6", "An7"}


def _facit(form, items):
    given = [
        form[item] if item in NOT_REVERSED else 4 - form[item]
        for item in items
        if form[item] is not None
    ]
    if len(given) * 2 <= len(items):
        return None
    return sum(given) * len(items) / len(given)


def _facit_total(form, parts, scores):
    items = [item for name in parts for item in FACIT_PARTS[name]]
    answered = sum(form[item] is not None for item in items)
    if any(scores[name] is None for name in parts) or answered * 100 <= 80 * len(items):
        return None
    return sum(scores[name] for name in parts)


FACIT_PARTS = {"PWB": PWB, "SWB": SWB, "EWB": EWB, "FWB": FWB, "BCS": BCS, "HCS": HCS}
GENERAL = ["PWB", "SWB", "EWB", "FWB"]


def _facit_scores(form, parts, totals):
    scores = {name: _facit(form, FACIT_PARTS[name]) for name in parts}
    for total, members in totals.items():
        scores[total] = _facit_total(form, members, scores)
    return scores


def fact_g(form):
    return _facit_scores(form, GENERAL, {"FACT_G": GENERAL})


def fact_b(form):
    totals = {
        "FACT_G": GENERAL,
        "FACT_B": [*GENERAL, "BCS"],
        "FACT_B_TOI": ["PWB", "FWB", "BCS"],
    }
    return _facit_scores(form, [*GENERAL, "BCS"], totals)


def fact_b_plus4(form):
    return {**fact_b(form), "ARM": _facit(form, ARM)}


def fact_hep(form):
    totals = {
        "FACT_G": GENERAL,
        "FACT_HEP": [*GENERAL, "HCS"],
        "FACT_HEP_TOI": ["PWB", "FWB", "HCS"],
    }
    scores = _facit_scores(form, [*GENERAL, "HCS"], totals)
    return {**scores, "FHSI8": _facit(form, FHSI8)}


PRO_FREQUENCY, PRO_SEVERITY, PRO_INTERFERENCE = "frequency", "severity", "interference"
PRO_TERMS = {
    (PRO_FREQUENCY,): "16 67",
    (PRO_SEVERITY,): "1 2 4 6 7 15 21 25 26 28 30 36 45 60 61 66 68 71 72 80",
    ("amount",): "27",
    (PRO_INTERFERENCE,): "59",
    (PRO_FREQUENCY, PRO_SEVERITY): "9 10 11 13 14 23 74 75 77 78",
    (PRO_FREQUENCY, PRO_INTERFERENCE): "18 62 63 65",
    (PRO_SEVERITY, PRO_INTERFERENCE): "3 8 19 20 39 40 41 44 46 47 52 53",
    (PRO_FREQUENCY, PRO_SEVERITY, PRO_INTERFERENCE): "17 22 48 49 50 51 54 55 56",
}
PRO_UNGRADED = "5 12 24 29 31 32 33 34 35 37 38 42 43 57 58 64 69 70 73 76 79"
# One text per first attribute 1..4 (pairs) or per first and second (triples): grades for the
# last attribute 0..4 (Basch 2021, Clin Trials 18:104).
PRO_SINGLE = {PRO_FREQUENCY: "01123", PRO_SEVERITY: "01233"}
PRO_SINGLE |= {PRO_INTERFERENCE: "01122", "amount": "01122"}
PRO_PAIRS = {
    (PRO_FREQUENCY, PRO_SEVERITY): ["11122", "11222", "11233", "11233"],
    (PRO_FREQUENCY, PRO_INTERFERENCE): ["11122", "11122", "11233", "11233"],
    (PRO_SEVERITY, PRO_INTERFERENCE): ["11122", "11223", "12233", "22233"],
}
PRO_TRIPLES = [
    ["01122", "11122", "12223", "22233", "22333"],
    ["01122", "11122", "22233", "22233", "22333"],
    ["11122", "11122", "22233", "22333", "22333"],
    ["11122", "11223", "22233", "22333", "22333"],
]


def _grade(attributes, values):
    if values[0] == 0:
        return 0
    if None in values:
        return None
    if len(values) == 1:
        return int(PRO_SINGLE[attributes[0]][values[0]])
    if len(values) == 2:
        return int(PRO_PAIRS[attributes][values[0] - 1][values[1]])
    return int(PRO_TRIPLES[values[0] - 1][values[1]][values[2]])


def pro_ctcae(form):
    return {
        f"{term}_GRADE": _grade(attributes, [form[f"{term}_{one}"] for one in attributes])
        for attributes, terms in PRO_TERMS.items()
        for term in terms.split()
    }


PROMIS_T = {
    "physical_function": "22.9 26.9 29.1 30.7 32.1 33.3 34.4 35.6 36.7 37.9 39.1 40.4 41.8 43.4 "
    "45.3 48.0 56.9",
    "anxiety": "40.3 48.0 51.2 53.7 55.8 57.7 59.5 61.4 63.4 65.3 67.3 69.3 71.2 73.3 75.4 77.9 "
    "81.6",
    "depression": "41.0 49.0 51.8 53.9 55.7 57.3 58.9 60.5 62.2 63.9 65.7 67.5 69.4 71.2 73.3 "
    "75.7 79.4",
    "fatigue": "33.7 39.7 43.1 46.0 48.6 51.0 53.1 55.1 57.0 58.8 60.7 62.7 64.6 66.7 69.0 71.6 "
    "75.8",
    "sleep_disturbance": "32.0 37.5 41.1 43.8 46.2 48.4 50.5 52.4 54.3 56.1 57.9 59.8 61.7 63.8 "
    "66.0 68.8 73.3",
    "social_roles": "27.5 31.8 34.0 35.7 37.3 38.8 40.5 42.3 44.2 46.2 48.1 50.0 51.9 53.7 55.8 "
    "58.3 64.2",
    "pain_interference": "41.6 49.6 52.0 53.9 55.6 57.1 58.5 59.9 61.2 62.5 63.8 65.2 66.6 68.0 "
    "69.7 71.6 75.6",
}
GPH_T = "16.2 19.9 23.5 26.7 29.6 32.4 34.9 37.4 39.8 42.3 44.9 47.7 50.8 54.1 57.7 61.9 67.7"
GMH_T = "21.2 25.1 28.4 31.3 33.8 36.3 38.8 41.1 43.5 45.8 48.3 50.8 53.3 56.0 59.0 62.5 67.6"


def _t_score(values, table):
    return None if None in values else float(table.split()[sum(values) - 4])


def promis_29(form):
    scores = {
        domain: _t_score([form[f"{domain}{n}"] for n in (1, 2, 3, 4)], table)
        for domain, table in PROMIS_T.items()
    }
    return {**scores, "pain_intensity": form["pain_intensity"]}


def promis_global_10(form):
    pain = form["Global07"]
    recoded = None if pain is None else 5 - (0 if pain == 0 else 1 + (pain - 1) // 3)
    physical = [form["Global03"], form["Global06"], recoded, form["Global08"]]
    mental = [form[f"Global{n}"] for n in ("02", "04", "05", "10")]
    return {
        "GPH_RAW": None if None in physical else sum(physical),
        "GPH": _t_score(physical, GPH_T),
        "GMH_RAW": None if None in mental else sum(mental),
        "GMH": _t_score(mental, GMH_T),
    }


RAND_SCALES = {
    "PF": range(3, 13),
    "RP": range(13, 17),
    "RE": range(17, 20),
    "EF": (23, 27, 29, 31),
    "EW": (24, 25, 26, 28, 30),
    "SF": (20, 32),
    "PA": (21, 22),
    "GH": (1, 33, 34, 35, 36),
}


def _rand_recoded(item, code):
    if item in (1, 2, 20, 22, 34, 36):
        return 125 - 25 * code
    if item in range(3, 13):
        return 50 * (code - 1)
    if item in range(13, 20):
        return 100 * (code - 1)
    if item in (21, 23, 26, 27, 30):
        return 120 - 20 * code
    if item in (24, 25, 28, 29, 31):
        return 20 * (code - 1)
    return 25 * (code - 1)


def rand_36(form):
    scores = {}
    for scale, items in RAND_SCALES.items():
        given = [
            _rand_recoded(item, form[f"i{item}"]) for item in items if form[f"i{item}"] is not None
        ]
        scores[scale] = sum(given) / len(given) if len(given) * 2 >= len(items) else None
    return scores


SCORERS = {
    "qlq-c30": qlq_c30,
    "qlq-br23": lambda form: _eortc(BR23, BREAST_CONDITIONS, form),
    "qlq-br42": lambda form: _eortc(BR42, BR42_CONDITIONS, form),
    "qlq-br45": lambda form: _eortc(BR45, BREAST_CONDITIONS, form),
    "qlq-lmc21": lambda form: _eortc(LMC21, {}, form),
    "qlq-hcc18": lambda form: _eortc(HCC18, {}, form),
    "eq-5d-5l": eq_5d_5l,
    "fact-g": fact_g,
    "fact-b": fact_b,
    "fact-b-plus4": fact_b_plus4,
    "fact-hep": fact_hep,
    "pro-ctcae": pro_ctcae,
    "promis-29": promis_29,
    "promis-global-10": promis_global_10,
    "rand-36": rand_36,
}
