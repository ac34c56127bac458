"""What a function that builds a model may choose from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

from dlnative.utils.checks import integer, number

GRID_POINTS = 10  # of a range without a step, in a grid


@dataclass(frozen=True)
class Choice:
    """One of some values.

    Args:
        name: the name.
        values: what may be chosen.
        default: what is chosen where nobody chooses.
    """

    name: str
    values: tuple[Any, ...]
    default: Any

    def grid(self) -> tuple[Any, ...]:
        """Returns all values."""
        return self.values

    def sample(self, random: np.random.Generator) -> Any:
        """Draws a value."""
        return self.values[int(random.integers(len(self.values)))]


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both of them included.

    Args:
        name: the name.
        low, high: the ends.
        step: what lies between two numbers, with `"log"` sampling their ratio; `None` for any number in between.
        sampling: `"linear"`, or `"log"` or `"reverse_log"`: more numbers near the low end, or the high one.
        whole: whether it is an integer.
        default: what is chosen where nobody chooses.
    """

    name: str
    low: float
    high: float
    step: float | None
    sampling: str
    whole: bool
    default: Any

    def _at(self, share: float) -> float:
        if self.sampling == "linear":
            return self.low + share * (self.high - self.low)
        if self.sampling == "log":
            return self.low * math.pow(self.high / self.low, share)
        return self.low + self.high - self.low * math.pow(self.high / self.low, 1 - share)

    def _as_value(self, value: float) -> Any:
        inside = min(max(value, self.low), self.high)
        return round(inside) if self.whole else float(inside)

    def grid(self) -> tuple[Any, ...]:
        """Returns the numbers that lie a step apart; of a range without steps, ten."""
        if self.step is None:
            points = [self._at(index / (GRID_POINTS - 1)) for index in range(GRID_POINTS)]
            return tuple(dict.fromkeys(self._as_value(point) for point in points))
        if self.sampling == "linear":
            count = int((self.high - self.low) / self.step * (1 + 1e-9))
            points = [self.low + index * self.step for index in range(count + 1)]
        else:
            count = int(math.log(self.high / self.low) / math.log(self.step) * (1 + 1e-9))
            points = [self.low * self.step**index for index in range(count + 1)]
            if self.sampling == "reverse_log":
                points = [self.low + self.high - point for point in reversed(points)]
        return tuple(self._as_value(float(f"{point:.12g}")) for point in points)  # 0.3, not 0.30000000000000004

    def sample(self, random: np.random.Generator) -> Any:
        """Draws a number."""
        if self.step is not None:
            points = self.grid()
            return points[int(random.integers(len(points)))]
        if self.whole and self.sampling == "linear":
            return int(random.integers(int(self.low), int(self.high) + 1))
        return self._as_value(self._at(float(random.random())))


Parameter: TypeAlias = Choice | Range


class HyperParameters:
    """The hyperparameters of a trial: a function that builds a model asks for them by name.

    Args:
        values: what was chosen, by name; what is not there has its default.

    Example:
        >>> hp = HyperParameters()
        >>> hp.Int("units", 32, 128, step=32), hp.Choice("activation", ["relu", "tanh"]), hp.Boolean("dropout")
        (32, 'relu', False)
        >>> hp.values
        {'units': 32, 'activation': 'relu', 'dropout': False}
    """

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        self.space: dict[str, Choice | Range] = {}
        self._given = dict(values or {})
        self.values: dict[str, Any] = {}

    def Choice(self, name: str, values: Sequence[Any], ordered: bool | None = None, default: Any = None) -> Any:
        """Returns one of some values.

        Args:
            name: the name of the hyperparameter.
            values: text, numbers or truth values, all of one kind.
            ordered: whether they have an order, which plots show; by default numbers have one.
            default: what is taken where nobody chooses; by default the first one.

        Raises:
            ValueError: if there are none, or the default is none of them.
        """
        options = tuple(item.item() if isinstance(item, np.generic) else item for item in values)
        label = f'HyperParameters.Choice "{name}"'
        if not options or not all(isinstance(item, (str, int, float)) for item in options):
            raise ValueError(f"{label}: expected text, numbers or truth values, got {list(values)}")
        if len({type(item) for item in options}) > 1:
            raise ValueError(f"{label}: expected values of one kind, got {list(values)}")
        if ordered and isinstance(options[0], str):
            raise ValueError(f"{label}: expected numbers where ordered is True, got text")
        if default is not None and default not in options:
            raise ValueError(f"{label}: expected a default among {list(values)}, got {default!r}")
        return self._ask(Choice(name, options, options[0] if default is None else default))

    def Int(
        self, name: str, min_value: int, max_value: int, step: int | None = None, sampling: str = "linear",
        default: int | None = None,
    ) -> int:  # fmt: skip
        """Returns an integer from `min_value` to `max_value`.

        Args:
            name: the name of the hyperparameter.
            min_value, max_value: the range, both ends included.
            step: what lies between two of them, with `"log"` sampling their ratio; by default 1 (any ratio).
            sampling: `"linear"`, `"log"` or `"reverse_log"`.
            default: what is taken where nobody chooses; by default `min_value`.

        Raises:
            ValueError: if there are no such numbers, or the default is none of them.
        """
        label = f'HyperParameters.Int "{name}"'
        low = integer(label, "min_value", min_value)
        high = integer(label, "max_value", max_value, low)
        if step is None:
            step = 1 if sampling == "linear" else None
        else:
            step = integer(label, "step", step, 1 if sampling == "linear" else 2)
        return self._ask(_range(label, name, low, high, step, sampling, True, default))

    def Float(
        self, name: str, min_value: float, max_value: float, step: float | None = None, sampling: str = "linear",
        default: float | None = None,
    ) -> float:  # fmt: skip
        """Returns a float from `min_value` to `max_value`.

        Args:
            name: the name of the hyperparameter.
            min_value, max_value: the range, both ends included.
            step: what lies between two of them, with `"log"` sampling their ratio; by default any number is taken.
            sampling: `"linear"`, `"log"` or `"reverse_log"`.
            default: what is taken where nobody chooses; by default `min_value`.

        Raises:
            ValueError: if there are no such numbers, or the default is none of them.
        """
        label = f'HyperParameters.Float "{name}"'
        low = number(label, "min_value", min_value)
        high = number(label, "max_value", max_value, low)
        if step is not None:
            step = number(label, "step", step, 0 if sampling == "linear" else 1, open_low=True)
        return self._ask(_range(label, name, low, high, step, sampling, False, default))

    def Boolean(self, name: str, default: bool = False) -> bool:
        """Returns `True` or `False`."""
        return self._ask(Choice(name, (False, True), bool(default)))

    def Fixed(self, name: str, value: Any) -> Any:
        """Returns `value`: a hyperparameter that is shown with the others."""
        return self._ask(Choice(name, (value,), value))

    def get(self, name: str) -> Any:
        """Returns a hyperparameter that was asked for before.

        Raises:
            KeyError: if there is none of that name.
        """
        found = self.values if name in self.values else self._given
        if name not in found:
            raise KeyError(f'HyperParameters: expected one of {[*self.values, *self._given]}, got "{name}"')
        return found[name]

    __getitem__ = get

    def __contains__(self, name: object) -> bool:
        return name in self.values or name in self._given

    def __repr__(self) -> str:
        return f"<HyperParameters {self._given | self.values}>"

    def _ask(self, parameter: Parameter) -> Any:
        known = self.space.setdefault(parameter.name, parameter)
        if known != parameter:
            raise ValueError(f'HyperParameters: expected "{parameter.name}" to be {known}, got {parameter}')
        return self.values.setdefault(parameter.name, self._given.get(parameter.name, parameter.default))


def to_config(parameter: Choice | Range) -> dict[str, Any]:
    """Returns a hyperparameter as numbers and text."""
    return {"class_name": type(parameter).__name__, **asdict(parameter)}


def from_config(config: dict[str, Any]) -> Choice | Range:
    """Returns the hyperparameter that `to_config` was given."""
    arguments = {name: value for name, value in config.items() if name != "class_name"}
    if config["class_name"] == "Choice":
        return Choice(**{**arguments, "values": tuple(arguments["values"])})
    return Range(**arguments)


def _range(
    label: str, name: str, low: float, high: float, step: float | None, sampling: str, whole: bool, default: Any
) -> Range:
    if sampling not in ("linear", "log", "reverse_log"):
        raise ValueError(f'{label}: expected sampling "linear", "log" or "reverse_log", got {sampling!r}')
    if sampling != "linear" and low <= 0:
        raise ValueError(f'{label}: expected min_value above 0 with sampling "{sampling}", got {low}')
    if default is None:
        default = low
    elif not low <= default <= high:
        raise ValueError(f"{label}: expected a default in [{low}, {high}], got {default!r}")
    return Range(name, low, high, step, sampling, whole, default)
