"""Which type a layer computes in, and which type its weights have."""

from __future__ import annotations

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
    return {"module": "keras", "class_name": "DTypePolicy", "config": policy.get_config(), "registered_name": None}


def deserialize(config: dict[str, Any]) -> DTypePolicy:
    """Makes a policy from what `serialize` returned."""
    if config.get("class_name") != "DTypePolicy" or "name" not in config.get("config", {}):
        raise ValueError(f"dtype policy: expected the config of a DTypePolicy, got {config!r}")
    return DTypePolicy(str(config["config"]["name"]))
