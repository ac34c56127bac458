"""What a search has found, as a table and as a plot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dlnative.tuning.hyperparameters import Choice, Range
from dlnative.tuning.trials import Trial
from dlnative.tuning.tuner import value_text
from dlnative.utils.charts import Chart, Panel, Series


def rows(trials: Sequence[Trial], objective: str) -> list[dict[str, Any]]:
    """Returns a row for each trial."""
    return [
        {
            "trial": trial.trial_id,
            **trial.values,
            objective: trial.score,
            "epochs": trial.epochs,
            "seconds": trial.seconds,
        }
        for trial in trials
    ]


def summary(title: str, trials: Sequence[Trial], objective: str, count: int) -> str:
    """Returns a table of trials as text.

    Args:
        title: what stands above.
        trials: the trials.
        objective: the name of the score.
        count: how many trials there are.
    """
    listed = rows(trials, objective)
    names = list(dict.fromkeys(name for row in listed for name in row))
    names = [name for name in names if name not in (objective, "epochs", "seconds")]
    names = [*names, objective, "epochs", "seconds"]
    cells = [names] + [
        [
            "-" if name not in row else f"{row[name]:.6g}" if name == objective else value_text(row[name])
            for name in names
        ]
        for row in listed
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join([title, f"the best {len(trials)} of {count} trials", *lines])


def space_text(space: Mapping[str, Choice | Range]) -> str:
    """Returns the hyperparameters as text, a line for each."""
    lines = [f"{len(space)} hyperparameters"]
    for name, parameter in space.items():
        if isinstance(parameter, Choice):
            lines.append(f"  {name}: one of {', '.join(map(str, parameter.values))}")
        else:
            step = "" if parameter.step is None else f", step {value_text(parameter.step)}"
            low, high = value_text(parameter.low), value_text(parameter.high)
            lines.append(f"  {name}: {low} to {high}{step}, {parameter.sampling}")
    return "\n".join(lines)


def plot(
    trials: Sequence[Trial], space: Mapping[str, Choice | Range], objective: str, direction: str, path: Any
) -> str:
    """Draws the score by trial and by each hyperparameter, and returns the path; see `Tuner.plot`."""
    ended = sorted(
        (trial for trial in trials if trial.score is not None and not math.isnan(trial.score)), key=lambda t: t.trial_id
    )
    if not ended:
        raise ValueError("plot: expected a trial that was completed, found none")
    scores = [float(trial.score or 0.0) for trial in ended]
    better = max if direction == "max" else min
    best = [better(scores[: index + 1]) for index in range(len(scores))]
    numbers = [float(index + 1) for index in range(len(scores))]
    panels = [
        Panel(
            f"{objective} by trial",
            "trial",
            objective,
            [Series(numbers, scores, "trials", points=True), Series(numbers, best, "best so far")],
        )
    ]
    for name, parameter in space.items():
        having = [
            (trial.values[name], score) for trial, score in zip(ended, scores, strict=True) if name in trial.values
        ]
        if len({value for value, _ in having}) > 1:
            panels.append(_by_value(name, parameter, having, objective))
    return Chart(panels).save(path)


def _by_value(name: str, parameter: Choice | Range, having: list[tuple[Any, float]], objective: str) -> Panel:
    values = [score for _, score in having]
    if isinstance(parameter, Range):
        panel = Panel(
            f"by {name}", name, objective, [Series([float(value) for value, _ in having], values, "", points=True)]
        )
        panel.log_x = parameter.sampling == "log"
        return panel
    options = list(parameter.values)
    places = [float(options.index(value)) for value, _ in having]
    used = sorted(set(places))
    means = [_mean([score for place, score in zip(places, values, strict=True) if place == at]) for at in used]
    series = [Series(places, values, "trials", points=True), Series(used, means, "mean")]
    return Panel(f"by {name}", name, objective, series, ticks=[str(option) for option in options])


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
