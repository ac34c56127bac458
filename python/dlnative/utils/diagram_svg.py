"""A diagram of boxes and lines as SVG: boxes in ranks by their longest way from an input (after Sugiyama et al., 1981).

A line that passes ranks has a place in each of them, so that it goes between the boxes; the places in a rank are ordered
by the mean of those that they are joined with.
"""

from __future__ import annotations

import itertools
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlnative.utils.model_plot import Diagram

_LETTER, _LINE, _MARGIN = 6.6, 15.0, 10.0
_BETWEEN_RANKS, _BETWEEN_BOXES = 34.0, 18.0


def svg(diagram: Diagram, rankdir: str = "TB") -> str:
    """Returns a diagram as the text of an SVG file.

    Args:
        diagram: the boxes and lines.
        rankdir: `"TB"`, `"LR"`, `"BT"` or `"RL"`: which way it goes.
    """
    sideways, backwards = rankdir in ("LR", "RL"), rankdir in ("BT", "RL")
    labels = [[_title(node.title, node.group), *node.rows] for node in diagram.nodes]
    sizes = [(_LETTER * max(map(len, lines)) + 2 * _MARGIN, _LINE * len(lines) + _MARGIN) for lines in labels]
    ranks, ways = _ranked(len(labels), diagram.edges)
    count = 1 + max((item for rank in ranks for item in rank), default=-1)
    extents = [*sizes, *[(2.0, 2.0)] * (count - len(sizes))]
    if sideways:
        extents = [(height, width) for width, height in extents]
    places, width, height = _placed(ranks, extents)

    def turned(x: float, y: float) -> tuple[float, float]:
        y = height - y if backwards else y
        return (y, x) if sideways else (x, y)

    centers = {item: turned(x, y) for item, (x, y, _) in places.items()}
    passing = {
        item: [turned(x, y - tall / 2), turned(x, y + tall / 2)]
        for item, (x, y, tall) in places.items()
        if item >= len(sizes)
    }
    if sideways:
        width, height = height, width
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="monospace" font-size="11">',
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">'
        '<path d="M0,0 L7,3 L0,6 z" fill="#555"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
    ]
    for way in ways:
        points = [point for item in way for point in passing.get(item, [centers[item]])]
        points[0] = _edge(points[0], sizes[way[0]], points[1], sideways)
        points[-1] = _edge(points[-1], sizes[way[-1]], points[-2], sideways)
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="#555" marker-end="url(#tip)"/>')
    for number, lines in enumerate(labels):
        (x, y), (w, h) = centers[number], sizes[number]
        parts.append(
            f'<rect x="{x - w / 2:.1f}" y="{y - h / 2:.1f}" width="{w:.1f}" height="{h:.1f}" rx="3" fill="#eef3fa" stroke="#345"/>'
        )
        for place, text in enumerate(lines):
            weight = ' font-weight="bold"' if place == 0 else ""
            top = y - h / 2 + _MARGIN / 2 + _LINE * (place + 0.75)
            parts.append(f'<text x="{x:.1f}" y="{top:.1f}" text-anchor="middle"{weight}>{escape(text)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _title(title: str, group: tuple[str, ...]) -> str:
    return "/".join([*group, title])


def _ranked(count: int, edges: list[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    """Returns the items of each rank, places of passing lines among them, and each line as items from end to end."""
    rank = [0] * count
    if edges:
        for source, target in sorted(edges, key=lambda edge: edge[1]):  # a box comes after those that lead to it
            rank[target] = max(rank[target], rank[source] + 1)
    else:  # a model whose calls are not known: its layers in their order
        rank = list(range(count))
    ranks: list[list[int]] = [[] for _ in range(max(rank, default=0) + 1)]
    for item in range(count):
        ranks[rank[item]].append(item)
    ways: list[list[int]] = []
    for source, target in edges:
        way = [source]
        for level in range(rank[source] + 1, rank[target]):
            ranks[level].append(count)
            way.append(count)
            count += 1
        ways.append([*way, target])
    joined: dict[int, list[int]] = {item: [] for item in range(count)}
    for way in ways:
        for above, below in itertools.pairwise(way):
            joined[below].append(above)
    for level in range(1, len(ranks)):
        places = {item: place for place, item in enumerate(ranks[level - 1])}
        means = {i: sum(places.get(a, 0) for a in joined[i]) / max(len(joined[i]), 1) for i in ranks[level]}
        ranks[level].sort(key=means.__getitem__)
    return ranks, ways


def _placed(
    ranks: list[list[int]], extents: list[tuple[float, float]]
) -> tuple[dict[int, tuple[float, float, float]], float, float]:
    """Returns the center of each item and the height of its rank, and the width and height of all."""
    widths = [sum(extents[item][0] for item in rank) + _BETWEEN_BOXES * (len(rank) - 1) for rank in ranks]
    width = max(widths, default=0.0) + 2 * _MARGIN
    centers: dict[int, tuple[float, float, float]] = {}
    top = _MARGIN
    for rank, own in zip(ranks, widths, strict=True):
        tall = max((extents[item][1] for item in rank), default=0.0)
        left = (width - own) / 2
        for item in rank:
            centers[item] = left + extents[item][0] / 2, top + tall / 2, tall
            left += extents[item][0] + _BETWEEN_BOXES
        top += tall + _BETWEEN_RANKS
    return centers, width, top - _BETWEEN_RANKS + _MARGIN


def _edge(
    center: tuple[float, float], size: tuple[float, float], towards: tuple[float, float], sideways: bool
) -> tuple[float, float]:
    """Returns where a line meets the side of a box that it comes from."""
    (x, y), (width, height) = center, size
    if sideways:
        return x + (width / 2 if towards[0] > x else -width / 2), y
    return x, y + (height / 2 if towards[1] > y else -height / 2)
