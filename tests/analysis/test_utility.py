"""QALYs by geometry, Q-TWiST against restricted means, and the bootstrap by its seed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qol_app.analysis.survival import rmst
from qol_app.analysis.twist import area_to
from qol_app.analysis.utility import q_twist, qaly
from qol_app.errors import AnalysisError

YEAR = 365.25


def course(name, points, death=None, arm="a") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "participant": name,
            "day": [float(day) for day, _ in points],
            "index": [np.nan if value is None else float(value) for _, value in points],
            "death_day": np.nan if death is None else float(death),
            "arm": arm,
        }
    )


def qalys(scores, **arguments) -> list[float]:
    return qaly(scores, horizon=YEAR, **arguments).participants["qaly"].tolist()


def test_full_health_for_a_year_is_one_qaly():
    assert qalys(course("P1", [(0, 1), (YEAR, 1)])) == pytest.approx([1])


def test_a_straight_line_from_one_to_a_half_is_three_quarters():
    assert qalys(course("P1", [(0, 1), (YEAR, 0.5)])) == pytest.approx([0.75])


def test_the_index_falls_in_a_line_to_zero_on_the_day_of_death_and_stays_there():
    dead = course("P1", [(0, 1)], death=YEAR / 2)
    assert qalys(dead) == pytest.approx([0.25])
    on_the_day = course("P1", [(0, 1), (YEAR / 2, 1)], death=YEAR / 2)
    assert qalys(on_the_day) == pytest.approx([0.5])


def test_what_comes_after_the_horizon_counts_only_up_to_it():
    assert qalys(course("P1", [(0, 1), (2 * YEAR, 0)])) == pytest.approx([0.75])
    assert qalys(course("P1", [(0, 1)], death=2 * YEAR)) == pytest.approx([0.75])


def test_the_latest_index_up_to_day_zero_is_where_it_starts():
    early = course("P1", [(-20, 0.2), (-3, 0.8), (YEAR, 0.8)])
    assert qalys(early) == pytest.approx([0.8])


def test_a_missed_assessment_is_bridged_and_its_row_ignored():
    gap = course("P1", [(0, 1), (91, None), (YEAR, 0.5)])
    assert qalys(gap) == pytest.approx([0.75])


def test_states_worse_than_death_count_below_zero():
    assert qalys(course("P1", [(0, -0.2), (YEAR, -0.2)])) == pytest.approx([-0.2])


def test_whose_course_is_not_known_to_the_horizon_is_left_out_unless_it_is_near():
    short = pd.concat([course("P1", [(0, 1), (YEAR - 30, 1)]), course("P2", [(9, 1)])])
    result = qaly(short, horizon=YEAR)
    assert result.left_out == {"no baseline index": 1, "not followed to the horizon": 1}
    assert result.notes == ("no rows to analyse",)
    assert qalys(short, carry_days=30) == pytest.approx([1])


def test_arms_are_compared_by_a_bootstrap_that_its_seed_repeats():
    random = np.random.default_rng(2)
    scores = pd.concat(
        [
            course(f"P{n:03}", [(0, 0.8), (YEAR, v)], arm="ab"[n % 2])
            for n, v in enumerate(random.uniform(0.2, 1, 80))
        ]
    )
    one, same = (qaly(scores, horizon=YEAR, by="arm", seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one.contrasts, same.contrasts)
    assert not one.contrasts.equals(qaly(scores, horizon=YEAR, by="arm", seed=4).contrasts)
    row, table = one.contrasts.iloc[0], one.table.set_index("group")
    assert row["difference"] == pytest.approx(table["mean"]["b"] - table["mean"]["a"])
    se = np.sqrt((table["sd"] ** 2 / table["n"]).sum())
    assert (row["ci_high"] - row["ci_low"]) / (2 * 1.96) == pytest.approx(se, rel=0.1)


def trial(n=120, seed=1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    arm = np.where(np.arange(n) % 2, "b", "a")
    death = random.exponential(np.where(arm == "b", 1200, 800))
    progression = death * random.uniform(0.2, 1, n)
    end = random.uniform(900, 1600, n)
    return pd.DataFrame(
        {
            "arm": arm,
            "tox_days": np.minimum(progression, end) * random.uniform(0, 0.5, n),
            "pfs_days": np.minimum(progression, end),
            "pfs_event": (progression <= end).astype(int),
            "os_days": np.minimum(death, end),
            "os_event": (death <= end).astype(int),
        }
    )


def test_states_are_areas_between_restricted_means():
    data = trial()
    result = q_twist(data, tau=800, repeats=50)
    days = result.table.set_index(["group", "state"])["days"]
    whole = rmst(data, duration="os_days", event="os_event", by="arm", tau=800).table
    free = rmst(data, duration="pfs_days", event="pfs_event", by="arm", tau=800).table
    for place, group in enumerate(["a", "b"]):
        assert days[group, "relapse"] == pytest.approx(whole["rmst"][place] - free["rmst"][place])
        assert days[group, "tox"] + days[group, "twist"] == pytest.approx(free["rmst"][place])
        parts = days[group, "tox"] / 2 + days[group, "twist"] + days[group, "relapse"] / 2
        assert days[group, "q_twist"] == pytest.approx(parts)


def test_with_utilities_of_one_it_is_survival():
    data = trial()
    result = q_twist(data, tau=800, utility_tox=1, utility_relapse=1, repeats=20)
    whole = rmst(data, duration="os_days", event="os_event", by="arm", tau=800)
    row = result.contrasts.set_index("state").loc["q_twist"]
    assert row["difference"] == pytest.approx(whole.contrasts["estimate"][0])
    corner = result.utilities.query("utility_tox == 1 and utility_relapse == 1").iloc[0]
    assert corner["difference"] == pytest.approx(row["difference"])
    assert len(result.utilities) == 25


def test_the_bootstrap_is_repeated_by_its_seed_and_near_the_greenwood_error():
    data = trial(400)
    arguments = {"tau": 800, "utility_tox": 1, "utility_relapse": 1, "repeats": 400}
    one, same = (q_twist(data, seed=5, **arguments) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, same.table)
    row = one.contrasts.set_index("state").loc["q_twist"]
    se = rmst(data, duration="os_days", event="os_event", by="arm", tau=800).contrasts["se"][0]
    assert (row["ci_high"] - row["ci_low"]) / (2 * 1.96) == pytest.approx(se, rel=0.15)


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 1)), min_size=1, max_size=25),
    st.integers(1, 35),
)
def test_the_quick_area_is_that_of_the_restricted_mean(rows, tau):
    data = pd.DataFrame(rows, columns=["t", "e"])
    slow = rmst(data, duration="t", event="e", tau=tau).table["rmst"][0]
    quick = area_to(data["t"].to_numpy(float), data["e"].to_numpy(float), tau)
    np.testing.assert_allclose(quick, slow, rtol=1e-12, equal_nan=True)


def test_toxicity_still_going_on_when_follow_up_ends_is_censored():
    data = trial(40)
    still = data.assign(tox_days=data["pfs_days"], pfs_event=0, os_days=2000, os_event=0)
    still["pfs_days"] = still["tox_days"] = 1000.0
    days = q_twist(still, tau=900, repeats=5).table.set_index(["group", "state"])["days"]
    assert days["a", "tox"] == 900


def test_contradictions_are_left_out_and_counted():
    data = trial(8)
    data.loc[0, "pfs_days"] = data.loc[0, "os_days"] + 1
    data.loc[1, "tox_days"] = data.loc[1, "pfs_days"] + 1
    data.loc[2, "os_event"] = 2
    data.loc[3, "arm"] = None
    data.loc[4, "pfs_days"] = None
    result = q_twist(data, tau=10, repeats=5)
    assert sorted(result.left_out.values()) == [1, 1, 1, 1, 1]
    assert result.n_given == 8


def test_too_short_follow_up_an_empty_arm_and_nobody_give_words():
    assert "follow-up of a ends before 9000" in q_twist(trial(), tau=9000, repeats=3).notes
    one = trial(10).assign(arm=pd.Categorical(["a"] * 10, ["a", "b"]))
    assert "one arm empty: b" in q_twist(one, tau=5, repeats=3).notes
    assert q_twist(trial(4)[:0], tau=5, repeats=3).notes == ("no rows to analyse",)
    assert qaly(course("P1", [(0, 1)])[:0], horizon=5).notes == ("no rows to analyse",)


def test_a_worth_above_one_and_a_horizon_of_nothing_are_refused():
    with pytest.raises(AnalysisError, match=r"utility: found 1\.5"):
        q_twist(trial(4), tau=5, utility_tox=1.5)
    with pytest.raises(AnalysisError, match="horizon: found 0"):
        qaly(course("P1", [(0, 1)]), horizon=0)
