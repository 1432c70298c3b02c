"""Every leaf of R's results, one by one: the same tree made by the program, path by path."""

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from qol_app.analysis.mmrm import MmrmResult
from qol_app.analysis.survival import cox, difference_at, kaplan_meier, logrank, rmst
from tests.analysis import mmrm_data
from tests.analysis.survival_golden import BY, RESULTS, TOLERANCE, golden_data

STRUCTURES = {"us": "unstructured", "toep": "toeplitz", "ar1": "ar1", "cs": "cs"}
DF = {
    "satterthwaite": "satterthwaite",
    "kenward_roger_linear": "kenward-roger",
    "residual": "residual",
}
STRATA = {"gbsg": "grade", "colon_death": "extent"}
EVENT = {"duration": "time", "event": "event"}
# Where R stopped or rounded earlier than we do.
LOOSER = {
    r"gls_us\.": 1e-4,  # a second program with its own stopping rule
    r"mmrm\.": 1e-7,
    r"\.wald\.test$": 1e-3,  # printed with two decimals
}
# What the program holds no number for, each with the reason.
NOT_OURS = {
    r"\.default_fit_": "how far mmrm's own stopping rule falls short",
    r"mmrm\.\w+\.max_abs_gradient$": "where R stopped; ours is tested to be below 1e-6",
    r"\.kenward_roger\..*\.(se|t|p|lcl|ucl)$": "the log-Cholesky kind; ours is the linear one",
    r"^agreement\.": "gls against mmrm, both of R",
    r"^fixed_base$": "an input",
}
R_WORDS = {
    "estimate": "est",
    "ci_low": "lcl",
    "ci_high": "ucl",
    "p_value": "p",
    "hazard_ratio": "hr",
    "survival": "surv",
}


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its path; rows of a table are numbered."""
    if isinstance(tree, dict | list):
        pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, branch in pairs:
            yield from leaves(branch, f"{path}.{key}" if path else str(key))
    else:
        yield path, tree


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.rename(columns=R_WORDS).to_dict("records")


def our_mmrm(which: str, golden: dict[str, Any]) -> dict[str, Any]:
    fits = {
        (key, name): mmrm_data.fit_golden(which, covariance=STRUCTURES[key], df=DF[name])
        for key in golden["mmrm"]
        for name in DF
    }
    first = fits["us", "satterthwaite"]
    return {
        "n_participants": first.n_participants,
        "n_rows": first.n_used,
        "arm_levels": first.arms,
        "visit_levels": first.visits,
        "mean_base_over_rows": first.model.design.levels.means["base"],
        "mmrm": {key: our_structure(which, key, fits, golden) for key in golden["mmrm"]},
        "gls_us": tables(first) | {"minus2_restricted_loglik": first.minus2_restricted_loglik},
    }


def our_structure(
    which: str, key: str, fits: dict[tuple[str, str], MmrmResult], golden: dict[str, Any]
) -> dict[str, Any]:
    fit = fits[key, "satterthwaite"]
    at = {"base": golden["fixed_base"]}
    found = {name: tables(fits[key, name]) for name in DF}
    for name in DF:
        fixed = mmrm_data.fit_golden(which, covariance=STRUCTURES[key], df=DF[name], at=at)
        found[name]["lsmeans_base_at_fixed"] = rows(fixed.least_squares_means)
    return {
        "minus2_restricted_loglik": fit.minus2_restricted_loglik,
        "aic": fit.aic,
        "n_covariance_parameters": fit.n_covariance_parameters,
        "visits": fit.visits,
        "covariance": fit.covariance.to_numpy().tolist(),
        # Estimates and degrees of freedom of one row are the same in either Kenward-Roger.
        "kenward_roger": only(("est", "df"), found["satterthwaite"]),
        **found,
    }


def only(columns: tuple[str, ...], tables: dict[str, Any]) -> dict[str, Any]:
    return {name: [{c: r[c] for c in columns} for r in rows] for name, rows in tables.items()}


def tables(fit: MmrmResult) -> dict[str, Any]:
    return {
        "coef": rows(fit.table),
        "lsmeans_base_at_row_mean": rows(fit.least_squares_means),
        "contrasts": rows(fit.contrasts),
        "average_over_visits": rows(fit.average),
    }


def our_survival(name: str, golden: dict[str, Any]) -> dict[str, Any]:
    by, data = BY[name], golden_data(name)
    kinds = {"logrank": {}, "logrank_stratified": {"strata": [STRATA[name]]}}
    kinds["peto_rho1"] = {"rho": 1}
    difference = difference_at(data, **EVENT, by=by, time=1096)
    return {
        "km": {
            kind.replace("-", "_"): our_curve(name, kind) for kind in ("log", "log-log", "plain")
        }
        | {
            "difference_at_1096": rows(difference.table),
            "numbers_at_risk": rows(
                kaplan_meier(data, **EVENT, by=by).numbers_at_risk(
                    pd.DataFrame(golden["km"]["numbers_at_risk"])["time"].unique()
                )
            ),
        },
        **{key: our_test(name, **options) for key, options in kinds.items()},
        **{key: our_cox(name, golden[key]) for key in golden if key.startswith("cox")},
        **{key: our_rmst(name, golden[key]["tau"]) for key in golden if key.startswith("rmst")},
    }


def our_curve(name: str, conf_type: str) -> dict[str, Any]:
    result = kaplan_meier(golden_data(name), **EVENT, by=BY[name], conf_type=conf_type)
    times = pd.DataFrame(RESULTS[name]["km"]["log"]["at_times"])["time"].unique()
    quantiles = result.quantiles([0.25, 0.5, 0.75]).sort_values("share", kind="stable")
    return {
        "median": rows(result.table),
        "at_times": rows(result.survival_at(times)),
        "quantiles": [row | {"p": row["share"]} for row in rows(quantiles)],
    }


def our_test(name: str, rho: int = 0, **options: Any) -> dict[str, Any]:
    result = logrank(golden_data(name), **EVENT, by=BY[name], rho=rho, **options)
    columns = {c: result.table[c].tolist() for c in ("n", "observed", "expected")}
    return columns | {"rho": rho, "chisq": result.chisq, "df": result.df, "p": result.p_value}


def our_cox(name: str, golden: dict[str, Any]) -> dict[str, Any]:
    terms = [term.strip() for term in golden["formula"].split("+")]
    strata = [found[1] for term in terms if (found := re.fullmatch(r"strata\((\w+)\)", term))]
    covariates = [term for term in terms if not term.startswith("strata(")]
    options = {"covariates": covariates, "strata": strata, "ties": golden["ties"]}
    result = cox(golden_data(name), **EVENT, **options)
    tests = [
        {"test": row["chisq"], "df": row["df"], "pvalue": row["p_value"]}
        for row in result.tests.to_dict("records")
    ]
    return {
        "n": result.n_used,
        "events": result.n_events,
        "coef": rows(result.table),
        "vcov": result.vcov.to_numpy().tolist(),
        "loglik_null": result.loglik_null,
        "loglik": result.loglik,
        **dict(zip(("lrt", "wald", "score"), tests, strict=True)),
        "concordance": result.concordance,
        "concordance_se": result.concordance_se,
        "zph": rows(result.proportional_hazards),
    }


def our_rmst(name: str, tau: float) -> dict[str, Any]:
    data = golden_data(name)
    if name == "colon_death":
        data = data[data["rx"] != "Lev"].assign(rx=lambda d: d["rx"].cat.remove_unused_categories())
    result = rmst(data, **EVENT, by=BY[name], tau=tau)
    words = {"rmst": "Est.", "ci_low": "lower .95", "ci_high": "upper .95"}
    arms = result.table.rename(columns=words).to_dict("records")
    return {
        "tau": tau,
        "arm0": arms[0],
        "arm1": arms[1],
        "var0": arms[0]["se"] ** 2,
        "var1": arms[1]["se"] ** 2,
        "se_difference": result.contrasts["se"][0],
        "unadjusted": rows(result.contrasts),
    }


def compare(golden: dict[str, Any], ours: dict[str, Any]) -> tuple[int, list[str], list[str]]:
    """Return how many numbers agree, the leaves that differ, and those we have nothing for."""
    found, agree, differ, absent = dict(leaves(ours)), 0, [], []
    for path, theirs in leaves(golden):
        if isinstance(theirs, str):
            continue
        tolerance = next((t for where, t in LOOSER.items() if re.search(where, path)), TOLERANCE)
        if path not in found:
            absent.append(path)
        elif found[path] == pytest.approx(
            float("nan") if theirs is None else theirs, rel=tolerance, abs=1e-9, nan_ok=True
        ):
            agree += 1
        else:
            differ.append(f"{path}: {found[path]!r}, in R {theirs!r}")
    return agree, differ, absent


def account(golden: dict[str, Any], ours: dict[str, Any], n: int) -> None:
    agree, differ, absent = compare(golden, ours)
    assert differ == []
    assert [path for path in absent if not any(re.search(w, path) for w in NOT_OURS)] == []
    assert agree == n


@pytest.mark.parametrize(("which", "n"), [("a", 4380), ("b", 760), ("c", 1582)])
def test_every_number_of_the_mixed_models_is_that_of_r(which, n):
    golden = mmrm_data.RESULTS[f"mmrm_{which}"]
    account(golden, our_mmrm(which, golden), n)


@pytest.mark.parametrize(("name", "n"), [("gbsg", 1214), ("colon_death", 1124)])
def test_every_number_of_survival_is_that_of_r(name, n):
    account(RESULTS[name], our_survival(name, RESULTS[name]), n)


def test_a_number_that_is_not_compared_is_noticed():
    agree, differ, absent = compare({"a": [1.0, 2.0], "b": {"c": 3.0}}, {"a": [1.0, 2.1]})
    assert (agree, absent) == (1, ["b.c"])
    assert differ == ["a.1: 2.1, in R 2.0"]
