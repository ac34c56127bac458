"""Which type a layer computes in, and which type its weights have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlnative import dtypes


class DTypePolicy:
    """The types of a layer: of its weights, and of what it computes.

    Args:
        name: a type for both, such as `"float32"`, or `"mixed_float16"` or `"mixed_bfloat16"`, which compute in that type
            with float32 weights.

    Raises:
        ValueError: for another name, or a type that dlnative does not have.

    Example:
        >>> policy = DTypePolicy("float64")
        >>> policy.compute_dtype, policy.variable_dtype
        ('float64', 'float64')
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"DTypePolicy: expected a name that is a string, got {name!r}")
        self._name = name
        mixed = name.removeprefix("mixed_")
        if mixed != name and mixed not in ("float16", "bfloat16"):
            raise ValueError(f'DTypePolicy: expected a dtype, "mixed_float16" or "mixed_bfloat16", got {name!r}')
        self._compute_dtype = dtypes.standardize(mixed)
        self._variable_dtype = "float32" if mixed != name else self._compute_dtype

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The type of what a layer computes."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The type of a layer's weights."""
        return self._variable_dtype

    @property
    def quantization_mode(self) -> None:
        """`None`: there are no quantised layers."""
        return None

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a policy again."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """Makes a policy from what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self._name == other._name

    def __hash__(self) -> int:
        return hash((DTypePolicy, self._name))


class DTypePolicyMap(DTypePolicy):
    """Policies of layers by their paths.

    A path is looked up as it is, and then among the keys as patterns, one of which must match the whole of it.

    Args:
        default_policy: the policy of all other paths; by default `config.dtype_policy()`.
        policy_map: policies, or their names, by path or pattern.

    Raises:
        ValueError: for policies that there are not.

    Example:
        >>> policies = DTypePolicyMap("float32", {"encoder/.*": "float64"})
        >>> policies["encoder/dense"].name, policies["decoder/dense"].name
        ('float64', 'float32')
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None) -> None:
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("DTypePolicyMap: expected a single policy as default_policy, got a DTypePolicyMap")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"DTypePolicyMap: expected policy_map to be a dict, got {policy_map!r}")
        self._default = None if default_policy is None else get(default_policy)
        self._map = {path: get(policy) for path, policy in (policy_map or {}).items()}

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of paths that are not in the map."""
        return dtype_policy() if self._default is None else self._default

    @property
    def name(self) -> str:
        """The name of the default policy, with `map_` in front."""
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:
        """The type of what a layer computes by default."""
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The type of a layer's weights by default."""
        return self.default_policy.variable_dtype

    def __getitem__(self, path: str) -> DTypePolicy:
        if path in self._map:
            return self._map[path]
        import re

        found = [pattern for pattern in self._map if re.fullmatch(pattern, path)]
        if len(found) > 1:
            raise ValueError(f"DTypePolicyMap: Path '{path}' matches multiple keys: expected one, got {found}")
        return self._map[found[0]] if found else self.default_policy

    def __setitem__(self, path: str, policy: Any) -> None:
        if path in self._map:
            raise ValueError(f"DTypePolicyMap: expected a new path, got {path!r}, which has {self._map[path]}")
        self._map[path] = get(policy)

    def __delitem__(self, path: str) -> None:
        del self._map[path]

    def __contains__(self, path: object) -> bool:
        return path in self._map

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def get_config(self) -> dict[str, Any]:
        default = None if self._default is None else self._default.name
        return {
            "default_policy": default,
            "policy_map": {path: serialize(policy) for path, policy in self._map.items()},
        }

    def __repr__(self) -> str:
        return f"<DTypePolicyMap at {hex(id(self))} default_policy={self.default_policy.name}, policy_map={self._map}>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


_policies: dict[str, DTypePolicy] = {}
_policy: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """Returns the policy of layers that are given none: by default of the default float type."""
    return _policy if _policy is not None else named(dtypes.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Sets the policy of layers that are given none.

    Args:
        policy: a `DTypePolicy` or the name of one.
    """
    global _policy
    _policy = get(policy)


def named(name: str) -> DTypePolicy:
    """Returns the policy of a name, one object for each."""
    found = _policies.get(name)
    if found is None:
        found = _policies[name] = DTypePolicy(name)
    return found


def get(identifier: Any) -> DTypePolicy:
    """Returns a policy given as itself, by name, by its config, or as a type; `None` gives `dtype_policy()`.

    Raises:
        ValueError: for anything else.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str) and identifier.startswith("mixed_"):
        return named(identifier)
    return named(dtypes.standardize(identifier))


def serialize(policy: DTypePolicy) -> dict[str, Any]:
    """Returns the config of a policy, as Keras writes it."""
    name = type(policy).__name__
    module = "keras" if name == "DTypePolicy" else "keras.dtype_policies"
    return {"module": module, "class_name": name, "config": policy.get_config(), "registered_name": None}


def deserialize(config: dict[str, Any]) -> DTypePolicy:
    """Makes a policy from what `serialize` returned."""
    given = config.get("config", {})
    if config.get("class_name") == "DTypePolicyMap":
        return DTypePolicyMap(**given)
    if config.get("class_name") != "DTypePolicy" or "name" not in given:
        raise ValueError(f"dtype policy: expected the config of a DTypePolicy, got {config!r}")
    return DTypePolicy(str(given["name"]))


FloatDTypePolicy = DTypePolicy  # a policy that is not a quantised one: all are
