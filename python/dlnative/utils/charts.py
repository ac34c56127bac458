"""Charts of points and lines: drawn by matplotlib, or, where it is missing, written as SVG."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dlnative.utils.terminal import show

_COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")
_WIDTH, _HEIGHT = 360.0, 260.0  # of a panel in SVG
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 12.0, 30.0, 42.0


@dataclass
class Series:
    """Points of one color.

    Args:
        x, y: where they are.
        label: what the legend says; nothing if it is empty.
        points: whether they are drawn as points instead of being joined by a line.
    """

    x: Sequence[float]
    y: Sequence[float]
    label: str = ""
    points: bool = False


@dataclass
class Panel:
    """One pair of axes.

    Args:
        title: what stands above.
        xlabel, ylabel: what the axes show.
        series: what is drawn.
        ticks: names of the places 0, 1, ... of the x axis, instead of numbers.
        log_x, log_y: whether an axis is logarithmic.
    """

    title: str
    xlabel: str
    ylabel: str
    series: list[Series]
    ticks: list[str] | None = None
    log_x: bool = False
    log_y: bool = False


def has_matplotlib() -> bool:
    """Tells whether matplotlib is installed."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def new_figure(call: str, width: float, height: float) -> Any:
    """Returns an empty figure of matplotlib, which opens no window and which nothing else holds.

    Args:
        call: who draws.
        width, height: in inches.

    Raises:
        ImportError: if matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(f'{call}: expected matplotlib to draw with; install "dlnative[plot]"') from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


class Chart:
    """Panels beside one another: a notebook shows them, `save` writes them.

    Args:
        panels: the panels.
        columns: how many stand in a row.
    """

    def __init__(self, panels: Sequence[Panel], columns: int = 3) -> None:
        self.panels = list(panels)
        self.columns = min(columns, len(self.panels))

    def save(self, path: Any) -> str:
        """Draws the chart into a file.

        Args:
            path: the file; its ending says the format. Without matplotlib it is an SVG file, whatever the ending.

        Returns:
            The path of what was written.
        """
        path = os.fspath(path)
        if has_matplotlib() and not path.endswith(".svg"):
            _with_matplotlib(self.panels, self.columns).savefig(path, dpi=120)
            return path
        asked, path = path, os.path.splitext(path)[0] + ".svg"
        if asked != path:
            show(f'no matplotlib to draw {asked} with: written as {path}; install "dlnative[plot]"')
        with open(path, "w", encoding="utf-8") as file:
            file.write(svg(self.panels, self.columns))
        return path

    def _repr_svg_(self) -> str:
        return svg(self.panels, self.columns)


def _with_matplotlib(panels: Sequence[Panel], columns: int) -> Any:
    rows = -(-len(panels) // columns)
    figure = new_figure("Chart", 4.5 * columns, 3.3 * rows)
    for place, panel in enumerate(panels):
        axes = figure.add_subplot(rows, columns, place + 1)
        for number, series in enumerate(panel.series):
            style: dict[str, Any] = (
                {"marker": "o", "linestyle": "", "markersize": 3, "alpha": 0.5} if series.points else {}
            )
            axes.plot(series.x, series.y, color=_COLORS[number % len(_COLORS)], label=series.label or None, **style)
        axes.set(title=panel.title, xlabel=panel.xlabel, ylabel=panel.ylabel)
        if panel.log_x:
            axes.set_xscale("log")
        if panel.log_y:
            axes.set_yscale("log")
        if panel.ticks is not None:
            axes.set_xticks(range(len(panel.ticks)), panel.ticks)
        axes.grid(alpha=0.3)
        if any(series.label for series in panel.series):
            axes.legend(fontsize="small")
    return figure


def svg(panels: Sequence[Panel], columns: int) -> str:
    """Returns panels as the text of an SVG file."""
    rows = -(-len(panels) // columns)
    width, height = _WIDTH * columns, _HEIGHT * rows
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="10">',
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>',
    ]
    for place, panel in enumerate(panels):
        x, y = _WIDTH * (place % columns), _HEIGHT * (place // columns)
        parts.append(f'<g transform="translate({x:g} {y:g})">')
        parts += _panel(panel)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def _panel(panel: Panel) -> list[str]:
    xs = [float(x) for series in panel.series for x in series.x]
    if panel.ticks is not None:
        xs += [-0.3, len(panel.ticks) - 0.7]
    ys = [float(y) for series in panel.series for y in series.y]
    across = _Axis(xs, _LEFT, _WIDTH - _RIGHT, panel.log_x)
    down = _Axis(ys, _HEIGHT - _BOTTOM, _TOP, panel.log_y)
    bottom, middle = _HEIGHT - _BOTTOM, (_TOP + _HEIGHT - _BOTTOM) / 2
    parts = [
        _text(panel.title, (_LEFT + _WIDTH - _RIGHT) / 2, 18, "middle", 12),
        _text(panel.xlabel, (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, "middle"),
        f'<g transform="rotate(-90 12 {middle:g})">{_text(panel.ylabel, 12, middle, "middle")}</g>',
    ]
    named: list[tuple[float, str]] = [*enumerate(panel.ticks or ())]
    for value, label in named or [(tick, f"{tick:g}") for tick in across.ticks()]:
        parts.append(_text(label, across(value), bottom + 14, "middle"))
        parts.append(_line(across(value), bottom, across(value), _TOP))
    for tick in down.ticks():
        parts.append(_text(f"{tick:g}", _LEFT - 4, down(tick) + 3, "end"))
        parts.append(_line(_LEFT, down(tick), _WIDTH - _RIGHT, down(tick)))
    for number, series in enumerate(panel.series):
        color = _COLORS[number % len(_COLORS)]
        shown = [
            (across(float(x)), down(float(y)))
            for x, y in zip(series.x, series.y, strict=True)
            if across.has(float(x)) and down.has(float(y))
        ]
        if series.points:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{color}" fill-opacity="0.5"/>' for x, y in shown]
        else:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in shown)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>')
    labels = [(number, series.label) for number, series in enumerate(panel.series) if series.label]
    if labels:
        left, height = _WIDTH - _RIGHT - 20 - 5.5 * max(len(label) for _, label in labels), 12 * len(labels)
        parts.append(
            f'<rect x="{left - 4:g}" y="{_TOP + 2:g}" width="{_WIDTH - _RIGHT - left + 2:g}" height="{height + 4:g}" '
            'fill="white" fill-opacity="0.8" stroke="#ccc"/>'
        )
    for place, (number, label) in enumerate(labels):
        y = _TOP + 12 * (place + 1)
        color = _COLORS[number % len(_COLORS)]
        parts.append(f'<rect x="{left:g}" y="{y - 7:g}" width="8" height="8" fill="{color}"/>')
        parts.append(_text(label, left + 12, y, "start"))
    return parts


class _Axis:
    """Takes values to places.

    Args:
        values: all values that are to be seen.
        begin, end: where the smallest and the largest one are.
        log: whether equal ratios are equally far apart.
    """

    def __init__(self, values: Sequence[float], begin: float, end: float, log: bool) -> None:
        self._log = log
        finite = [value for value in values if self.has(value)]
        low, high = (min(finite), max(finite)) if finite else (0.1, 1.0)
        if log:
            low, high = math.log10(low), math.log10(high)
        margin = 0.04 * (high - low) or abs(low) * 0.1 or 1.0
        self._low, self._high = low - margin, high + margin
        self._begin, self._end = begin, end

    def has(self, value: float) -> bool:
        """Tells whether a value has a place."""
        return math.isfinite(value) and (value > 0 or not self._log)

    def __call__(self, value: float) -> float:
        at = math.log10(value) if self._log else value
        return self._begin + (at - self._low) / (self._high - self._low) * (self._end - self._begin)

    def ticks(self) -> list[float]:
        """Returns four to nine round values; of a logarithmic axis powers of 10, if there are two, or their multiples."""
        if self._log:
            powers = [10.0**power for power in range(math.ceil(self._low), math.floor(self._high) + 1)]
            if len(powers) >= 2:
                return powers
            round_values = [
                factor * 10.0**power
                for power in range(math.floor(self._low), math.ceil(self._high) + 1)
                for factor in (1, 2, 5)
                if self._low <= math.log10(factor) + power <= self._high
            ]
            if len(round_values) >= 2:
                return round_values
            return [float(f"{10.0 ** (self._low + share * (self._high - self._low)):.3g}") for share in (0.1, 0.9)]
        rough = (self._high - self._low) / 5
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
        first = math.ceil(self._low / step)
        return [round(index * step, 12) for index in range(first, math.floor(self._high / step) + 1)]


def _text(text: str, x: float, y: float, anchor: str, size: int = 10) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'
