"""Keras's functions of nested structures."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import pytest

from dlnative import tree

Point = namedtuple("Point", ["x", "y"])


def test_leaves_and_paths() -> None:
    structure = {"b": [1, None], "a": Point(2, (3,))}
    assert tree.flatten(structure) == [2, 3, 1, None]
    assert tree.flatten(None) == [None]
    assert [path for path, _ in tree.flatten_with_path(structure)] == [("a", 0), ("a", 1, 0), ("b", 0), ("b", 1)]
    assert tree.pack_sequence_as(structure, [5, 6, 7, 8]) == {"b": [7, 8], "a": Point(5, (6,))}
    assert tree.lists_to_tuples([1, {"a": [2]}, Point([3], 4)]) == (1, {"a": (2,)}, Point((3,), 4))
    with pytest.raises(ValueError, match="4 leaves, got 1"):
        tree.pack_sequence_as(structure, [5])


def test_functions_of_leaves() -> None:
    assert tree.map_structure(lambda x, y: x + y, Point(1, [2]), Point(10, [20])) == Point(11, [22])
    assert tree.map_structure(str, [1, None]) == ["1", "None"]
    assert tree.map_structure(str, [1, None], none_is_leaf=False) == ["1", None]
    assert tree.map_shape_structure(len, {"a": (1, None), "b": [(3,)]}) == {"a": 2, "b": [1]}
    seen: list[Any] = []
    tree.traverse(seen.append, [(1, 2), {"a": 4}])
    assert seen == [[(1, 2), {"a": 4}], (1, 2), 1, 2, {"a": 4}, 4]
    assert tree.traverse(lambda x: tree.MAP_TO_NONE if x == 1 else None, [1, (2,)], top_down=False) == [None, (2,)]
    with pytest.raises(TypeError, match="callable"):
        tree.map_structure(3, [1])


@pytest.mark.parametrize(
    ("a", "b"), [([1], (1,)), ([1], [1, 2]), ({"a": 1}, {"b": 1}), ([1], 1), (1, [1]), ([[1]], [1])]
)
def test_structures_that_differ(a: Any, b: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        tree.assert_same_structure(a, b)
    with pytest.raises(ValueError, match="expected"):
        tree.map_structure(lambda x, y: x, a, b)


def test_structures_that_do_not() -> None:
    tree.assert_same_structure([1, {"a": (2,)}], [3, {"a": (None,)}])
    tree.assert_same_paths([1, (2,)], (3, [4]))
    with pytest.raises(ValueError, match="paths"):
        tree.assert_same_paths([1, 2], [1])
