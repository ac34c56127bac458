"""Named values of a program, in one place."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any


class Config:
    """Named values, as attributes and as in a dict, which may be frozen.

    Args:
        **kwargs: the values.

    Example:
        >>> config = Config(learning_rate=0.1)
        >>> config.seed = 1
        >>> config["learning_rate"], config.seed, len(config)
        (0.1, 1, 2)
    """

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        self.__dict__.update(_config=dict(kwargs), _frozen=False)

    @property
    def frozen(self) -> bool:
        """Whether no value can be set."""
        return self._frozen

    def freeze(self) -> None:
        """Lets no value be set any more."""
        self.__dict__["_frozen"] = True

    def unfreeze(self) -> None:
        """Lets values be set again."""
        self.__dict__["_frozen"] = False

    def _writable(self) -> dict[str, Any]:
        if self._frozen:
            raise ValueError("Config: cannot mutate attribute(s) because the config is frozen")
        return self._config

    def as_dict(self) -> dict[str, Any]:
        """Returns the values as a dict."""
        return dict(self._config)

    def to_json(self) -> str:
        """Returns the values as JSON."""
        return json.dumps(self._config)

    def keys(self) -> KeysView[str]:
        """Returns the names."""
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        """Returns the values."""
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        """Returns pairs of name and value."""
        return self._config.items()

    def pop(self, *args: Any) -> Any:
        """Takes a value away and returns it; `dict.pop`."""
        return self._writable().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Sets values; `dict.update`."""
        self._writable().update(*args, **kwargs)

    def get(self, keyname: str, value: Any = None) -> Any:
        """Returns a value, or another one if there is none."""
        return self._config.get(keyname, value)

    def __setattr__(self, name: str, value: Any) -> None:
        self._writable()[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._config:
            raise AttributeError(f"Config: expected one of {sorted(self.__dict__.get('_config', ()))}, got {name!r}")
        return self._config[name]

    def __setitem__(self, key: str, item: Any) -> None:
        self._writable()[key] = item

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __delitem__(self, key: str) -> None:
        del self._writable()[key]

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
