"""The actions on a message, and the pages that ask for a confirmation and a reason before each."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from notifications.admin.base import CANCEL, CHANGE_ADDRESS, REPEAT, REPLAY, demand, may, page
from notifications.admin.forms import AddressForm, Ids, MomentForm, ReasonForm
from notifications.errors import InvalidContact
from notifications.lifecycle import WAITING, Status
from notifications.models import OutboxMessage
from notifications.operations.correct_address import correct_address
from notifications.operations.record_action import Actor
from notifications.operations.replay import cancel
from notifications.operations.reschedule import reschedule
from notifications.operations.send_again import ways_again
from notifications.policy.masking import hint
from notifications.selectors.outgoing import address_field_of, address_of

SHOWN = 20
REPEATED = (Status.SENT, Status.FAILED)


@dataclass(frozen=True, slots=True)
class Action:
    """A link to the page of one action."""

    words: str
    url: str
    is_dangerous: bool = False


def actions_on(request: HttpRequest, message: OutboxMessage) -> list[Action]:
    """The actions that the user may take on `message` now."""
    ids = urlencode({"ids": message.pk})
    actions = []
    is_failed = message.status == Status.FAILED
    if is_failed and may(request, REPLAY):
        actions.append(Action("Replay…", f"{reverse('admin:notifications_outboxmessage_replay')}?{ids}"))
    if (is_failed and may(request, REPLAY)) or message.status in WAITING:
        actions += _address_action(request, message, then="replay" if is_failed else "")
    if message.status in REPEATED and may(request, REPEAT) and ways_again(message):
        actions.append(Action("Send again…", reverse("admin:notifications_outboxmessage_again", args=[message.pk])))
    if message.waits_for_its_moment and may(request, CANCEL):
        actions.append(Action("Move…", reverse("admin:notifications_outboxmessage_move", args=[message.pk])))
    if message.status in WAITING and may(request, CANCEL):
        address = f"{reverse('admin:notifications_outboxmessage_cancel')}?{ids}"
        actions.append(Action("Cancel…", address, is_dangerous=True))
    return actions


def cancel_view(request: HttpRequest, model_admin: admin.ModelAdmin) -> HttpResponse:
    """Cancel waiting messages, after a confirmation with a reason."""
    demand(request, "notifications.view_outboxmessage", CANCEL)
    ids = _chosen(request)
    waiting = model_admin.get_queryset(request).filter(pk__in=ids, status__in=WAITING)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        cancelled = cancel(ids, actor=Actor.of(request.user), reason=reason, using=waiting.db)
        said = f"Cancelled {len(cancelled)} of {len(ids)} messages."
        messages.add_message(request, messages.SUCCESS if cancelled else messages.WARNING, said)
        return _back(ids)
    chosen = list(waiting.select_related("recipient__user").order_by("pk"))
    return page(
        request,
        model_admin,
        "outboxmessage/cancel.html",
        title="Cancel messages",
        form=form,
        ids=ids,
        chosen=[(message, hint(address_of(message))) for message in chosen[:SHOWN]],
        total=len(chosen),
    )


def move_view(request: HttpRequest, model_admin: admin.ModelAdmin, pk: int) -> HttpResponse:
    """Have a message that waits for its moment sent at another one."""
    demand(request, "notifications.view_outboxmessage", CANCEL)
    message = get_object_or_404(model_admin.get_queryset(request).select_related("recipient__user"), pk=pk)
    form = MomentForm(request.POST or None, initial={"send_at": message.send_at})
    if request.method == "POST" and form.is_valid():
        words = form.cleaned_data
        actor, using = Actor.of(request.user), message._state.db or "default"
        moved = reschedule([pk], send_at=words["send_at"], actor=actor, reason=words["reason"], using=using)
        if moved:
            messages.success(request, "The message is moved.")
        else:
            messages.warning(request, "The message is due already: nothing was moved.")
        return _back([pk])
    return page(request, model_admin, "outboxmessage/move.html", title="Move the message", form=form, message=message)


def address_view(request: HttpRequest, model_admin: admin.ModelAdmin, pk: int) -> HttpResponse:
    """Correct a message's address, and replay the message if it failed, in one transaction."""
    demand(request, "notifications.view_outboxmessage", CHANGE_ADDRESS)
    message = get_object_or_404(model_admin.get_queryset(request).select_related("recipient__user"), pk=pk)
    is_failed = message.status == Status.FAILED
    if is_failed:
        demand(request, REPLAY)
    field = address_field_of(message)
    form = AddressForm(request.POST or None, initial={"address": address_of(message)})
    if request.method == "POST" and form.is_valid() and field:
        try:
            replayed = correct_address(
                message.recipient_id,
                field=field,
                address=form.cleaned_data["address"],
                actor=Actor.of(request.user),
                reason=form.cleaned_data["reason"],
                replaying=[message.pk] if is_failed else [],
                using=message._state.db or "default",
            )
        except InvalidContact as error:
            tell(form, error, field=field)
        else:
            done = "The address is changed, and the message replayed." if replayed else "The address is changed."
            messages.success(request, done)
            return _back([pk])
    return page(
        request,
        model_admin,
        "outboxmessage/address.html",
        title=f"Correct the {field or 'address'}" + (" and replay" if is_failed else ""),
        form=form,
        message=message,
        field=field,
        is_failed=is_failed,
    )


def tell(form: forms.Form, error: InvalidContact, *, field: str) -> None:
    """Say beside the address what is wrong with it."""
    form.add_error("address", " ".join(error.errors.get(field, [str(error)])))


def _chosen(request: HttpRequest) -> tuple[int, ...]:
    try:
        return tuple(Ids(required=False).clean((request.POST or request.GET).getlist("ids")))
    except ValidationError as error:
        raise BadRequest(error.messages[0]) from None


def _address_action(request: HttpRequest, message: OutboxMessage, *, then: str) -> list[Action]:
    field = address_field_of(message)
    if not field or not may(request, CHANGE_ADDRESS):
        return []
    name = {"phone": "phone number", "email": "email address"}[field]
    words = f"Correct {name} and replay…" if then else f"Correct {name}…"
    return [Action(words, reverse("admin:notifications_outboxmessage_address", args=[message.pk]))]


def _back(ids: list[int] | tuple[int, ...]) -> HttpResponse:
    """To the message, if it is one; to the list, if it is several."""
    if len(ids) == 1:
        return HttpResponseRedirect(reverse("admin:notifications_outboxmessage_change", args=[ids[0]]))
    return HttpResponseRedirect(reverse("admin:notifications_outboxmessage_changelist"))
