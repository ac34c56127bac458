"""Sends the metrics of each epoch to a server."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np

from dlnative.callbacks.callback import Callback

_SECONDS = 10.0  # how long a server may take to answer


class RemoteMonitor(Callback):
    """Sends the number of each epoch and its metrics to a server: an HTTP POST to `root + path`.

    A server that does not answer costs a warning; the training goes on.

    Args:
        root: the address of the server.
        path: where on the server.
        field: the field of the form that holds the metrics as JSON, if `send_as_json` is false.
        headers: further headers.
        send_as_json: whether the metrics are sent as JSON, instead of in a form.
    """

    def __init__(
        self, root: str = "http://localhost:9000", path: str = "/publish/epoch/end/", field: str = "data",
        headers: dict[str, str] | None = None, send_as_json: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if not root.startswith(("http://", "https://")):
            raise ValueError(f'RemoteMonitor: expected root to begin with "http://" or "https://", got {root!r}')
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        from urllib.error import URLError
        from urllib.parse import urlencode
        from urllib.request import Request, urlopen

        sent = {"epoch": epoch, **{name: np.asarray(value).tolist() for name, value in (logs or {}).items()}}
        if self.send_as_json:
            body, kind = json.dumps(sent), "application/json"
        else:
            body, kind = urlencode({self.field: json.dumps(sent)}), "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        try:
            with urlopen(
                Request(self.root + self.path, body.encode(), headers), timeout=_SECONDS
            ):  # a body makes it a POST
                pass
        except (URLError, OSError) as error:
            warnings.warn(f"RemoteMonitor: could not reach the server at {self.root}: {error}", stacklevel=2)
