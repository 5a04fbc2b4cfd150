"""Where the model is that the settings ask for."""

import time
from dataclasses import replace

from tickets.settings import EMBEDDED, Settings
from worker.generation.job import GenerationError
from worker.ollama import OllamaClient
from worker.provider import Provider

STANDARD_URL = "http://127.0.0.1:11434"


def find(settings: Settings) -> Provider | None:
    """The provider that the settings ask for; None: the embedded model has to be started.

    A server that is named is not asked whether it is there: it may come later.
    So may that of a model that is named: it is not the embedded one.
    """
    if settings.ollama_url == EMBEDDED:
        return None
    if settings.ollama_url:
        return at(settings.ollama_url, settings)
    if settings.ollama_model or _answers(STANDARD_URL):
        return at(STANDARD_URL, settings)
    return None


def at(url: str, settings: Settings) -> Provider:
    """The provider at a URL, or several, with the settings' model and profile."""
    return Provider(
        url,
        model=settings.ollama_model,
        profile=settings.profile,
        calls_per_host=settings.ollama_parallel,
    )


def with_embedded(url: str, settings: Settings) -> Settings:
    """The settings with the embedded model at a URL: a name is another's, and it takes few jobs."""
    return replace(settings, ollama_url=url, ollama_model=None, workers=settings.workers or 1)


def _answers(url: str) -> bool:
    try:
        OllamaClient(url).version(deadline=time.monotonic() + 0.5)
    except GenerationError:
        return False
    return True
