"""Has models read where they are written, whatever DATABASE_ROUTERS says of replicas (G1, G4).

A replica's answer is old. Whoever decides by it publishes twice, replays what was sent, or writes to an address that
was changed. Django's documented router for replicas sends every read there
(https://docs.djangoproject.com/en/stable/topics/db/multi-db/#an-example), and nobody would think of the outbox's rows,
or of the users that it reads addresses of. So Django's one router is asked here where writes go, before any project's
routers are asked where reads go. Reads that say `using` go where they say.
"""

from typing import Any

from django.db import models, router


def read_where_written(*apps: str) -> None:
    """In this process, read the models of these apps where they are written, or all models if none is named.

    This sets a method of Django's router, because DATABASE_ROUTERS is the project's, and the order of it matters.
    """
    by_routers = router.db_for_read

    def db_for_read(model: type[models.Model], **hints: Any) -> str:
        is_ours = not apps or model._meta.app_label in apps
        return router.db_for_write(model, **hints) if is_ours else by_routers(model, **hints)

    router.db_for_read = db_for_read  # type: ignore[method-assign]
