# One image for every process. The entry point is `flaghoist`; the command selects the process (api, worker, migrate, bootstrap).

FROM python:3.11-slim AS build
ENV UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/flaghoist \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
WORKDIR /source
# Install dependencies first, so that a change of our code does not reinstall them. The image contains neither the tools of the
# group `dev` nor the extra `embedded` with its Temporal server. Traces are off, but their library is there.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-default-groups --extra traces --no-install-project
COPY README.md LICENSE process_exit.py settings.py worker.py ./
COPY api api
COPY workflows workflows
COPY activities activities
COPY domain domain
RUN uv sync --frozen --no-default-groups --extra traces --no-editable

FROM python:3.11-slim
# Flags for flagd can be in a Git repository.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin flaghoist
COPY --from=build /opt/flaghoist /opt/flaghoist
ENV PATH=/opt/flaghoist/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /opt/flaghoist
EXPOSE 8080
# For the default command, api. A worker does not listen on this port: turn the check off (`--no-healthcheck`), or request its metrics.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('FLAGHOIST_PORT', '8080')), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["flaghoist"]
CMD ["api"]
