"""Every error raised on purpose descends from QolError.

The message names the thing, the value found and the value wanted, and where possible
the remedy. Split a class only where a caller acts differently.
"""


class QolError(Exception):
    """Something a person can act on; its text is shown as one line, never a traceback."""


class SettingsError(QolError):
    """A setting is missing or wrong; the program does not start."""


class DefinitionError(QolError):
    """An instrument, wording or protocol file contradicts itself or its schema."""


class ResponseError(QolError):
    """An answer is not one that its item allows; nothing was stored."""


class DataFileError(QolError):
    """A file of responses, scores or events cannot be read as what it should be."""


class NotAllowed(QolError):
    """What was asked for is not possible in the present state; nothing was changed."""


class AnalysisError(QolError):
    """An analysis was asked for something its data or arguments cannot give."""


class NotFound(QolError):
    """There is no such thing, or not for the one who asks; both look the same."""
