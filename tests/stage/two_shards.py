"""Two shards, north and south, of one process: schemas with all tables in the test database, and their addresses."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from pytest_django import Settings

from notifications.shards import on_database
from tests.stage.schemas import tenants

NORTH, SOUTH = NAMES = ("north", "south")
DATABASES = ["default", *NAMES]
ADDRESS = "https://{}.example.com"


@pytest.fixture(scope="module")
def two_schemas(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Both with all tables. Made once for a module, whose tests roll back what they write."""
    with django_db_blocker.unblock(), tenants(*NAMES, tables="."):
        yield


@pytest.fixture
def two_shards(two_schemas: None, settings: Settings) -> None:
    """Served under a host each."""
    settings.OUTBOX_SHARDS = NAMES
    settings.DATABASE_ROUTERS = ["notifications.shards.ShardRouter"]
    settings.OUTBOX_SHARD_URLS = {name: ADDRESS.format(name) for name in NAMES}
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = ADDRESS.format("{shard}"), [".example.com"]
    apps.get_model("contenttypes", "ContentType").objects.clear_cache()


def browser(shard: str, **headers: str) -> Client:
    """A browser at the shard's address."""
    return Client(HTTP_HOST=f"{shard}.example.com", **headers)


def signed_in(shard: str, user: Any) -> Client:
    """A browser in which `user` of the shard is signed in."""
    client = browser(shard)
    with on_database(shard):
        client.force_login(user)
    for name in list(client.cookies):
        client.cookies[f"{name}-{shard}"] = client.cookies.pop(name).value
    return client
