"""From a YAML file to a frozen model, or to a sentence that says what to change where.

Definitions are written by people who are not programmers. Whatever is wrong in a file is
reported as *file:line: place: value found; value wanted*, and nothing is guessed: a text is
not turned into a number, an unknown field is not ignored, a repeated key does not win silently.
"""

import difflib
import hashlib
import json
import math
import types
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from qol_app.errors import DefinitionError

ModelT = TypeVar("ModelT", bound=BaseModel)
Place = tuple[str | int, ...]

# The C parser where PyYAML was built with it: about ten times quicker on long instruments.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class YamlDocument:
    """What a file holds, as plain JSON values, and the line on which each place begins."""

    name: str
    content: Any
    lines: dict[Place, int]

    def error(self, place: Place, found: str, wanted: str) -> DefinitionError:
        """Return the error that names this file, the place, what is there and what should be."""
        return DefinitionError(_sentence(self, place, found, wanted))


def load_yaml_model(path: Path, model: type[ModelT], root: Path | None = None) -> ModelT:
    """Return the file's content as an instance of a frozen pydantic model.

    Parameters
    ----------
    path : Path
        A UTF-8 YAML file holding one mapping.
    model : type
        A pydantic model with ``extra="forbid"``; types are strict: ``"1"`` is no number.
    root : Path, optional
        Folder against which the file is named in errors; by default the one that contains
        ``questionnaires``, so that a message reads ``questionnaires/instruments/...``.

    Raises
    ------
    DefinitionError
        Naming file, line, place, value found and value wanted; where several things are
        wrong the first, and how many more.
    """
    loaded, findings = read_yaml_model(path, model, root)
    if loaded is None:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise DefinitionError(findings[0] + more)
    return loaded


def read_yaml_model(
    path: Path, model: type[ModelT], root: Path | None = None
) -> tuple[ModelT | None, list[str]]:
    """Return the model and no findings, or None and everything that is wrong with the file."""
    try:
        document = read_yaml(path, root)
    except DefinitionError as error:
        return None, [str(error)]
    try:
        # As JSON, because only there strictness lets a list be a tuple and a text a date.
        return model.model_validate_json(json.dumps(document.content), strict=True), []
    except ValidationError as error:
        # A misspelt field is also a missing one; its own line says what was meant.
        wrong = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        return None, [_finding(document, model, one) for one in wrong]


def read_yaml(path: Path, root: Path | None = None) -> YamlDocument:
    """Return the parsed file with line numbers; DefinitionError if it is not clean YAML."""
    name = shown_name(path, root)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DefinitionError(f"{name}: no such file; wanted a YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{name}: cannot be read as UTF-8 text ({error})") from error
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise DefinitionError(f"{name}: not YAML: {_one_line(error)}") from error
    if not isinstance(node, MappingNode):
        raise DefinitionError(f"{name}: found no mapping at the top; wanted 'field: value' lines")
    lines: dict[Place, int] = {}
    try:
        content = _Reader(name, lines).value(node, ())
    except ConstructorError as error:
        raise DefinitionError(f"{name}: {_one_line(error)}") from error
    return YamlDocument(name, content, lines)


def canonical_sha256(model: BaseModel) -> str:
    """Return the SHA-256 of a definition's content, as 64 hexadecimal digits.

    Order of keys, layout and comments do not count. Fields left at their default do not
    either, so that a field the program learns later leaves the hashes of old files as they are.
    """
    content = model.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def shown_name(path: Path, root: Path | None = None) -> str:
    """Return how a message names this file: relative to ``root`` or from ``questionnaires`` on."""
    path = Path(path)
    if root is not None and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    if "questionnaires" in path.parts:
        return Path(*path.parts[path.parts.index("questionnaires") :]).as_posix()
    return path.as_posix()


def shown_place(place: Sequence[str | int]) -> str:
    """Return a place as people write it: ``scales[3].items[1]``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


class _Reader:
    """Turns YAML nodes into JSON values and notes where each began."""

    def __init__(self, name: str, lines: dict[Place, int]) -> None:
        self.name = name
        self.lines = lines
        self.scalars = SafeConstructor()

    def value(self, node: Node, place: Place) -> Any:
        self.lines[place] = node.start_mark.line + 1
        if isinstance(node, MappingNode):
            return self.mapping(node, place)
        if isinstance(node, SequenceNode):
            return [self.value(one, (*place, index)) for index, one in enumerate(node.value)]
        return self.scalar(node, place)

    def mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node, place)
            if key in result:
                line = key_node.start_mark.line + 1
                raise DefinitionError(
                    f"{self.name}:{line}: {shown_place((*place, key))}: "
                    "found the same key twice; wanted it once"
                )
            result[key] = self.value(value_node, (*place, key))
        return result

    def key(self, node: Node, place: Place) -> str:
        key = self.scalars.construct_object(node, deep=True)
        if isinstance(key, bool) or not isinstance(key, str | int):
            shown = node.value if isinstance(node, ScalarNode) else key
            raise DefinitionError(
                f"{self.name}:{node.start_mark.line + 1}: {shown_place(place)}: found the key "
                f"{shown!s}, which YAML reads as {key!r}; wanted text or a whole number "
                "(put it in quotes)"
            )
        return str(key)

    def scalar(self, node: Node, place: Place) -> Any:
        try:
            value = self.scalars.construct_object(node)
        except ValueError as error:
            line = node.start_mark.line + 1
            raise DefinitionError(
                f"{self.name}:{line}: {shown_place(place)}: found {node.value!r} ({error}); "
                "wanted a date or number that exists"
            ) from error
        if isinstance(value, date | datetime):
            return value.isoformat()
        if value is None or isinstance(value, str | int):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        raise DefinitionError(
            f"{self.name}:{node.start_mark.line + 1}: {shown_place(place)}: found "
            f"{node.value!r}; wanted text, a number, a date, true, false or nothing"
        )


def _finding(document: YamlDocument, model: type[BaseModel], error: Any) -> str:
    place = tuple(_real_place(document.content, error["loc"]))
    if error["type"] == "missing":
        return _sentence(document, place, "nothing", "a value for this field")
    if error["type"] == "extra_forbidden":
        fields = _known_fields(model, place[:-1])
        return _sentence(document, place, "an unknown field", _one_of(str(place[-1]), fields))
    if error["type"] == "union_tag_invalid":
        about = error["ctx"]
        names = [one.strip(" '") for one in about["expected_tags"].split(",")]
        field = (*place, about["discriminator"].strip("'"))
        return _sentence(document, field, repr(about["tag"]), _one_of(about["tag"], names))
    wanted = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if error["type"] in ("value_error", "assertion_error"):
        return f"{_where(document, place)}: {wanted}"
    return _sentence(document, place, _shown_value(error["input"]), wanted)


def meant(found: str, known: Collection[str]) -> str:
    """Return a question after the known word that is spelt most alike, or nothing."""
    near = difflib.get_close_matches(found, sorted(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _one_of(found: str, known: Collection[str]) -> str:
    names = ", ".join(sorted(known))
    return f"one of: {names}{meant(found, known)}" if names else "no field here"


def _sentence(document: YamlDocument, place: Place, found: str, wanted: str) -> str:
    return f"{_where(document, place)}: found {found}; wanted {wanted}"


def _where(document: YamlDocument, place: Place) -> str:
    known = place
    while known and known not in document.lines:
        known = known[:-1]
    line = document.lines.get(known, 1)
    return f"{document.name}:{line}: {shown_place(place)}"


def _real_place(content: Any, loc: Sequence[str | int]) -> Iterator[str | int]:
    """Yield the parts of a pydantic location that exist in the file, and a missing last one.

    Pydantic puts the names of union members and validators between them; they mean nothing
    to the person who wrote the file.
    """
    for index, part in enumerate(loc):
        if isinstance(content, dict) and str(part) in content:
            yield str(part)
            content = content[str(part)]
        elif isinstance(content, list) and isinstance(part, int) and part < len(content):
            yield part
            content = content[part]
        elif index == len(loc) - 1 and isinstance(content, dict) and part != "[key]":
            yield part


def _known_fields(annotation: Any, place: Place) -> set[str]:
    """Return the names of the fields a model knows at this place of the file."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _known_fields(get_args(annotation)[0], place)
    if origin in (Union, types.UnionType):
        return set().union(*(_known_fields(one, place) for one in get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not place:
            return {field.alias or name for name, field in annotation.model_fields.items()}
        field = annotation.model_fields.get(str(place[0]))
        return _known_fields(field.annotation, place[1:]) if field else set()
    arguments = [one for one in get_args(annotation) if one is not Ellipsis]
    return _known_fields(arguments[-1], place[1:]) if arguments and place else set()


def _shown_value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
