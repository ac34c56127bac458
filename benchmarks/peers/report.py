"""Tables and pages: what a part measured, beside dlnative, and where and with what it was measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import plot

import machine

OWN = "dlnative"


@dataclass
class Table:
    """Numbers by row and column.

    Args:
        title: what they are, with their unit.
        first: the heading of the first column.
        rows: (name, number by title of the peer), in order.
        limits: by row, what is 100 per cent; the cells then say per cent.
        shares: by row, the time that the multiply-add limit would take; the cells then say its share of theirs.
        note: a sentence on how to read it.
    """

    title: str
    first: str
    rows: list[tuple[str, dict[str, float]]]
    limits: dict[str, float] = field(default_factory=dict)
    note: str = ""
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(title for _, values in self.rows for title in values))

    def _cell(self, row: str, title: str, values: dict[str, float]) -> str:
        if title not in values:
            return "–"
        extras = []
        if row in self.limits:
            extras.append(f"{100 * values[title] / self.limits[row]:.0f} %")
        if row in self.shares:
            extras.append(f"{100 * self.shares[row] / values[title]:.0f} %")
        if title != OWN and values.get(OWN, 0) > 0:
            extras.append(f"{values[title] / values[OWN]:.3g}×")
        return number(values[title]) + (f" ({', '.join(extras)})" if extras else "")

    def markdown(self) -> list[str]:
        columns = self.columns
        lines = [f"## {self.title}", "", *([self.note, ""] if self.note else [])]
        lines += ["| " + " | ".join([self.first, *columns]) + " |", "| --- |" + " ---: |" * len(columns)]
        for row, values in self.rows:
            lines.append("| " + " | ".join([row, *(self._cell(row, title, values) for title in columns)]) + " |")
        return [*lines, ""]


@dataclass
class Page:
    """What one part of the run found out.

    Args:
        heading: its title.
        text: what was compared and how.
        tables: the numbers.
        versions: of the peers that took part.
    """

    heading: str
    text: str
    tables: list[Table]
    versions: dict[str, str] = field(default_factory=dict)


def number(value: float) -> str:
    """Returns three digits, and all of them before the point."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def write(name: str, page: Page, how: str, folder: Path) -> None:
    """Writes and prints a page as NAME.md, and its plot as NAME.png if matplotlib is installed."""
    facts = dict(machine.describe())
    facts.pop("threads", None)  # the tables say with how many
    facts |= {title: version for title, version in page.versions.items() if title != OWN}
    facts["measured"] = how
    folder.mkdir(parents=True, exist_ok=True)
    footer = [f"{facts['machine']}; Python {facts['Python']}; {facts['date']}"]
    footer.append(", ".join(f"{key} {facts[key]}" for key in ("compiler", "instruction set", "commit") if key in facts))
    footer += [", ".join(f"{title} {facts.get(title, version)}" for title, version in page.versions.items()), how]
    image = plot.draw(page.heading, page.tables, footer, folder / f"{name}.png")
    lines = [f"# {page.heading}", "", page.text, ""]
    for table in page.tables:
        lines += table.markdown()
    lines += [f"![{page.heading}]({name}.png)", ""] if image else []
    lines += ["## Where and with what", "", *(f"- {key}: {value}" for key, value in facts.items()), ""]
    text = "\n".join(lines)
    (folder / f"{name}.md").write_text(text)
    print(f"\n{text}\nwritten to {folder / name}.md", flush=True)
