"""Subgroup hazard ratios and interactions against R, and subgroups that say nothing."""

import numpy as np
import pandas as pd
import pytest

from qol_app.analysis.survival import cox, forest
from qol_app.errors import AnalysisError
from tests.analysis.survival_golden import FOLDER, assert_same, golden_data

GROUPS = {"age": [50, 65], "nodes": [3, 9]}
FACTORS = ["age", "meno", "grade", "nodes"]


def gbsg() -> pd.DataFrame:
    data = golden_data("gbsg")
    data["meno"] = data["meno"].map({0: "pre", 1: "post"}).astype("category")
    data["meno"] = data["meno"].cat.reorder_categories(["pre", "post"])
    return data.assign(grade=data["grade"].astype(str))


def gbsg_forest(**other):
    arguments = {"duration": "time", "event": "event", "arm": "hormon", "factors": FACTORS}
    return forest(gbsg(), **{**arguments, "cuts": GROUPS, **other})


@pytest.fixture(scope="module")
def whole():
    """Return the forest of all factors."""
    return gbsg_forest().table


def test_subgroups_and_interactions_are_those_of_r(whole):
    expected = pd.read_csv(FOLDER / "gbsg_forest_subgroups.csv")
    table = whole.iloc[1:]
    assert_same(
        table[["n", "events", "n_group", "events_group"]], expected[["n", "events", "n1", "ev1"]]
    )
    ours = ["hazard_ratio", "ci_low", "ci_high", "p_value", "p_interaction"]
    # R stopped two of these fits a step before the last digit.
    assert_same(table[ours], expected[["hr", "lcl", "ucl", "p", "p_interaction_lrt"]], 1e-7)
    assert table["factor"].tolist() == expected["subgroup"].str.removesuffix("_g").tolist()


def test_the_first_row_is_everybody(whole):
    row = whole.iloc[0]
    model = cox(gbsg(), duration="time", event="event", covariates=["hormon"])
    assert (row["factor"], row["n"], row["events"]) == ("all", 686, 299)
    assert_same(row["hazard_ratio"], model.table["hazard_ratio"][0])


def test_a_numeric_factor_is_tested_as_a_number():
    result = gbsg_forest(factors=["nodes"], cuts={})
    data = gbsg().assign(product=lambda d: d["hormon"] * d["nodes"])
    arguments = {"duration": "time", "event": "event"}
    main = cox(data, covariates=["hormon", "nodes"], **arguments)
    full = cox(data, covariates=["hormon", "nodes", "product"], **arguments)
    assert_same(result.interactions["chisq"][0], 2 * (full.loglik - main.loglik))
    row = result.table.iloc[1]
    assert row["level"] == "per unit"
    assert_same(row["hazard_ratio"], full.table["hazard_ratio"][2])


def test_the_reference_arm_can_be_named(whole):
    turned = gbsg_forest(reference=1, factors=["meno"], cuts={}).table
    assert turned["factor"].tolist() == ["all", "meno", "meno"]
    same = whole[whole["factor"].isin(["all", "meno"])]
    assert_same(1 / turned["hazard_ratio"], same["hazard_ratio"])


def test_three_arms_give_two_rows_at_each_level():
    table = forest(
        golden_data("colon_death").assign(sex=lambda d: d["sex"].astype(str)),
        duration="time",
        event="event",
        arm="rx",
        factors=["sex"],
    ).table
    assert table[["level", "group"]].to_numpy().tolist() == [
        ["all", "Lev"],
        ["all", "Lev+5FU"],
        ["0", "Lev"],
        ["0", "Lev+5FU"],
        ["1", "Lev"],
        ["1", "Lev+5FU"],
    ]


def test_a_missing_factor_leaves_out_for_that_factor_only_and_is_counted():
    data = gbsg().iloc[:200]
    data.loc[:9, "grade"] = None
    result = forest(data, duration="time", event="event", arm="hormon", factors=["grade", "meno"])
    assert result.n_used == 200
    assert result.interactions["n_missing"].tolist() == [10, 0]
    assert "grade is missing for 10" in result.notes


def test_a_level_with_one_arm_only_has_no_ratio_and_says_so():
    data = gbsg()
    data["odd"] = np.where(data.index < 20, np.where(data["hormon"] == 1, "b", "a"), "a")
    data = data[(data["odd"] == "a") | (data["hormon"] == 1)]
    result = forest(data, duration="time", event="event", arm="hormon", factors=["odd"])
    assert np.isnan(result.table["hazard_ratio"].iloc[2])
    assert "no hazard ratio at odd b: 1" in result.notes
    assert "no interaction of odd can be tested" in result.notes


def test_a_level_where_one_arm_has_no_events_is_called_separation():
    data = gbsg().assign(odd="a")
    data.loc[data["hormon"] == 1, "odd"] = np.where(
        data.loc[data["hormon"] == 1, "event"] == 0, "b", "a"
    )
    data.loc[data.index[data["hormon"] == 0][:200], "odd"] = "b"
    result = forest(data, duration="time", event="event", arm="hormon", factors=["odd"])
    assert result.table["hazard_ratio"].iloc[2] == 0
    assert any(note.startswith("separation at odd b") for note in result.notes)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_too_few_participants_give_words(rows):
    result = (
        forest(gbsg().iloc[:rows], duration="time", event="event", arm="hormon", factors=FACTORS)
        if rows
        else None
    )
    if result is None:
        with pytest.raises(AnalysisError, match="hormon: found no group"):
            forest(gbsg().iloc[:0], duration="time", event="event", arm="hormon", factors=FACTORS)
    else:
        assert result.table["hazard_ratio"].isna().all()
        assert result.notes


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cuts": {"size": [1]}}, "cuts: found 'size'"),
        ({"cuts": {"age": [65, 50]}}, r"cuts of age: found \[65, 50\]"),
        ({"factors": ["shoe"]}, "no column named 'shoe'"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_wanted(wrong, message):
    with pytest.raises(AnalysisError, match=message):
        gbsg_forest(**wrong)
