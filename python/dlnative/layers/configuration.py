"""The configuration of a layer whose class does not write `get_config`: the arguments it was made with."""

from __future__ import annotations

from typing import Any

_PLAIN = (str, int, float, bool)


class Arguments:
    """The arguments that a layer was made with, bound to their names when they are asked for.

    Args:
        args, kwargs: the arguments.
    """

    __slots__ = ("args", "kwargs")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs


def recorded(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
    """Returns the arguments if all are text, numbers, or nested lists of these; `None` otherwise."""
    return Arguments(args, kwargs) if _plain(args) and _plain(kwargs) else None


def _plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(map(_plain, value.values())) and all(isinstance(key, str) for key in value)
    return value is None or isinstance(value, _PLAIN)


def automatic_config(layer: Any, arguments: Arguments | None, base: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of `__init__` by name, defaults included.

    Args:
        layer: the layer.
        arguments: what it was made with; `None` if that is no plain values.
        base: what every layer takes, of which the config has what `__init__` does take.

    Raises:
        NotImplementedError: if some are no plain values, or have no names, so that only the class can say how to make
            such a layer again.
    """
    import inspect

    label = f'{type(layer).__name__} "{layer.name}"'
    signature = inspect.signature(type(layer).__init__)
    kinds = [parameter.kind for parameter in list(signature.parameters.values())[1:]]
    if arguments is None or inspect.Parameter.POSITIONAL_ONLY in kinds:
        raise NotImplementedError(
            f"{label}: expected a method get_config(), which a layer needs that was made with other arguments than text "
            "and numbers by name, found none"
        )
    bound = signature.bind(layer, *arguments.args, **arguments.kwargs)
    bound.apply_defaults()
    config: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            config.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            config[name] = value
        elif value:
            raise NotImplementedError(f"{label}: expected a method get_config(), as __init__ takes *{name}, found none")
    if not _plain(config):
        raise NotImplementedError(
            f"{label}: expected a method get_config(), as a default of __init__ is no plain value"
        )
    takes_any = inspect.Parameter.VAR_KEYWORD in kinds
    return config | {name: value for name, value in base.items() if takes_any or name in signature.parameters}
