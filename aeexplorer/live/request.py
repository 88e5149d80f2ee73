"""A request as it comes over the socket, and the reply that refuses it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from aeexplorer.config import ConfigError
from aeexplorer.live.scenes import SCENES
from aeexplorer.store import home

NAME_LIMIT = 100


class SceneRequest(NamedTuple):
    """The newest request of a stream.

    Attributes:
        ident: the client's own name for it, which its reply repeats.
        dropped: ids of the older requests that it replaced.
        size: of the message, in characters.
        owner: who asks.
    """

    ident: Any
    scene: str
    params: dict[str, Any]
    dropped: list[Any]
    size: int = 0
    owner: str = ""


def read_request(text: str | None) -> tuple[str, SceneRequest]:
    """Stream and request of a message.

    Raises:
        ConfigError: when it is no request.
    """
    if text is None:
        raise ConfigError("a request must be JSON text, got bytes")
    try:
        request = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ConfigError(f"a request must be JSON, got {text[:40]!r}") from None
    if not isinstance(request, dict):
        raise ConfigError(f"a request must be a JSON object, got {text[:40]!r}")
    ident, stream = request.get("id"), request.get("stream", "")
    scene, params = request.get("scene", ""), request.get("params", {})
    if not isinstance(ident, int | float | str | None) or len(str(ident)) > NAME_LIMIT:
        raise ConfigError(f"id must be a number or text of at most {NAME_LIMIT} characters")
    if isinstance(ident, float) and not math.isfinite(ident):
        raise ConfigError(f"id must be finite, got {ident}")
    if not isinstance(scene, str) or not isinstance(params, dict):
        raise ConfigError("scene must be text and params a JSON object")
    return str(stream)[:NAME_LIMIT], SceneRequest(ident, scene, params, [], len(text))


def refusal(ident: Any, sentence: str, scene: str = "", dropped: Sequence[Any] = ()) -> str:
    """The reply that says what was wrong, and of which field where the sentence names one."""
    fields = SCENES[scene].params.model_fields if scene in SCENES else ()
    field = next((name for name in fields if sentence.startswith((f"{name} ", f"{name}."))), None)
    sentence = sentence.replace(str(home()), "the home")  # where it lies is nobody's business but the operator's
    reply = {"id": ident, "error": sentence, **({"field": field} if field else {}), "dropped": list(dropped)}
    return json.dumps(reply)


def _refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON."""
    raise ValueError(name)
