"""The Ollama protocol, from the caller's side."""

from worker.ollama.client import Limits, OllamaClient
from worker.ollama.faults import RefusedError, UnusableError
from worker.ollama.hosts import Hosts
from worker.ollama.stream import Reply

__all__ = ["Hosts", "Limits", "OllamaClient", "RefusedError", "Reply", "UnusableError"]
