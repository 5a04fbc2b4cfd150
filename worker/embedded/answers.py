"""What Ollama's endpoints answer, as JSON objects."""

from datetime import UTC, datetime, timedelta
from typing import Any

from worker.embedded.completion import Ended
from worker.embedded.engine import ModelFile
from worker.embedded.request import MODEL

# The release of Ollama whose protocol this is; what follows the plus says that it is not Ollama.
VERSION = "0.30.0+taskforge.embedded"

Answer = dict[str, Any]


def piece(model: str, text: str) -> Answer:
    """A line of a streamed answer."""
    return {
        "model": model,
        "created_at": _time(datetime.now(UTC)),
        "message": {"role": "assistant", "content": text},
        "done": False,
    }


def loaded(model: str) -> Answer:
    """The answer to a chat without messages."""
    return {**piece(model, ""), "done": True, "done_reason": "load"}


def last(model: str, text: str, ended: Ended, *, total_ns: int, load_ns: int) -> Answer:
    """The last line of a streamed answer, or a whole answer in one."""
    return {
        **piece(model, text),
        "done": True,
        "done_reason": ended.reason,
        "total_duration": total_ns,
        "load_duration": load_ns,
        "prompt_eval_count": ended.prompt_tokens,
        "prompt_eval_duration": ended.prompt_ns,
        "eval_count": ended.tokens,
        "eval_duration": ended.tokens_ns,
    }


def tags(model: ModelFile) -> Answer:
    """The models there are."""
    return {"models": [{**_named(model), "modified_at": _time(model.modified_at)}]}


def loaded_models(model: ModelFile) -> Answer:
    """The models in memory. This one never leaves it, so its end is put a day ahead."""
    running = {
        **_named(model),
        "expires_at": _time(datetime.now(UTC) + timedelta(days=1)),
        "size_vram": 0,
        "context_length": model.context_length,
    }
    return {"models": [running]}


def show(model: ModelFile) -> Answer:
    """What is known of the model."""
    return {
        "modified_at": _time(model.modified_at),
        "details": _details(model),
        "model_info": {
            "general.architecture": "llama",
            "general.parameter_count": model.parameter_count,
            "llama.context_length": model.context_length,
        },
        "capabilities": ["completion"],
    }


def _named(model: ModelFile) -> Answer:
    return {
        "name": MODEL,
        "model": MODEL,
        "size": model.size,
        "digest": model.digest,
        "details": _details(model),
    }


def _details(model: ModelFile) -> Answer:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": f"{model.parameter_count / 1e6:.0f}M",
        "quantization_level": model.quantization,
    }


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
