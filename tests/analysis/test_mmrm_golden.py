"""The mixed model against R's mmrm and nlme::gls; see tests/golden/mmrm/README.md."""

import numpy as np
import pandas as pd
import pytest

from tests.analysis.mmrm_data import RESULTS, fit_golden

STRUCTURES = {"us": "unstructured", "toep": "toeplitz", "ar1": "ar1", "cs": "cs"}
METHODS = {
    "satterthwaite": "satterthwaite",
    "kenward_roger_linear": "kenward-roger",
    "residual": "residual",
}
COLUMNS = {"est": "estimate", "lcl": "ci_low", "ucl": "ci_high"} | {
    c: c for c in ["t", "p", "se", "df"]
}
CASES = [
    (which, theirs, method)
    for which in "abc"
    for theirs in RESULTS[f"mmrm_{which}"]["mmrm"]
    for method in METHODS
]


def agree(ours: pd.DataFrame, theirs: list[dict], tolerance: float = 1e-7) -> None:
    expected = pd.DataFrame(theirs)
    for golden, column in COLUMNS.items():
        if golden in expected:
            np.testing.assert_allclose(ours[column], expected[golden], rtol=tolerance, atol=1e-9)


@pytest.mark.parametrize(("which", "theirs", "method"), CASES)
def test_every_number_agrees_with_r(which, theirs, method):
    golden = RESULTS[f"mmrm_{which}"]["mmrm"][theirs]
    expected = golden[method]
    result = fit_golden(which, covariance=STRUCTURES[theirs], df=METHODS[method])
    assert list(result.table["term"]) == [row["term"] for row in expected["coef"]]
    agree(result.table, expected["coef"])
    agree(result.least_squares_means, expected["lsmeans_base_at_row_mean"])
    agree(result.contrasts, expected["contrasts"])
    agree(result.average, expected["average_over_visits"])
    np.testing.assert_allclose(result.covariance, golden["covariance"], rtol=1e-7)
    assert result.minus2_restricted_loglik == pytest.approx(golden["minus2_restricted_loglik"])
    assert result.aic == pytest.approx(golden["aic"])
    assert result.n_covariance_parameters == golden["n_covariance_parameters"]
    assert result.covariance_structure == STRUCTURES[theirs]
    assert result.max_abs_gradient < 1e-6


@pytest.mark.parametrize("which", "abc")
def test_rows_are_labelled_as_in_r(which):
    expected = RESULTS[f"mmrm_{which}"]["mmrm"]["us"]["satterthwaite"]
    result = fit_golden(which)
    for ours, theirs in (
        (result.least_squares_means, "lsmeans_base_at_row_mean"),
        (result.contrasts, "contrasts"),
    ):
        labels = [c for c in ("arm", "contrast", "visit") if c in ours]
        assert ours[labels].to_dict("records") == [
            {c: row[c] for c in labels} for row in expected[theirs]
        ]


@pytest.mark.parametrize("which", "abc")
def test_means_at_a_given_baseline_agree_with_r(which):
    golden = RESULTS[f"mmrm_{which}"]
    result = fit_golden(which, at={"base": golden["fixed_base"]})
    agree(
        result.least_squares_means, golden["mmrm"]["us"]["satterthwaite"]["lsmeans_base_at_fixed"]
    )


@pytest.mark.parametrize("which", "abc")
def test_unstructured_agrees_with_gls_of_nlme(which):
    golden = RESULTS[f"mmrm_{which}"]["gls_us"]
    result = fit_golden(which)
    agree(result.contrasts, golden["contrasts"], tolerance=1e-4)
    agree(result.average, golden["average_over_visits"], tolerance=1e-4)
    assert result.minus2_restricted_loglik == pytest.approx(golden["minus2_restricted_loglik"])


@pytest.mark.parametrize("which", "abc")
def test_rows_used_and_left_out_add_up(which):
    golden = RESULTS[f"mmrm_{which}"]
    result = fit_golden(which)
    assert result.n_used == golden["n_rows"]
    assert result.n_participants == golden["n_participants"]
    assert result.formula == golden["formula"].replace(" * ", "*")
    assert result.notes[0].startswith(result.formula)
    n_rows = {"a": 1200, "b": 208, "c": 660}[which]
    assert result.n_used + sum(result.left_out.values()) == n_rows


def test_linear_kenward_roger_is_not_the_log_cholesky_one():
    theirs = pd.DataFrame(RESULTS["mmrm_b"]["mmrm"]["us"]["kenward_roger"]["contrasts"])
    ours = fit_golden("b", df="kenward-roger")
    model_based = fit_golden("b")
    assert (ours.contrasts["se"] > model_based.contrasts["se"]).all()
    assert (theirs["se"].to_numpy() < model_based.contrasts["se"]).any()
    assert "linear form" in ours.method
    assert "observed information" in ours.method
