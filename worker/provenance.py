"""An attempt's journal as it is sent to core: bounded, whatever the model wrote, and compressed."""

import math
import zlib
from typing import Any

from taskforge.worker.v1 import provenance_pb2

from worker.generation.journal import Call, Journal, Repair

# What core takes.
_LARGEST = 256 * 1024
# How much of each answer is told; less where the whole would be too large.
_TEXT_LENGTHS = (64_000, 16_000, 4_000, 1_000, 0)
_ALL_TEXT = 512_000
_CALLS = 200
_REPAIRS = 500
_LINE = 1_000
_LONGEST_MS = 2**31 - 1


def packed(journal: Journal, worker_id: str) -> bytes:
    """A `Provenance` with as much of the answers as there is room for, serialized and compressed.

    Args:
        journal: Of an attempt that has ended.
        worker_id: The process that made it.
    """
    calls = journal.calls[:_CALLS]
    for longest in _TEXT_LENGTHS:
        if sum(min(call.length, longest) for call in calls) > _ALL_TEXT:
            continue
        content = _message(journal, worker_id, longest).SerializeToString()
        compressed = zlib.compress(content)
        if len(compressed) <= _LARGEST:
            return compressed
    return b""


def _message(journal: Journal, worker_id: str, longest: int) -> provenance_pb2.Provenance:
    calls, repairs = journal.calls, journal.repairs
    message = provenance_pb2.Provenance(
        calls=[_call(call, longest) for call in calls[:_CALLS]],
        calls_left_out=max(0, len(calls) - _CALLS),
        repairs=[_repair(repair) for repair in repairs[:_REPAIRS]],
        repairs_left_out=max(0, len(repairs) - _REPAIRS),
        duration_ms=_milliseconds(journal.elapsed_ms()),
        worker_id=worker_id,
    )
    message.model.update(_plain(journal.model))
    return message


def _call(call: Call, longest: int) -> provenance_pb2.ModelCall:
    message = provenance_pb2.ModelCall(
        purpose=_text(call.purpose, _LINE),
        prompt=call.prompt,
        model=_text(call.model, _LINE),
        server=_text(call.server, _LINE),
        started_ms=_milliseconds(call.started_ms),
        duration_ms=_milliseconds(call.duration_ms),
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        finish_reason=call.finish_reason and _text(call.finish_reason, _LINE),
        error=_text(call.error, 2 * _LINE),
        text=_text(call.text, longest),
        text_length=call.length,
    )
    message.options.update(_plain(call.options))
    return message


def _repair(repair: Repair) -> provenance_pb2.Repair:
    return provenance_pb2.Repair(
        rule=_text(repair.rule, _LINE),
        ticket=_text(repair.ticket, _LINE),
        done=_text(repair.done, _LINE),
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values that a `Struct` can hold."""
    return {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float) else _text(value, _LINE)


def _text(value: Any, longest: int) -> str:
    """Text that a message can hold: what a model writes may have half a character in it."""
    return str(value)[:longest].encode("utf-8", "replace").decode()


def _milliseconds(count: int) -> int:
    return min(count, _LONGEST_MS)
