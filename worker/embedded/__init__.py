"""The embedded model: a small real model in a child process that speaks Ollama's protocol.

A parent starts it with `process.start`; `server.serve` runs it in the foreground.
"""
