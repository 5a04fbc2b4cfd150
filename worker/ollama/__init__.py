"""The Ollama protocol, from the caller's side."""

from worker.ollama.client import Limits, OllamaClient
from worker.ollama.faults import RefusedError
from worker.ollama.stream import Reply

__all__ = ["Limits", "OllamaClient", "RefusedError", "Reply"]
