"""Draws tables as bars, one colour a peer: on a logarithmic axis, unless there is a limit to reach.

Without matplotlib there is no plot.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from report import Table

BAR_INCHES = 0.16
FOOTER_WIDTH = 140  # characters


def _bars(axes: Any, table: Table, colours: dict[str, Any]) -> None:
    position, ticks, names = 0.0, [], []
    for row, values in table.rows:
        shown = {title: value for title, value in values.items() if value > 0}
        ticks.append(position + (len(shown) - 1) / 2)
        names.append(row)
        for title, value in shown.items():
            axes.barh(position, value, color=colours[title], height=0.9)
            axes.annotate(
                f"{value:.3g}", (value, position), (2, 0), textcoords="offset points", va="center", fontsize=6
            )
            position += 1
        position += 1
    if not table.limits:
        axes.set_xscale("log")
    axes.set_yticks(ticks, names, fontsize=8)
    axes.set_ylim(position - 1, -1)
    axes.margins(x=0.08)
    axes.set_title(table.title, fontsize=9, loc="left")
    axes.tick_params(axis="x", labelsize=7)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)


def draw(heading: str, tables: list[Table], footer: list[str], path: Path) -> bool:
    """Writes a PNG; returns whether matplotlib is installed."""
    try:
        import matplotlib
    except ImportError as error:
        print(f"no plot: {error}", flush=True)
        return False
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    titles = list(dict.fromkeys(title for table in tables for title in table.columns))
    palette = plt.get_cmap("tab20").colors
    others = [title for title in titles if title != "dlnative"]
    colours = {title: palette[index % len(palette)] for index, title in enumerate(["dlnative", *others])}
    heights = [BAR_INCHES * (4 + len(table.rows) + sum(len(values) for _, values in table.rows)) for table in tables]
    figure, all_axes = plt.subplots(
        len(tables),
        1,
        figsize=(9, sum(heights) + 1.6),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for axes, table in zip(all_axes[:, 0], tables, strict=True):
        _bars(axes, table, colours)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colours[title]) for title in titles]
    figure.legend(handles, titles, loc="outside right upper", fontsize=7)
    figure.suptitle(heading, fontsize=11)
    figure.supxlabel("\n".join(line for text in footer for line in wrap(text, FOOTER_WIDTH)), fontsize=6)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return True
