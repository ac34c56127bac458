"""What belongs to every `build` of a layer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from dlnative.graph.plans import compiling
from dlnative.layers.call_context import Scope, context
from dlnative.layers.signature import shape_names


def building(build: Callable[..., None]) -> Callable[..., None]:
    """Makes a `build` method do what belongs to every one: one thread at a time, all or nothing, and no state after it."""

    @functools.wraps(build)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
        with compiling():
            if self._building:  # called by the build of a subclass
                build(self, *args, **kwargs)
                return
            own = self.__dict__
            before = own["_variables"].copy()
            own["_building"] = not own["_locked"]  # a second build may run, but adds nothing
            try:
                with Scope(self):
                    own["_path"] = context.path
                    self._settle_policy()
                    build(self, *args, **kwargs)
            except BaseException:
                own["_variables"] = before
                own["_added"] &= before.keys()
                raise
            finally:
                own["_building"] = False
            own["_build_shapes"] = dict(zip(shape_names(wrapper), args, strict=False)) | kwargs or None
            own["built"] = own["_locked"] = True

    wrapper._builds = True  # type: ignore[attr-defined]
    return wrapper
