"""Staff reset the second factors of other users, of one or of all that a list shows: who may do no more than they."""

from typing import Any

from django.contrib.auth.models import User

from config import second_factor
from notifications.operations.bulk_rows import Item, PassedOver, RowAction


def may_do_no_more(user: User, *, than: Any) -> bool:
    """Whether `user` has no permission that the user `than` lacks."""
    if than.is_superuser:
        return True
    return bool(not user.is_superuser and user.get_all_permissions() <= than.get_all_permissions())


def _reset(item: Item) -> str:
    found = User.objects.in_bulk([item.row, item.actor.user_id or 0])
    user, asker = found.get(item.row), found.get(item.actor.user_id or 0)
    if user is None:
        raise PassedOver(f"User {item.row} is gone.")
    if asker is None or user == asker or not may_do_no_more(user, than=asker):
        raise PassedOver(f"You may not reset {user}'s second factor.")
    second_factor.reset(user, actor=item.actor, reason=item.reason)
    return f"{user}'s second factor is reset."


RESET_SECOND_FACTORS = RowAction(
    name="reset_second_factor",
    verb="reset_factor",
    model=User,
    permission="auth.change_user",
    description="Reset the second factor of selected users",
    title="Reset second factors",
    consequence="Their apps' codes and backup codes stop working, and their tokens end. They enrol again.",
    done="reset",
    act=_reset,
)
