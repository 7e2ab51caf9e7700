# syntax=docker/dockerfile:1
# One image for web, relay, qcluster and migrate: they differ by their command (docker-compose.yml, deploy/kubernetes).

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/venv
WORKDIR /app
COPY requirements.txt .
# Hashes are checked and nothing is compiled: the same lock file makes the same environment, or none.
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r requirements.txt
COPY . .
# The development defaults stand in for secrets that a build must not see; nothing of them is kept.
RUN DJANGO_DEBUG=1 /opt/venv/bin/python manage.py collectstatic --noinput \
    && /opt/venv/bin/python -m compileall -q /app

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER 10001
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--no-control-socket"]
