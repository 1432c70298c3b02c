"""What scores mean: thresholds, differences that matter, reference values, with their sources.

Data stand in ``interpretation.yaml`` beside the instrument. None of it changes a score, so it
is no part of the definition's version; every page and report that uses a number from here
prints where it comes from and how far that was checked.
"""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from qol_app.definition.instrument import Instrument
from qol_app.definition.loader import canonical_sha256, load_yaml_model, shown_name
from qol_app.definition.parts import Flag, InstrumentCode, LocalText, Name, Part, ScaleCode, Words
from qol_app.definition.scales import Direction
from qol_app.errors import DefinitionError

INTERPRETATION_FILE = "interpretation.yaml"


class GuideBase(Part):
    """One published way to read scores: what it is about, where it stands, how far checked."""

    code: Name
    title: LocalText
    source: Words
    doi: Words | None = None
    flag: Flag
    note: Words | None = None


class ClinicalImportance(GuideBase):
    """Scores beyond these mark a problem: below where high is better, above where it is worse."""

    kind: Literal["clinical_importance"]
    values: dict[ScaleCode, float]


class DifferenceSizes(GuideBase):
    """Differences between groups, without sign: where small, medium and large begin."""

    kind: Literal["difference_sizes"]
    values: dict[ScaleCode, tuple[float, float | None, float | None]]


class ChangeBounds(Part):
    """Signed changes of the score at which each class begins; none where not estimated."""

    worse_medium: float
    worse_small: float
    better_small: float
    better_medium: float | None = None


class ChangeClasses(GuideBase):
    """Changes within a group over time, by how much they matter."""

    kind: Literal["change_classes"]
    values: dict[ScaleCode, ChangeBounds]


class MinimalDifferences(GuideBase):
    """The smallest difference that matters, as a range over the ways it was estimated."""

    kind: Literal["minimal_differences"]
    values: dict[ScaleCode, tuple[float, float]]


class RangesOverScales(GuideBase):
    """Ranges of minimal differences over the scales of one study, not given scale by scale."""

    kind: Literal["ranges_over_scales"]
    within_improvement: tuple[float, float]
    within_deterioration: tuple[float, float]
    between_improvement: tuple[float, float]
    between_deterioration: tuple[float, float]


class Responder(GuideBase):
    """The change that makes one person a responder: ``usual``, unless a scale has its own."""

    kind: Literal["responder"]
    usual: float = Field(gt=0)
    values: dict[ScaleCode, float] = Field(default_factory=dict)


class Spread(Part):
    """Mean and standard deviation in a reference population."""

    mean: float
    sd: float | None = None


class Reference(GuideBase):
    """Scores of a population to compare with."""

    kind: Literal["reference"]
    values: dict[ScaleCode, Spread]


Guide = Annotated[
    ClinicalImportance
    | DifferenceSizes
    | ChangeClasses
    | MinimalDifferences
    | RangesOverScales
    | Responder
    | Reference,
    Field(discriminator="kind"),
]
GuideT = TypeVar("GuideT", bound=GuideBase)


class Interpretation(Part):
    """All guides of one instrument."""

    instrument: InstrumentCode
    guides: tuple[Guide, ...] = Field(min_length=1)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, to say which thresholds a report used."""
        return canonical_sha256(self)

    def guide(self, code: str) -> GuideBase:
        """Return the guide with this code; DefinitionError naming those there are."""
        known = {one.code: one for one in self.guides}
        if code not in known:
            raise DefinitionError(
                f"{self.instrument}: no guide {code!r}; known: {', '.join(known)}"
            )
        return known[code]

    def of_kind(self, kind: type[GuideT]) -> tuple[GuideT, ...]:
        """Return the guides of one kind, in the order of the file: the first is the usual one."""
        return tuple(one for one in self.guides if isinstance(one, kind))


def load_interpretation(
    folder: Path, instrument: Instrument, root: Path | None = None
) -> Interpretation | None:
    """Return what stands beside the instrument, or None where nothing does.

    Raises
    ------
    DefinitionError
        If the file is wrong, belongs to another instrument or names an unknown scale.
    """
    path = Path(folder) / INTERPRETATION_FILE
    if not path.exists():
        return None
    interpretation = load_yaml_model(path, Interpretation, root)
    name = shown_name(path, root)
    if interpretation.instrument != instrument.code:
        raise DefinitionError(
            f"{name}: instrument: found {interpretation.instrument!r}; wanted {instrument.code!r}"
        )
    known = {scale.code for scale in instrument.scales}
    for guide in interpretation.guides:
        unknown = sorted(set(getattr(guide, "values", ())) - known)
        if unknown:
            raise DefinitionError(
                f"{name}: guide {guide.code}: found scale {', '.join(unknown)}; wanted scales of "
                f"{instrument.code}"
            )
    return interpretation


def is_problem(
    guide: ClinicalImportance, instrument: Instrument, scale: str, score: float
) -> bool | None:
    """Return whether a score is beyond the threshold; None where the scale has none.

    The threshold itself is no problem yet.
    """
    if scale not in guide.values:
        return None
    threshold = guide.values[scale]
    better = instrument.scale(scale).direction is Direction.BETTER
    return score < threshold if better else score > threshold


def change_class(guide: ChangeClasses, instrument: Instrument, scale: str, change: float) -> str:
    """Return "medium deterioration", "small deterioration", "no change" and so on.

    A change that reaches a bound belongs to the class that begins there. Scales of which
    nothing is known give "unknown".
    """
    bounds = guide.values.get(scale)
    if bounds is None:
        return "unknown"
    sign = 1.0 if instrument.scale(scale).direction is Direction.BETTER else -1.0
    signed = sign * change
    classes = (
        (bounds.worse_medium, "medium deterioration"),
        (bounds.worse_small, "small deterioration"),
    )
    for bound, name in classes:
        if signed <= sign * bound:
            return name
    if bounds.better_medium is not None and signed >= sign * bounds.better_medium:
        return "medium improvement"
    return "small improvement" if signed >= sign * bounds.better_small else "no change"


def difference_size(guide: DifferenceSizes, scale: str, difference: float) -> str:
    """Return "trivial", "small", "medium" or "large" for a difference between groups."""
    if scale not in guide.values:
        return "unknown"
    reached = "trivial"
    for bound, name in zip(guide.values[scale], ("small", "medium", "large"), strict=True):
        if bound is not None and abs(difference) >= bound:
            reached = name
    return reached


def responder_threshold(guide: Responder, scale: str) -> float:
    """Return the change of one person that counts on this scale."""
    return guide.values.get(scale, guide.usual)
