"""A matplotlib picture as SVG of few elements: a page of many figures opens and prints soon.

matplotlib's own writes four nested elements for each tick and looks each mark up by its id: nine
tenths of a figure, which every reader of the page would parse and style.
"""

import io
import re

from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform, Transform
from matplotlib.typing import ColorType

POINTS_PER_INCH = 72
# One path after another of the same look; and what is finer than a hundredth of a point.
ALIKE = re.compile(r'<path d="[^"]*"([^>]*)/>(?:\s*<path d="[^"]*"\1/>)*')
COURSE = re.compile(r'<path d="([^"]*)"')
UNSEEN = re.compile(r"(\.\d\d)\d+")


def svg_of(canvas: Canvas) -> str:
    """Return the canvas as SVG, laid out and drawn once."""
    canvas.set_dpi(POINTS_PER_INCH)
    width, height = canvas.get_size_inches() * POINTS_PER_INCH
    written = io.StringIO()
    renderer = PlainSVG(width, height, written, metadata={"Date": None, "Creator": None})
    canvas.draw(renderer)
    renderer.finalize()
    return ALIKE.sub(_joined, written.getvalue())


def _joined(alike: re.Match[str]) -> str:
    """Return paths of the same look as one."""
    course = "".join(COURSE.findall(alike[0])).replace("\n", "")
    return '<path d="' + UNSEEN.sub(r"\1", course) + f'"{alike[1]}/>'


class PlainSVG(RendererSVG):
    """Writes the marks of a course as one path, and no group for each artist."""

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Open none."""

    def close_group(self, s: str) -> None:
        """Close none."""

    def draw_markers(
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,
        rgbFace: ColorType | None = None,
    ) -> None:
        """Draw the same mark at each point of the path."""
        mark = marker_trans.transform_path(marker_path)
        points = [ends[-2:] for ends, _ in path.iter_segments(trans, simplify=False)]
        marks = Path.make_compound_path(*[Path(mark.vertices + at, mark.codes) for at in points])
        marks.should_simplify = False
        if points:
            self.draw_path(gc, marks, IdentityTransform(), rgbFace)
