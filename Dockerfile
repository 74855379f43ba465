# Three images of one code base: `worker` for the live side, `batch` for landing and the month, `desk`
# for what people decide. The stage `kernel` compiles what the worker spends its time in.
# Packages come hash-pinned from requirements/, as everywhere else.

FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    VANE_HOME=/data
RUN useradd --uid 10001 --create-home vane \
    && install --directory --owner=vane --group=vane /data /desk
WORKDIR /app

# The live side's fold as machine code. From the same base as the worker, since what is built is of
# use to that very Python alone; the compiler stays in this stage.
FROM base AS kernel
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY requirements/kernel.txt requirements/
RUN pip install --require-hashes --requirement requirements/kernel.txt
COPY pipeline/__init__.py pipeline/errors.py pipeline/kernel.py pipeline/
COPY pipeline/domain/ pipeline/domain/
RUN python -c "from pipeline import kernel; print(*kernel.build(), sep='\n')"

FROM base AS worker
COPY requirements/streaming.txt requirements/
RUN pip install --require-hashes --requirement requirements/streaming.txt
COPY pyproject.toml README.md ./
COPY schemas/ schemas/
COPY config/ config/
COPY pipeline/ pipeline/
RUN pip install --no-deps --no-build-isolation --editable .
COPY --from=kernel /usr/local/lib/python3.11/site-packages/vane_kernel/ /usr/local/lib/python3.11/site-packages/vane_kernel/
RUN vane kernel status
USER vane
CMD ["vane", "worker"]

FROM base AS desk
COPY requirements/desk.txt requirements/
RUN pip install --require-hashes --requirement requirements/desk.txt
COPY pyproject.toml README.md ./
COPY schemas/ schemas/
COPY config/ config/
COPY pipeline/ pipeline/
RUN pip install --no-deps --no-build-isolation --editable .
USER vane
CMD ["vane", "serve"]

FROM base AS batch
COPY requirements/batch.txt requirements/
RUN pip install --require-hashes --requirement requirements/batch.txt
COPY pyproject.toml README.md ./
COPY schemas/ schemas/
COPY config/ config/
COPY dbt_like_sql/ dbt_like_sql/
COPY pipeline/ pipeline/
RUN pip install --no-deps --no-build-isolation --editable .
# Where a month run keeps the models as parsed; the rest of /app is root's.
RUN install --directory --owner=vane --group=vane .cache .cache/dbt
USER vane
CMD ["vane", "land", "--follow"]
