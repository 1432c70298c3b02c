"""Data and arguments that a mixed model cannot or can only partly serve."""

import numpy as np
import pandas as pd
import pytest

from qol_app.errors import AnalysisError
from tests.analysis.mmrm_data import fit_table, make_trial

VISITS = ["W6", "M3", "M6", "M12"]


@pytest.fixture
def trial():
    return make_trial(40, VISITS, seed=1, missing=0.1)


def adds_up(result, data):
    return result.n_used + sum(result.left_out.values()) == len(data)


def said(result, words):
    return any(words in note for note in result.notes)


def test_a_visit_without_values_is_named_and_left_out(trial):
    trial.loc[trial["visit"] == "M6", "chg"] = np.nan
    result = fit_table(trial)
    assert result.visits == ["W6", "M3", "M12"]
    assert said(result, "No complete row for visit M6")
    assert adds_up(result, trial)


def test_an_arm_without_values_is_named_and_nothing_is_compared(trial):
    trial.loc[trial["arm"] == "B", "chg"] = np.nan
    result = fit_table(trial)
    assert result.arms == ["A"]
    assert result.contrasts.empty
    assert result.average.empty
    numbers = list(result.table.columns)[1:]
    assert list(result.contrasts.columns) == ["contrast", "visit", *numbers]
    assert list(result.average.columns) == ["contrast", "visits", *numbers]
    assert said(result, "No complete row for arm B")
    assert said(result, "nothing to compare")
    assert len(result.least_squares_means) == 4
    assert adds_up(result, trial)


def test_an_arm_without_values_at_one_visit_has_no_mean_there(trial):
    trial.loc[(trial["arm"] == "B") & (trial["visit"] == "M12"), "chg"] = np.nan
    result = fit_table(trial, df="kenward-roger")
    contrasts = result.contrasts.set_index("visit")["estimate"]
    assert contrasts.isna().to_dict() == {"W6": False, "M3": False, "M6": False, "M12": True}
    means = result.least_squares_means.set_index(["arm", "visit"])["estimate"]
    assert np.isnan(means["B", "M12"])
    assert np.isfinite(means["A", "M12"])
    assert np.isnan(result.average["estimate"].iloc[0])
    assert np.isfinite(result.average_over(["M3", "M6"])["estimate"].iloc[0])
    assert said(result, "visitM12:armB")
    assert said(result, "No mean can be given for B at M12")


def test_other_contrasts_are_those_without_the_empty_cell(trial):
    trial.loc[(trial["arm"] == "B") & (trial["visit"] == "M12"), "chg"] = np.nan
    trial.loc[trial["visit"] == "M12", "chg"] = np.nan
    without = fit_table(trial)
    assert without.contrasts["estimate"].notna().all()


def test_a_constant_outcome_is_refused(trial):
    with pytest.raises(AnalysisError, match=r"'chg' does not vary.*between 3 and 3"):
        fit_table(trial.assign(chg=3.0))


def test_an_outcome_the_model_explains_wholly_is_refused(trial):
    with pytest.raises(AnalysisError, match="does not vary"):
        fit_table(trial.assign(chg=2 * trial["base"] + 1))


def test_more_coefficients_than_rows_are_refused():
    data = make_trial(3, VISITS, seed=1)
    with pytest.raises(AnalysisError, match="12 rows for 12 coefficients"):
        fit_table(data)


def test_a_singular_matrix_falls_back_and_says_so():
    data = make_trial(6, ["V1", "V2", "V3", "V4", "V5"], seed=2)
    result = fit_table(data, covariates=[])
    assert result.covariance_requested == "unstructured"
    assert result.covariance_structure == "toeplitz"
    assert said(result, "unstructured covariance could not be fitted")
    assert said(result, "Toeplitz was used")


def test_without_fallback_a_singular_matrix_is_refused():
    data = make_trial(6, ["V1", "V2", "V3", "V4", "V5"], seed=2)
    with pytest.raises(AnalysisError, match="unstructured covariance could not be fitted"):
        fit_table(data, covariates=[], fallback=())


def test_a_visit_where_all_gave_the_same_value_falls_back(trial):
    trial.loc[trial["visit"] == "W6", "chg"] = 0.0
    result = fit_table(trial)
    assert said(result, "the variance at some visit tends to zero")


def test_visits_that_share_no_participant_fall_back(trial):
    number = trial["id"].str[1:].astype(int)
    trial.loc[(trial["visit"] == "M12") & (number < 20), "chg"] = np.nan
    trial.loc[(trial["visit"] == "W6") & (number >= 20), "chg"] = np.nan
    result = fit_table(trial)
    assert result.covariance_structure == "ar1"
    assert said(result, "share no participant")


def test_nobody_seen_twice_is_refused():
    data = make_trial(40, VISITS, seed=4)
    number = data["id"].str[1:].astype(int)
    once = data[data["visit"].map(VISITS.index) == number // 2 % 4]
    with pytest.raises(AnalysisError, match="share no participant"):
        fit_table(once)


def test_a_second_row_for_one_visit_is_refused(trial):
    whole = trial.dropna()
    with pytest.raises(AnalysisError, match=r"1 rows repeat a participant and visit.*'P0000'"):
        fit_table(pd.concat([whole, whole.iloc[[0]]]))


def test_a_participant_in_two_arms_is_refused(trial):
    trial.loc[0, "arm"] = "B"
    with pytest.raises(AnalysisError, match=r"more than one arm.*'P0000'"):
        fit_table(trial)


def test_a_participant_is_named_as_the_table_names_them_also_by_number(trial):
    trial["id"] = trial["id"].str[1:].astype(int)
    trial.loc[0, "arm"] = "B"
    with pytest.raises(AnalysisError, match="first '0'; wanted one arm each"):
        fit_table(trial)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": "banded"}, "covariance: found 'banded'; wanted one of: .*toeplitz"),
        ({"fallback": ["none"]}, "fallback: found 'none'; wanted one of"),
        ({"df": "exact"}, "df: found 'exact'; wanted one of: satterthwaite"),
        ({"level": 95}, "level: found 95; wanted a number between 0 and 1"),
        ({"outcome": "change"}, "no column named 'change'"),
        ({"covariates": ["arm"]}, r"\['arm'\] are named for two purposes"),
        ({"by_visit": ["stage"]}, r"by_visit: found \['stage'\]; wanted some of: base"),
        ({"at": {"bse": 1.0}}, r"at: found \['bse'\]; wanted some of: base"),
        ({"visit_order": ["W6", "M3", "M6"]}, r"visit_order.*lacks \['M12'\]"),
        ({"arm_order": ["A", "C"]}, r"arm_order.*lacks \['B'\]"),
        ({"average_visits": ["M9"]}, r"visits to average over: found \['M9'\]"),
        ({"average_visits": []}, "visits to average over: found none"),
    ],
)
def test_a_wrong_argument_is_named(trial, options, message):
    with pytest.raises(AnalysisError, match=message):
        fit_table(trial, **options)


def test_text_as_outcome_is_refused(trial):
    with pytest.raises(AnalysisError, match="chg: found 'a little'; wanted numbers"):
        fit_table(trial.assign(chg=trial["chg"].astype(object).where(trial.index != 5, "a little")))


@pytest.mark.parametrize("column", ["chg", "base"])
def test_infinite_values_are_refused(trial, column):
    trial.loc[3, column] = np.inf
    with pytest.raises(AnalysisError, match=f"'{column}' holds infinite values"):
        fit_table(trial)


@pytest.mark.parametrize("data", [pd.DataFrame(columns=["id", "arm", "visit", "base", "chg"])])
def test_an_empty_table_is_refused(data):
    with pytest.raises(AnalysisError, match="no row is complete"):
        fit_table(data.astype({"chg": float, "base": float}))


def test_every_reason_for_leaving_a_row_out_is_counted_once(trial):
    trial.loc[0, ["arm", "base", "chg"]] = [None, np.nan, np.nan]
    trial.loc[4, ["base", "chg"]] = np.nan
    trial.loc[8, "visit"] = None
    empty = trial["chg"].isna().sum()
    result = fit_table(trial)
    assert result.left_out == {
        "no visit": 1,
        "no arm": 1,
        "no base": 1,
        "no chg": empty - 2 - int(np.isnan(trial.loc[8, "chg"])),
    }
    assert adds_up(result, trial)


def test_a_covariate_that_never_varies_is_dropped_by_name(trial):
    result = fit_table(trial.assign(same=1.0), covariates=["base", "same"])
    plain = fit_table(trial)
    assert said(result, "Not determined by the data, given the terms before: same, same:visitM3")
    np.testing.assert_allclose(result.contrasts["estimate"], plain.contrasts["estimate"])
    assert result.minus2_restricted_loglik == pytest.approx(plain.minus2_restricted_loglik)


def test_unknown_visit_labels_need_an_order_for_toeplitz(trial):
    names = {"W6": "early", "M3": "spring", "M6": "summer", "M12": "late"}
    named = trial.assign(visit=trial["visit"].map(names))
    with pytest.raises(AnalysisError, match="visit_order is not given"):
        fit_table(named, covariance="toeplitz")
    told = fit_table(named, covariance="toeplitz", visit_order=list(names.values()))
    plain = fit_table(trial, covariance="toeplitz")
    assert told.minus2_restricted_loglik == pytest.approx(plain.minus2_restricted_loglik)
    assert said(fit_table(named), "alphabetical order")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["M12", "W6", "M3"], ["W6", "M3", "M12"]),
        (["Visit 10", "Visit 2", "Visit 1"], ["Visit 1", "Visit 2", "Visit 10"]),
        ([30, 3, 12], [3, 12, 30]),
        (["Y1", "M3", "D8"], ["D8", "M3", "Y1"]),
    ],
)
def test_visits_are_ordered_by_time(labels, expected):
    data = make_trial(30, ["1", "2", "3"], seed=9)
    data["visit"] = data["visit"].map(dict(zip("123", labels, strict=True)))
    assert fit_table(data).visits == expected


def test_a_categorical_keeps_its_own_order(trial):
    trial["visit"] = pd.Categorical(trial["visit"], ["M12", "M6", "M3", "W6", "never"])
    trial["arm"] = pd.Categorical(trial["arm"], ["B", "A"])
    result = fit_table(trial)
    assert result.visits == ["M12", "M6", "M3", "W6"]
    assert list(result.contrasts["contrast"].unique()) == ["A - B"]


@pytest.mark.parametrize("kind", ["Float64", "float32", "int", "Int64", "object"])
def test_any_numeric_type_will_do(trial, kind):
    whole = trial.assign(chg=trial["chg"].round())
    if kind == "int":
        whole = whole.dropna()
    result = fit_table(whole.astype({"chg": kind}))
    assert result.n_used == trial["chg"].notna().sum()


def test_the_data_handed_in_are_left_alone(trial):
    before = trial.copy()
    fit_table(trial)
    pd.testing.assert_frame_equal(trial, before)
