"""What staff do to all rows of a list that match, of whatever app: one row after the other, each in a transaction of
its own. `bulk_replay` drives it on, as it drives replays, and stops it.

Which rows is written down when it begins, so it does what its preview showed. A row on which it fails is passed over,
and the page of the action says why. An app registers its actions when it starts, so that a relay can finish what nobody
watches any more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import F, Model, ProtectedError, QuerySet, RestrictedError
from django.db.models.functions import Now

from notifications.models.audit import MOST_SAID, BulkItem, BulkReplay, Verb
from notifications.operations.record_action import Actor, record, user_id_of
from notifications.protocol.bad_rows import report
from notifications.protocol.database_errors import is_not_now
from notifications.selectors.database_clock import database_now

PRUNED_AT_ONCE = 1_000  # rows to a statement

_actions: dict[str, "RowAction"] = {}


class PassedOver(Exception):
    """The row cannot be done. The text tells staff why."""


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a bulk action: what `RowAction.act` works on."""

    row: int
    bulk: BulkReplay

    @property
    def actor(self) -> Actor:
        return Actor.called(self.bulk.actor, self.bulk.actor_id)

    @property
    def reason(self) -> str:
        return self.bulk.reason

    @property
    def words(self) -> Mapping[str, Any]:
        """What the action's form asked besides the reason."""
        words: Mapping[str, Any] = self.bulk.filters.get("words", {})
        return words

    def note(self, subject: str, **facts: Any) -> None:
        """Record it, within the transaction that does it: with that, the row counts as done."""
        words: Any = {"actor": self.actor, "reason": self.reason, "bulk": self.bulk}
        record(self.bulk.action, subject=subject, **words, **facts, using=self.bulk._state.db or DEFAULT_DB_ALIAS)
        self.end(is_done=True)

    def end(self, *, is_done: bool, said: str = "") -> None:
        """Write down what became of the row; of a row that somebody else has done meanwhile, nothing."""
        using, said = self.bulk._state.db or DEFAULT_DB_ALIAS, said[:MOST_SAID]
        with transaction.atomic(using=using):
            ours = BulkItem.objects.using(using).filter(bulk=self.bulk, row=self.row)
            if ours.filter(is_done=None).update(is_done=is_done, said=said):
                running = BulkReplay.objects.using(using).filter(pk=self.bulk.pk)
                running.update(replayed=F("replayed") + int(is_done), worked_at=Now())
            elif is_done and said:
                ours.filter(is_done=True, said="").update(said=said)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAction:
    """What is done to rows of `model`, by who has `permission`; `verb` is how the record calls it.

    `name` and `description` are the admin's; `title`, `consequence` (a sentence) and `done` (“cancelled”) its pages'.
    `act` does it to one row, twice as well as once, and returns a sentence that says so. It raises PassedOver.
    Without `is_asked`, rows that were ticked one by one are done without a reason; all that match never are.
    """

    name: str
    verb: str
    model: type[Model]
    permission: str
    description: str
    title: str
    consequence: str
    done: str
    act: Callable[[Item], str] = field(repr=False)
    is_asked: bool = True

    @property
    def key(self) -> str:
        return f"{self.model._meta.label_lower}:{self.name}"


def register(*actions: RowAction) -> None:
    """Register the actions, so that every process can go on with one that was begun."""
    _actions.update({action.key: action for action in actions})


def action_of(bulk: BulkReplay) -> RowAction | None:
    """What `bulk` does to rows; None for a replay or a cancellation of messages, and where its app is not installed."""
    return _actions.get(bulk.filters.get("rows", ""))


def is_of_rows(bulk: BulkReplay) -> bool:
    return "rows" in bulk.filters


def deletion(model: type[Model], *, consequence: str) -> RowAction:
    """Deletes rows of `model`, for who may, and keeps on record what they said."""
    names, permission = str(model._meta.verbose_name_plural), f"{model._meta.app_label}.delete_{model._meta.model_name}"
    return RowAction(
        name="delete_selected",
        verb=Verb.DELETE.value,
        model=model,
        permission=permission,
        description=f"Delete selected {names}",
        title=f"Delete {names}",
        consequence=consequence,
        done="deleted",
        act=partial(_delete, model),
    )


def plain(row: Model) -> dict[str, Any]:
    """What the row says, as the record's JSON holds it: related rows by their keys."""
    return {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}


def start(
    action: RowAction, rows: QuerySet[Any], *, actor: str, reason: str, words: Mapping[str, Any] | None = None
) -> BulkReplay:
    """Write down that `action` is to be done to `rows`, and to which; nothing is done yet."""
    using = rows.db
    with transaction.atomic(using=using):
        bulk = BulkReplay.objects.using(using).create(
            action=action.verb,
            filters={"rows": action.key} | ({"words": dict(words)} if words else {}),
            as_of=database_now(using),
            total=0,
            actor=actor,
            actor_id=user_id_of(actor),
            reason=reason,
        )
        chosen, facts = rows.order_by().values("pk").distinct().query.get_compiler(using).as_sql()
        with connections[using].cursor() as cursor:
            table = BulkItem._meta.db_table
            cursor.execute(
                f"INSERT INTO {table} (bulk_id, row, said) SELECT %s, chosen.*, '' FROM ({chosen}) chosen",  # noqa: S608
                [bulk.pk, *facts],
            )
            bulk.total = cursor.rowcount
        bulk.save(using=using, update_fields=["total"])
    return bulk


def work_on_next(bulk: BulkReplay) -> bool:
    """Do `bulk`'s action to its next row; False once none is left, or if somebody stopped it.

    Two at the same time do no harm: a row's end is written once, within the transaction that does it.
    """
    using = bulk._state.db or DEFAULT_DB_ALIAS
    left = BulkItem.objects.using(using).filter(bulk=bulk, bulk__finished_at=None, is_done=None)
    row = left.order_by("row").values_list("row", flat=True).first()
    if row is None:
        BulkReplay.objects.using(using).filter(pk=bulk.pk, finished_at=None).update(finished_at=Now(), worked_at=Now())
        return False
    item, action = Item(row, bulk), _actions[bulk.filters["rows"]]
    try:
        item.end(is_done=True, said=action.act(item))
    except PassedOver as why:
        item.end(is_done=False, said=str(why))
    except Exception as error:
        if is_not_now(error):
            raise
        report(f"bulk {bulk.action} {bulk.pk}", row, error)
        item.end(is_done=False, said=f"It failed: {type(error).__name__}. The log says where.")
    return True


def passed_over(bulk: BulkReplay) -> QuerySet[BulkItem]:
    """The rows that were passed over; why is what they say."""
    return BulkItem.objects.using(bulk._state.db or DEFAULT_DB_ALIAS).filter(bulk=bulk, is_done=False).order_by("row")


def prune_items(before: datetime, *, using: str = DEFAULT_DB_ALIAS) -> int:
    """Delete the items of actions that ended before then; the record of what was done stays."""
    items, removed = BulkItem.objects.using(using), 0
    while batch := list(items.filter(bulk__finished_at__lt=before).values_list("pk", flat=True)[:PRUNED_AT_ONCE]):
        removed += items.filter(pk__in=batch).delete()[0]
    return removed


def _delete(model: type[Model], item: Item) -> str:
    using = item.bulk._state.db or DEFAULT_DB_ALIAS
    name = f"{str(model._meta.verbose_name).capitalize()} {item.row}"
    with transaction.atomic(using=using):
        row = model._default_manager.using(using).select_for_update().filter(pk=item.row).first()
        if row is None:
            raise PassedOver(f"{name} is gone.")
        item.note(f"{model._meta.model_name}:{row.pk}", before=plain(row))
        try:
            row.delete()
        except (ProtectedError, RestrictedError) as error:
            held = next(iter(getattr(error, "protected_objects", None) or error.restricted_objects))  # type: ignore[union-attr]
            raise PassedOver(f"{name} is kept: {held._meta.verbose_name_plural} refer to it.") from None
    return f"{name} is deleted."
