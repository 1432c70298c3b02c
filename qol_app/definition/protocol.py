"""Load protocol files: their shape is ``protocol_parts``, their logic ``protocol_checks``."""

from collections.abc import Collection
from datetime import date
from pathlib import Path

from qol_app.definition.loader import load_yaml_model, shown_name
from qol_app.definition.protocol_checks import protocol_problems
from qol_app.definition.protocol_parts import (
    Amends,
    Arm,
    ChannelRules,
    Choice,
    ContactRules,
    EndOfFollowUp,
    EventField,
    EventKind,
    FieldKind,
    HoldRules,
    Package,
    PackageChoice,
    Protocol,
    Provisional,
    ReminderStep,
    Repeat,
    SiteDef,
    StopRules,
    Timepoint,
    When,
)
from qol_app.errors import DefinitionError

__all__ = [
    "Amends",
    "Arm",
    "ChannelRules",
    "Choice",
    "ContactRules",
    "EndOfFollowUp",
    "EventField",
    "EventKind",
    "FieldKind",
    "HoldRules",
    "Package",
    "PackageChoice",
    "Protocol",
    "Provisional",
    "ReminderStep",
    "Repeat",
    "SiteDef",
    "StopRules",
    "Timepoint",
    "When",
    "load_protocol",
    "load_protocol_versions",
    "load_protocols",
    "without_absent",
]


def load_protocol(
    path: Path, instruments: Collection[str] | None = None, *, demo_may_lack: bool = False
) -> Protocol:
    """Return the protocol in a YAML file, refused if it contradicts itself.

    Parameters
    ----------
    path : Path
        The protocol file.
    instruments : collection of str, optional
        Codes of the instruments that exist. By default the folders of ``instruments/``
        beside the protocol's own folder; where there is none, any code is accepted.
    demo_may_lack : bool
        Whether a protocol that allows stand-in wording, and so is no live study, goes on
        ``without_absent`` instruments. A live study never does.

    Raises
    ------
    DefinitionError
        Naming the file, the first contradiction's place, what was found and what is wanted.
    """
    path = Path(path)
    protocol = load_yaml_model(path, Protocol)
    known = _instruments_beside(path) if instruments is None else instruments
    if demo_may_lack and known is not None and protocol.stand_in_wording_allowed:
        protocol = without_absent(protocol, known)
    problems = protocol_problems(protocol, known)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise DefinitionError(f"{shown_name(path)}: {problems[0]}{more}")
    return protocol


def without_absent(protocol: Protocol, instruments: Collection[str]) -> Protocol:
    """Return the protocol with packages that hold only these instruments.

    Any instrument's folder may be taken away, since each belongs to another owner; a demo
    then goes on with the rest, and without the timepoints that asked nothing else. A protocol
    of which nothing is left stays as it was, to be refused.
    """
    packages = tuple(
        package.model_copy(update={"instruments": kept})
        for package in protocol.packages
        if (kept := tuple(code for code in package.instruments if code in instruments))
    )
    left = {package.code for package in packages}
    timepoints = tuple(
        point.model_copy(
            update={"choices": tuple(one for one in point.choices if one.package in left)}
        )
        for point in protocol.timepoints
        if point.package in left
    )
    if not timepoints:
        return protocol
    return protocol.model_copy(update={"packages": packages, "timepoints": timepoints})


def load_protocols(
    folder: Path,
    instruments: Collection[str] | None = None,
    on: date | None = None,
    *,
    demo_may_lack: bool = False,
) -> dict[str, Protocol]:
    """Return by code the protocols of a folder (``*.yaml``), one version each.

    The version is the last one effective by ``on``, or without a date the newest of all. A
    protocol none of whose versions is effective yet is left out.

    Raises
    ------
    DefinitionError
        As ``load_protocol_versions``.
    """
    return {
        code: effective[-1]
        for code, versions in load_protocol_versions(
            folder, instruments, demo_may_lack=demo_may_lack
        ).items()
        if (effective := [v for v in versions if on is None or v.effective_on <= on])
    }


def load_protocol_versions(
    folder: Path, instruments: Collection[str] | None = None, *, demo_may_lack: bool = False
) -> dict[str, tuple[Protocol, ...]]:
    """Return every version of every protocol in a folder, oldest first, by code.

    Raises
    ------
    DefinitionError
        As ``load_protocol``; or if two files of one protocol share version or effective date.
    """
    found: dict[str, list[Protocol]] = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        protocol = load_protocol(path, instruments, demo_may_lack=demo_may_lack)
        for other in found.setdefault(protocol.code, []):
            _refuse_same_version(path, protocol, other)
        found[protocol.code].append(protocol)
    return {
        code: tuple(sorted(versions, key=lambda version: version.effective_on))
        for code, versions in found.items()
    }


def _refuse_same_version(path: Path, protocol: Protocol, other: Protocol) -> None:
    for place in ("version", "effective_on"):
        value = getattr(protocol, place)
        if value == getattr(other, place):
            raise DefinitionError(
                f"{shown_name(path)}: {place}: found {str(value)!r}, which another file of protocol"
                f" {protocol.code} has too; wanted one of its own"
            )


def _instruments_beside(path: Path) -> Collection[str] | None:
    folder = path.resolve().parent.parent / "instruments"
    codes = {child.name for child in folder.iterdir() if child.is_dir()} if folder.is_dir() else ()
    return codes or None
