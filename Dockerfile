# One image for core, edge, worker and the commands; docker-compose.yml runs it.
# The embedded model is left out: here the model is an Ollama of its own.

FROM python:3.11-slim AS build
WORKDIR /build
# The lock also holds the tools of development. All of it is fetched and checked against the
# hashes; below, pip takes from it, and from nowhere else, what the project itself asks for.
COPY requirements.lock ./
RUN pip download --no-cache-dir --require-hashes --only-binary :all: \
        --requirement requirements.lock --dest /wheels \
    && pip install --no-index --find-links /wheels hatchling
COPY pyproject.toml README.md ./
COPY proto/openapi.json proto/openapi.json
COPY proto/gen proto/gen
COPY tickets tickets
COPY core core
COPY edge edge
COPY worker worker
COPY cli cli
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m venv /app \
    && /app/bin/pip install --no-index --find-links /wheels taskforge-tickets

FROM python:3.11-slim
RUN groupadd --system --gid 10001 taskforge \
    && useradd --system --uid 10001 --gid taskforge --create-home --home-dir /data taskforge
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TASKFORGE_DATA_DIR=/data
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["taskforge"]
CMD ["--help"]
