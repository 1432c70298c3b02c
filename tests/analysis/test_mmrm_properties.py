"""What must hold of a mixed model whatever the data, and closed forms it must equal."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st

from qol_app.analysis.mmrm import stacked
from qol_app.analysis.mmrm_reml import derivatives, likelihood
from qol_app.analysis.mmrm_structures import STRUCTURES
from tests.analysis.mmrm_data import fit_golden, fit_table, golden_data, make_trial

VISITS = ["W6", "M3", "M6", "M12"]


def same(left, right, tolerance=1e-7):
    for name in ("table", "least_squares_means", "contrasts", "average", "covariance"):
        pd.testing.assert_frame_equal(
            getattr(left, name), getattr(right, name), rtol=tolerance, atol=1e-7
        )
    assert left.minus2_restricted_loglik == pytest.approx(right.minus2_restricted_loglik)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), structure=st.sampled_from(sorted(STRUCTURES)))
def test_the_order_of_rows_does_not_matter(seed, structure):
    data = make_trial(40, VISITS, seed=seed, missing=0.15)
    shuffled = data.sample(frac=1, random_state=seed)
    same(fit_table(data, covariance=structure), fit_table(shuffled, covariance=structure))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_names_of_participants_do_not_matter(seed):
    data = make_trial(40, VISITS, seed=seed, missing=0.15)
    names = np.random.default_rng(seed).permutation(data["id"].unique())
    renamed = data.assign(id=data["id"].map(dict(zip(data["id"].unique(), names, strict=True))))
    same(fit_table(data), fit_table(renamed))


@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger", "residual"])
def test_shift_and_scale_of_the_outcome_pass_through(df):
    data = make_trial(50, VISITS, seed=3, missing=0.2)
    plain = fit_table(data, df=df)
    moved = fit_table(data.assign(chg=1000 * data["chg"] + 7), df=df)
    for name in ("estimate", "se"):
        np.testing.assert_allclose(
            moved.contrasts[name], 1000 * plain.contrasts[name], rtol=1e-6, atol=1e-6
        )
    for name in ("df", "t", "p"):
        np.testing.assert_allclose(moved.contrasts[name], plain.contrasts[name], rtol=1e-6)
    means, before = moved.least_squares_means, plain.least_squares_means
    np.testing.assert_allclose(means["estimate"], 1000 * before["estimate"] + 7, rtol=1e-6)


def test_the_scale_of_a_covariate_does_not_matter():
    data = golden_data("b")
    plain = fit_golden("b", data)
    stretched = fit_golden("b", data.assign(base=data["base"] * 1e6 + 1e8))
    np.testing.assert_allclose(
        stretched.contrasts.iloc[:, 2:], plain.contrasts.iloc[:, 2:], rtol=1e-5
    )


def test_changing_the_reference_arm_turns_the_contrast():
    data = make_trial(50, VISITS, seed=5, missing=0.2)
    one, other = (
        fit_table(data, df="kenward-roger"),
        fit_table(data, df="kenward-roger", arm_order=["B", "A"]),
    )
    np.testing.assert_allclose(one.contrasts["estimate"], -other.contrasts["estimate"], rtol=1e-6)
    np.testing.assert_allclose(one.contrasts["se"], other.contrasts["se"], rtol=1e-6)
    np.testing.assert_allclose(one.contrasts["df"], other.contrasts["df"], rtol=1e-6)


@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger"])
def test_complete_unstructured_data_are_a_multivariate_regression(df):
    data = make_trial(30, VISITS, seed=11)
    result = fit_table(data, df=df)
    wide = data.pivot(index="id", columns="visit", values="chg")[VISITS]
    who = data.drop_duplicates("id").set_index("id").loc[wide.index]
    x = np.column_stack([np.ones(30), who["base"], who["arm"] == "B"]).astype(float)
    beta, *_ = np.linalg.lstsq(x, wide.to_numpy(), rcond=None)
    residual = wide.to_numpy() - x @ beta
    sigma = residual.T @ residual / (30 - 3)
    unit = np.linalg.inv(x.T @ x)[2, 2]
    np.testing.assert_allclose(result.covariance, sigma, rtol=1e-6)
    np.testing.assert_allclose(result.contrasts["estimate"], beta[2], rtol=1e-6)
    np.testing.assert_allclose(result.contrasts["se"], np.sqrt(np.diag(sigma) * unit), rtol=1e-6)
    np.testing.assert_allclose(result.contrasts["df"], 27, rtol=1e-6)
    average = result.average_over(["M3", "M12"]).iloc[0]
    both = np.array([0, 0.5, 0, 0.5])
    assert average["estimate"] == pytest.approx(both @ beta[2])
    assert average["se"] == pytest.approx(np.sqrt(both @ sigma @ both * unit))
    assert average["df"] == pytest.approx(27)


def test_complete_compound_symmetry_is_the_split_plot_analysis_of_variance():
    data = make_trial(24, VISITS, seed=12)
    result = fit_table(data, covariance="cs", covariates=[])
    cells = data.pivot(index="id", columns="visit", values="chg")[VISITS].to_numpy()
    arm = data.drop_duplicates("id")["arm"].to_numpy() == "B"
    centred = cells - np.where(arm[:, None], cells[arm].mean(0), cells[~arm].mean(0))
    between = 4 * (centred.mean(1) ** 2).sum() / 22
    within = ((centred - centred.mean(1, keepdims=True)) ** 2).sum() / (22 * 3)
    covariance = result.covariance.to_numpy()
    assert covariance[0, 1] == pytest.approx((between - within) / 4, rel=1e-6)
    assert covariance[0, 0] - covariance[0, 1] == pytest.approx(within, rel=1e-6)
    average = result.average.iloc[0]
    assert average["estimate"] == pytest.approx(cells[arm].mean() - cells[~arm].mean())
    assert average["se"] == pytest.approx(np.sqrt(between / 4 * (1 / 12 + 1 / 12)), rel=1e-6)
    assert average["df"] == pytest.approx(22, rel=1e-6)


def test_one_visit_is_an_analysis_of_covariance():
    data = make_trial(40, ["M6"], seed=13)
    expected = smf.ols("chg ~ base + arm", data).fit()
    for df in ("satterthwaite", "kenward-roger", "residual"):
        result = fit_table(data, df=df)
        row = result.contrasts.iloc[0]
        assert row["estimate"] == pytest.approx(expected.params["arm[T.B]"])
        assert row["se"] == pytest.approx(expected.bse["arm[T.B]"])
        assert row["df"] == pytest.approx(37)
        assert row["p"] == pytest.approx(expected.pvalues["arm[T.B]"])
        assert any("analysis of covariance" in note for note in result.notes)


@pytest.mark.parametrize("structure", sorted(STRUCTURES))
def test_derivatives_are_those_of_the_likelihood(structure):
    model = fit_golden("b", covariance=structure).model
    found = model.inference.fit
    x = model.design.matrix(model.rows.visit, model.rows.arm, model.design.codes(model.rows.frame))
    q = np.linalg.solve(model.inference.r.T, x.T).T
    blocks = stacked(q, model.rows, model.inference.scale, 4)
    theta = found.theta * np.linspace(0.9, 1.02, len(found.theta))
    chosen, m = STRUCTURES[structure], 4

    def value(t):
        return likelihood(blocks, chosen.matrix(t, m)).value

    def slope(t):
        return derivatives(likelihood(blocks, chosen.matrix(t, m)), chosen, t)

    at, h = slope(theta), 1e-5
    steps = h * np.eye(len(theta))
    numeric = [(value(theta + s) - value(theta - s)) / (2 * h) for s in steps]
    np.testing.assert_allclose(at.gradient, numeric, rtol=1e-5, atol=1e-5)
    bent = [(slope(theta + s).gradient - slope(theta - s).gradient) / (2 * h) for s in steps]
    np.testing.assert_allclose(at.observed, bent, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(at.observed, at.observed.T, atol=1e-8)
