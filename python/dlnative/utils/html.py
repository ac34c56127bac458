"""What notebooks show of an object."""

from __future__ import annotations

from html import escape


def folded(summary: str, text: str) -> str:
    """Returns HTML of a line, below which a text opens: what was printed as well does not stand there twice."""
    return f"<details><summary>{escape(summary)}</summary><pre>{escape(text)}</pre></details>"
