"""Events needed, against numbers worked out for three-year survival of one half in control."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qol_app.analysis.power import events_needed, events_table, hazard_ratio_of, power_of
from qol_app.errors import AnalysisError


def test_deaths_needed_at_two_sided_five_per_cent_and_equal_arms():
    table = events_table([0.70, 0.65, 0.60], survival_control=0.5, powers=[0.8, 0.9])
    assert table["events"].tolist() == [71, 95, 139, 186, 337, 451]


@given(ratio=st.floats(0.2, 0.95), power=st.floats(0.5, 0.99), share=st.floats(0.2, 0.8))
def test_the_power_of_the_events_needed_is_the_power_asked_for(ratio, power, share):
    events = events_needed(ratio, power, allocation=share)
    assert power_of(events, ratio, allocation=share) == pytest.approx(power)


def test_a_ratio_and_its_inverse_need_the_same_events():
    assert events_needed(0.6) == pytest.approx(events_needed(1 / 0.6))


def test_proportional_hazards_link_two_survivals():
    ratio = hazard_ratio_of(0.7, 0.5)
    assert 0.5**ratio == pytest.approx(0.7)


@pytest.mark.parametrize("ratio", [0, 1, -2, np.nan, np.inf])
def test_a_ratio_that_shows_nothing_is_refused(ratio):
    with pytest.raises(AnalysisError, match="hazard_ratio: found"):
        events_needed(ratio)


def test_shares_outside_zero_and_one_are_refused():
    with pytest.raises(AnalysisError, match="power: found 80"):
        events_needed(0.6, power=80)
    with pytest.raises(AnalysisError, match="survival_control: found 1"):
        hazard_ratio_of(0.5, 1)


def test_a_single_survival_is_a_table_of_one_and_no_number_one_sentence():
    assert len(events_table(0.6, survival_control=0.5, powers=0.8)) == 1
    with pytest.raises(AnalysisError, match="survival: found 'most'; wanted a number between"):
        events_table(["most"], survival_control=0.5)
