"""Ask once, count for both: an event assessment that falls near another one."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from qol_app.definition.protocol import Protocol
from qol_app.schedule.planned import Key, PlannedAssessment


def merge(
    protocol: Protocol, planned: Sequence[PlannedAssessment], merging: frozenset[str]
) -> list[PlannedAssessment]:
    """Return the same assessments, those that merge pointing at the one that is asked instead.

    A merging assessment joins the one whose target day is nearest and at most
    ``merge_within_days`` away, provided some day counts for both; first a scheduled one, else
    an earlier merging one. The one joined keeps its window, so that an event never moves the
    main schedule, and asks for the instruments of all.
    """
    hosts = [one for one in planned if one.timepoint not in merging]
    guests = [one for one in planned if one.timepoint in merging]
    joined: dict[Key, list[PlannedAssessment]] = {}
    extra: list[PlannedAssessment] = []
    result: dict[Key, PlannedAssessment] = {}
    for guest in guests:
        host = _nearest(guest, hosts, protocol.merge_within_days)
        host = host or _nearest(guest, extra, protocol.merge_within_days)
        if host is None:
            extra.append(guest)
        else:
            joined.setdefault(host.key, []).append(guest)
            result[guest.key] = replace(guest, merged_into=host.key)
    for key, with_guests in joined.items():
        host = next(one for one in (*hosts, *extra) if one.key == key)
        result[key] = host_of(protocol, host, with_guests)
    return [result.get(one.key, one) for one in planned]


def host_of(
    protocol: Protocol, host: PlannedAssessment, guests: Sequence[PlannedAssessment]
) -> PlannedAssessment:
    """Return an assessment that also asks for, and counts for, these others."""
    wanted = {*host.instruments, *(code for guest in guests for code in guest.instruments)}
    package, instruments = joint_package(protocol, host, wanted)
    return replace(
        host,
        package=package,
        instruments=instruments,
        counts_for=tuple(guest.key for guest in guests),
        own_package=host.package,
        own_instruments=host.instruments,
    )


def joint_package(
    protocol: Protocol, host: PlannedAssessment, wanted: set[str]
) -> tuple[str, tuple[str, ...]]:
    """Return package and instruments, in protocol order, that together ask for all wanted."""
    if wanted == set(host.instruments):
        return host.package, host.instruments
    for package in protocol.packages:
        if wanted == set(package.instruments):
            return package.code, package.instruments
    longest_first = sorted(protocol.packages, key=lambda one: -len(one.instruments))
    order = dict.fromkeys(code for one in longest_first for code in one.instruments)
    return host.package, tuple(code for code in order if code in wanted)


def _nearest(
    guest: PlannedAssessment, hosts: Sequence[PlannedAssessment], within_days: int
) -> PlannedAssessment | None:
    target = guest.window.target
    near = [
        host
        for host in hosts
        if abs((host.window.target - target).days) <= within_days
        and host.window.overlaps(guest.window)
    ]
    return min(near, key=lambda host: _distance(host, target), default=None)


def _distance(host: PlannedAssessment, target: date) -> tuple[int, date]:
    return abs((host.window.target - target).days), host.window.target


def without_guests(
    host: PlannedAssessment, leaving: Collection[Key], staying: Sequence[PlannedAssessment]
) -> PlannedAssessment:
    """Return an assessment that no longer counts for some of those merged into it."""
    own_package, own = host.own_package or host.package, host.own_instruments or host.instruments
    wanted = {*own, *(code for guest in staying for code in guest.instruments)}
    return replace(
        host,
        package=own_package if wanted == set(own) else host.package,
        instruments=tuple(code for code in host.instruments if code in wanted),
        counts_for=tuple(key for key in host.counts_for if key not in leaving),
    )
