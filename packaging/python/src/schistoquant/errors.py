"""What goes wrong, as exceptions that carry the program's own message.

The exit codes of the program are a contract (``docs/files.md``). 0, 1 and 4 are results: a report was made. Each other
code has an exception here. A specimen that cannot be assessed is a result and raises nothing.
"""

from __future__ import annotations

from collections.abc import Sequence


class SchistoquantError(Exception):
    """The program made no report.

    ``message`` is what the program said, ``exit_code`` how it ended, ``command`` what was called.

    >>> from schistoquant import SchistoquantError, analyze
    >>> try:
    ...     analyze("no-such-folder")
    ... except SchistoquantError as error:
    ...     print(error.exit_code)
    3
    """

    def __init__(self, message: str, exit_code: int, command: Sequence[str]) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.command = tuple(command)


class UsageError(SchistoquantError):
    """Exit code 2: wrong usage or configuration, an order or panel that cannot be used, the folder of another specimen."""


class NoReadableInput(SchistoquantError):
    """Exit code 3: no input could be read; for ``evaluate``, no field has labels."""


class EngineUnusable(SchistoquantError):
    """Exit code 5: model or engine cannot be used."""


class OutputNotWritable(SchistoquantError):
    """Exit code 6: the output cannot be written."""


class Interrupted(SchistoquantError):
    """Exit code 130: the program was interrupted."""


class ProgramFailed(SchistoquantError):
    """Any other end, 101 and signals among them: a bug to report, or the system ended the program (memory)."""


class ProgramNotFound(Exception):
    """The program ``schistoquant`` lies neither in this Python environment nor in ``PATH``."""


class UnknownRecord(ValueError):
    """A record of a schema that this module does not know."""


class MissingExtra(ImportError):
    """A library that tables or pictures need is not installed."""


EXCEPTION_OF_EXIT_CODE: dict[int, type[SchistoquantError]] = {
    2: UsageError,
    3: NoReadableInput,
    5: EngineUnusable,
    6: OutputNotWritable,
    130: Interrupted,
}
"""Exit codes that are no result, with their exceptions; others are :class:`ProgramFailed`."""
