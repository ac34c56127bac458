"""Where text for people goes: `sys.stdout`, whatever its encoding is, or logging; never an exception for want of a character."""

from __future__ import annotations

import os
import sys
from typing import Any

_LIKE = str.maketrans("━─═┃│║╇┼╪┳┬╦┻┴╩┏┌┡├╞┗└╰┓┐┩┤┘┛█µ×·…", "--=|||+++++++++++++++++++++++#ux..")
_interactive = True


def show(text: str, end: str = "\n") -> bool:
    """Writes text for a person to read.

    Characters that the output cannot encode are replaced by others that look like them, or by "?". Without an output
    (`sys.stdout` is `None`, or closed, or what it leads to is gone) nothing happens: a training goes on.

    Args:
        text: the text.
        end: what follows it.

    Returns:
        Whether it was written, where there is an output.
    """
    if not _interactive:
        import logging

        logging.getLogger("dlnative").info(text)
        return True
    stream = getattr(sys, "stdout", None)
    if stream is None:
        return True
    try:
        try:
            stream.write(text + end)
        except UnicodeEncodeError:
            encoding = getattr(stream, "encoding", None) or "ascii"
            stream.write(encodable(text, encoding) + end)
        stream.flush()
    except (OSError, ValueError):  # a closed file is a ValueError
        return False
    return True


def encodable(text: str, encoding: str) -> str:
    """Returns a text with each character that an encoding lacks replaced by one that looks like it, or by "?".

    Example:
        >>> encodable("━ 3 µs ü", "cp1252"), encodable("━ 3 µs ü", "ascii")
        ('- 3 µs ü', '- 3 us ?')
    """
    return "".join(
        char if _has(encoding, char) else char.translate(_LIKE).encode(encoding, "replace").decode(encoding)
        for char in text
    )


def _has(encoding: str, char: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def in_notebook() -> bool:
    """Tells whether this runs behind a notebook."""
    return "ipykernel" in sys.modules


def redraws() -> bool:
    """Tells whether the output can go back in a line: a terminal, or a notebook."""
    if not _interactive or os.environ.get("TERM") == "dumb":
        return False
    return in_notebook() or _is_terminal(getattr(sys, "stdout", None))


def has_colors() -> bool:
    """Tells whether the output takes escape codes: it can be redrawn, and nobody has set `NO_COLOR`."""
    return redraws() and not os.environ.get("NO_COLOR")


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream is not None and stream.isatty())
    except (AttributeError, ValueError):  # no file, or a closed one
        return False


def enable_interactive_logging() -> None:
    """Lets progress and messages go to `sys.stdout`, as they do at the beginning."""
    global _interactive
    _interactive = True


def disable_interactive_logging() -> None:
    """Lets progress and messages go to the logger `"dlnative"`, at level INFO."""
    global _interactive
    _interactive = False


def is_interactive_logging_enabled() -> bool:
    """Tells whether progress and messages go to `sys.stdout`."""
    return _interactive
