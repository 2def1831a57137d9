# One file, three images: `api` (no torch; also runs beat and migrations), `worker` (embeddings on CPU) and `trainer`
# (fine-tuning on a GPU; torch from PyPI brings CUDA).
#   docker build --target api -t corpusmith-api .
FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin corpusmith \
 && mkdir -p /data/blobs /data/trainings && chown -R corpusmith /data
WORKDIR /srv
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY app app
COPY workers workers
COPY prompts prompts
COPY migrations migrations

FROM base AS api
RUN pip install -c constraints.txt '.[postgres,s3]' && pip uninstall --yes pip
USER corpusmith
EXPOSE 8321
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8321/healthz', timeout=2)"]
CMD ["uvicorn", "app.main:create_app", "--factory", "--host", "0.0.0.0", "--port", "8321", "--no-access-log", "--timeout-graceful-shutdown", "20"]

FROM base AS trainer
RUN pip install torch==2.13.0 && pip install -c constraints.txt '.[postgres,s3,train]' && pip uninstall --yes pip
USER corpusmith
CMD ["celery", "-A", "workers.celery_app", "worker", "-Q", "gpu", "--pool", "threads", "-c", "1", "-I", "workers.train", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]

FROM base AS worker
RUN pip install --index-url https://download.pytorch.org/whl/cpu torch==2.13.0 \
 && pip install -c constraints.txt '.[postgres,s3,embed]' && pip uninstall --yes pip
USER corpusmith
CMD ["celery", "-A", "workers.celery_app", "worker", "-Q", "cpu", "-c", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
