# Two images of one code base: `worker` for the live side, `batch` for landing and the month.
# Packages come hash-pinned from requirements/, as everywhere else.

FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    VANE_HOME=/data
RUN useradd --uid 10001 --create-home vane && install --directory --owner=vane --group=vane /data
WORKDIR /app

FROM base AS worker
COPY requirements/streaming.txt requirements/
RUN pip install --require-hashes --requirement requirements/streaming.txt
COPY pyproject.toml README.md ./
COPY schemas/ schemas/
COPY config/ config/
COPY pipeline/ pipeline/
RUN pip install --no-deps --no-build-isolation --editable .
USER vane
CMD ["vane", "worker"]

FROM base AS batch
COPY requirements/batch.txt requirements/
RUN pip install --require-hashes --requirement requirements/batch.txt
COPY pyproject.toml README.md ./
COPY schemas/ schemas/
COPY config/ config/
COPY dbt_like_sql/ dbt_like_sql/
COPY pipeline/ pipeline/
RUN pip install --no-deps --no-build-isolation --editable .
USER vane
CMD ["vane", "land", "--follow"]
