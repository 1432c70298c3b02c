"""Delta adjustment and reference-based imputation after a mixed model."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from qol_app.analysis.mmrm_imputation import STRATEGIES, imputed, incomplete
from qol_app.analysis.mmrm_sensitivity import delta_adjusted, pattern_mixture
from qol_app.analysis.rubin import rubin
from qol_app.errors import AnalysisError
from tests.analysis.mmrm_data import fit_golden, fit_table, make_trial

VISITS = ["W6", "M3", "M6", "M12"]
DRAWS = 500


@pytest.fixture(scope="module")
def dropouts():
    """Two arms; most of arm B's second half drop out after W6 or M3, some skip a visit."""
    data = make_trial(60, VISITS, seed=21, missing=0.05)
    number, visit = data["id"].str[1:].astype(int), data["visit"].map(VISITS.index)
    data.loc[(number >= 30) & (visit > number % 3), "chg"] = np.nan
    return data.assign(chg=data["chg"] + 8 * (data["arm"] == "B"))


@pytest.fixture(scope="module")
def main(dropouts):
    return fit_table(dropouts)


def test_missing_at_random_repeats_the_mixed_model():
    main = fit_golden("b")
    table = delta_adjusted(main, worse="lower", seed=1, deltas=[0], imputations=400).table
    gap = (table["estimate"] - main.contrasts["estimate"]) / main.contrasts["se"]
    assert gap.abs().max() < 0.1
    np.testing.assert_allclose(table["se"], main.contrasts["se"], rtol=0.06)
    np.testing.assert_allclose(table["df"], main.contrasts["df"], rtol=0.15)


@pytest.mark.parametrize(("worse", "sign"), [("lower", -1), ("higher", 1)])
def test_delta_moves_the_contrast_by_the_share_missing(main, worse, sign):
    """The estimate is linear in the outcomes, so delta's effect has a closed form."""
    result = delta_adjusted(main, worse=worse, seed=2, deltas=[0, 5, 15], imputations=5)
    cells = incomplete(main.model, 0)
    x = np.column_stack([np.ones(60), cells.arm, cells.codes[:, 0, 1]])
    effect = np.linalg.lstsq(x, cells.missing.astype(float), rcond=None)[0][1]
    by_delta = result.table.pivot(index="delta", columns="visit", values="estimate")[VISITS]
    for delta in (5.0, 15.0):
        np.testing.assert_allclose(
            by_delta.loc[delta] - by_delta.loc[0.0], sign * delta * effect, atol=1e-8
        )
    average = result.average.set_index("delta")["estimate"]
    assert average[15] - average[0] == pytest.approx(sign * 15 * effect.mean())


def test_delta_in_one_arm_only_spares_the_other(main):
    both = delta_adjusted(main, worse="lower", seed=2, deltas=[10], imputations=5)
    one = delta_adjusted(main, worse="lower", seed=2, deltas=[10], imputations=5, delta_arms=["B"])
    none = delta_adjusted(main, worse="lower", seed=2, deltas=[10], imputations=5, delta_arms=[])
    zero = delta_adjusted(main, worse="lower", seed=2, deltas=[0], imputations=5)
    assert (one.table["estimate"] <= both.table["estimate"]).all()
    np.testing.assert_array_equal(none.table["estimate"], zero.table["estimate"])


def test_nothing_missing_leaves_an_analysis_of_covariance():
    data = make_trial(40, VISITS, seed=5)
    result = delta_adjusted(fit_table(data), worse="lower", seed=1, imputations=3)
    assert (result.table["imputed_share"] < 1e-20).all()
    assert any("nothing to impute" in note for note in result.notes)
    for visit, rows in result.table.groupby("visit"):
        expected = smf.ols("chg ~ base + arm", data[data["visit"] == visit]).fit()
        np.testing.assert_allclose(rows["estimate"], expected.params["arm[T.B]"])
        np.testing.assert_allclose(rows["se"], expected.bse["arm[T.B]"])
    average = result.average.iloc[0]
    means = data.groupby("id").agg(
        chg=("chg", "mean"), base=("base", "first"), arm=("arm", "first")
    )
    expected = smf.ols("chg ~ base + arm", means).fit()
    assert average["estimate"] == pytest.approx(expected.params["arm[T.B]"])
    assert average["se"] == pytest.approx(expected.bse["arm[T.B]"])


def slow_means(main, cells, strategy):
    """Return the mean of every missing outcome, one participant at a time, at the estimates."""
    sigma = main.covariance.to_numpy()
    beta = main.model.inference.fit.point.beta * main.model.inference.scale
    out = np.full(cells.y.shape, np.nan)
    for i in range(len(cells.y)):
        own, ref = cells.own[i] @ beta, cells.reference[i] @ beta
        seen, missing = np.flatnonzero(cells.seen[i]), np.flatnonzero(cells.missing[i])
        last = seen.max() if len(seen) else -1
        dropped = bool(len(missing)) and missing.max() > last and cells.arm[i] != 0
        before = ref if strategy == "copy-reference" and dropped else own
        after = before.copy()
        if dropped and strategy == "jump-to-reference":
            after[last + 1 :] = ref[last + 1 :]
        if dropped and strategy == "copy-increments":
            kept = own[last] - ref[last] if last >= 0 else 0.0
            after[last + 1 :] = ref[last + 1 :] + kept
        departure = cells.y[i, seen] * main.model.inference.scale - before[seen]
        slope = sigma[np.ix_(missing, seen)] @ np.linalg.inv(sigma[np.ix_(seen, seen)])
        out[i, missing] = after[missing] + slope @ departure
    return out


@pytest.fixture(scope="module")
def drawn(main):
    cells = incomplete(main.model, 0)
    return cells, imputed(main.model, cells, sorted(STRATEGIES), DRAWS, seed=3)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_draws_centre_on_the_mean_that_the_strategy_says(main, drawn, strategy):
    cells, draws = drawn[0], drawn[1][strategy]
    expected = slow_means(main, cells, strategy)
    where = cells.missing
    error = draws.std(axis=0)[where] / np.sqrt(DRAWS)
    z = (draws.mean(axis=0)[where] - expected[where]) / error
    # All share the drawn coefficients, so their errors move together: 5, not 2 or 3.
    assert np.abs(z).max() < 5
    np.testing.assert_array_equal(np.ptp(draws[:, cells.seen], axis=0), 0)


def test_draws_spread_as_the_conditional_normal_and_more():
    """Beside the noise given the model there is what is not known about the model."""
    main = fit_table(make_trial(400, VISITS, seed=8, missing=0.2))
    cells = incomplete(main.model, 0)
    draws = imputed(main.model, cells, ["missing-at-random"], 250, seed=3)["missing-at-random"]
    sigma = main.covariance.to_numpy()
    only_last = cells.missing[:, 3] & cells.seen[:, :3].all(1)
    slope = np.linalg.solve(sigma[:3, :3], sigma[:3, 3])
    expected = np.sqrt(sigma[3, 3] - slope @ sigma[:3, 3])
    ratio = draws[:, only_last, 3].std(axis=0).mean() / expected
    assert 1.0 < ratio < 1.04


def test_reference_strategies_draw_the_arms_together(main):
    average = pattern_mixture(main, seed=4, imputations=200).average.set_index("assumption")
    at_random = average.loc["missing-at-random", "estimate"]
    for strategy in ("jump-to-reference", "copy-reference", "copy-increments"):
        assert 0 < average.loc[strategy, "estimate"] < at_random


def test_the_reference_arm_itself_is_drawn_at_random(main):
    cells = incomplete(main.model, 1)
    assert not cells.dropped[cells.arm == 1].any()
    assert cells.dropped[cells.arm == 0].any()


def test_the_same_seed_gives_the_same_numbers(main):
    one, same, other = (
        pattern_mixture(main, seed=seed, imputations=5).table["estimate"] for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


def test_rows_add_up_and_visits_without_a_row_are_not_invented(dropouts):
    dead = (dropouts["id"] == "P0001") & (dropouts["visit"] == "M12")
    data = dropouts[~dead].copy()
    data.loc[data["id"] == "P0004", "base"] = np.nan
    main = fit_table(data)
    result = delta_adjusted(main, worse="lower", seed=1, imputations=3)
    assert result.n_given == len(data)
    assert result.left_out == {"no base": 4}
    counts = result.imputed.set_index(["arm", "visit"])
    assert counts.loc[("B", "M12"), "no_row"] == 1
    assert counts["no_row"].sum() == 1
    assert counts["imputed"].sum() == main.left_out["no chg"]
    assert any("1 visits of participants have no row" in note for note in result.notes)


def test_a_cell_without_any_value_is_not_imputed(dropouts):
    data = dropouts.copy()
    empty = (data["arm"] == "B") & (data["visit"] == "M12")
    data.loc[empty, "chg"] = np.nan
    main = fit_table(data)
    result = delta_adjusted(main, worse="lower", seed=1, imputations=3, average_visits=["W6", "M3"])
    assert result.left_out == {"no chg": empty.sum()}
    assert result.n_given == len(data)
    estimates = result.table[result.table["delta"] == 0].set_index("visit")["estimate"]
    assert estimates.isna().to_dict() == {"W6": False, "M3": False, "M6": False, "M12": True}
    assert result.average["estimate"].notna().all()
    assert any("could not be imputed" in note for note in result.notes)


def test_a_single_arm_compares_nothing(dropouts):
    main = fit_table(dropouts[dropouts["arm"] == "A"])
    result = delta_adjusted(main, worse="lower", seed=1, imputations=3)
    assert result.table.empty
    assert "imputed_share" in result.average
    assert any("nothing to compare" in note for note in result.notes)


def test_three_arms_have_three_contrasts():
    main = fit_golden("c")
    result = pattern_mixture(main, seed=1, imputations=20, reference="Q")
    assert list(result.average["contrast"].unique()) == ["Q - P", "R - P", "R - Q"]
    assert result.table["estimate"].notna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"worse": "down"}, "worse: found 'down'; wanted one of: lower, higher"),
        ({"deltas": []}, r"deltas: found \[\]; wanted numbers"),
        ({"deltas": [5, -5]}, r"deltas: found \[5, -5\]; wanted numbers of at least 0"),
        ({"deltas": [np.nan]}, "deltas: found .*; wanted numbers"),
        ({"delta_arms": ["C"]}, r"delta_arms: found \['C'\]; wanted some of: A, B"),
        ({"imputations": 1}, "imputations: found 1; wanted at least 2"),
        ({"average_visits": ["M9"]}, "visits to average over"),
    ],
)
def test_a_wrong_argument_of_delta_is_named(main, options, message):
    with pytest.raises(AnalysisError, match=message):
        delta_adjusted(main, **{"worse": "lower", "seed": 1, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategies": ["copy"]}, "strategies: found 'copy'; wanted one of: missing-at-random"),
        ({"strategies": []}, "strategies: found none"),
        ({"reference": "C"}, r"reference: found \['C'\]; wanted some of: A, B"),
    ],
)
def test_a_wrong_argument_of_pattern_mixture_is_named(main, options, message):
    with pytest.raises(AnalysisError, match=message):
        pattern_mixture(main, **{"seed": 1, **options})


def test_rubins_rules_by_hand():
    """Five estimates 1..5 (variance 2.5) with variances of 3 each, 40 degrees of freedom."""
    estimate, se, df, t, p, low, high, share = rubin(
        np.array([1.0, 2, 3, 4, 5]), np.full(5, 3.0), 40, 0.95
    )
    assert (estimate, se, share) == pytest.approx((3, np.sqrt(6), 0.5))
    assert df == pytest.approx(1 / (0.5**2 / 4 + 43 / (41 * 40 * 0.5)))
    assert (t, p) == pytest.approx((3 / np.sqrt(6), 2 * stats.t.sf(3 / np.sqrt(6), df)))
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, df) * np.sqrt(6))


def test_a_missing_row_beside_a_value_is_not_drawn(dropouts):
    first = dropouts.dropna().iloc[[0]]
    again = pd.concat([dropouts, first.assign(chg=np.nan)])
    main = fit_table(again)
    result = delta_adjusted(main, worse="lower", seed=1, imputations=3)
    assert result.left_out == {"no chg": 1}
    assert result.n_given == len(again)


def test_a_covariance_known_by_next_to_nothing_is_not_drawn_from():
    data = make_trial(4, ["W6", "M3"], seed=7, missing=0.25)
    main = fit_table(data, covariates=[], covariance="cs")
    with pytest.raises(AnalysisError, match=r"too uncertain to impute from: \d rows for 2"):
        delta_adjusted(main, worse="lower", seed=1)


def test_contrasts_that_cannot_be_given_are_named_in_a_note(dropouts):
    data = dropouts.copy()
    data.loc[(data["arm"] == "B") & (data["visit"] == "M12"), "chg"] = np.nan
    result = delta_adjusted(fit_table(data), worse="lower", seed=1, imputations=3)
    assert any("Too few values to compare B - A at M12" in note for note in result.notes)
    assert result.average["estimate"].isna().all()
