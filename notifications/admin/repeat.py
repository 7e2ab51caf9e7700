"""The page that sends a message again: on which channel, and why."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from notifications.admin.base import REPEAT, demand, page, sees_links
from notifications.admin.forms import ReasonForm
from notifications.channels import needs_of
from notifications.errors import NotSentAgain
from notifications.models import OutboxMessage
from notifications.operations.record_action import Actor
from notifications.operations.send_again import send_again, ways_again
from notifications.policy.masking import hint
from notifications.selectors.outgoing import words_of


class ChannelForm(ReasonForm):
    """On which channel, of those that reach the recipient."""

    field_order = ("channel", "reason")
    channel = forms.ChoiceField(widget=forms.RadioSelect)

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **words: Any) -> None:
        super().__init__(*args, **words)
        field: Any = self.fields["channel"]
        field.choices = choices
        field.initial = choices[0][0] if choices else None


def again_view(request: HttpRequest, model_admin: admin.ModelAdmin, pk: int) -> HttpResponse:
    """Send one message again, after a look at what it says. Many at once are not: each is somebody's wish."""
    demand(request, "notifications.view_outboxmessage", REPEAT)
    message = get_object_or_404(model_admin.get_queryset(request).select_related("recipient__user"), pk=pk)
    choices = [(channel, f"{channel}, to {_address(message, channel)}") for channel in ways_again(message)]
    form = ChannelForm(request.POST or None, choices=choices)
    if request.method == "POST" and form.is_valid():
        wish, using = form.cleaned_data, message._state.db or "default"
        try:
            repeat = send_again(pk, **wish, actor=Actor.of(request.user), using=using)
        except NotSentAgain as refused:
            messages.warning(request, f"Nothing was sent. {refused}")
            return HttpResponseRedirect(reverse("admin:notifications_outboxmessage_change", args=[pk]))
        messages.success(request, f"It is sent again, as message {repeat.pk}. This is its page.")
        return HttpResponseRedirect(reverse("admin:notifications_outboxmessage_change", args=[repeat.pk]))
    return page(
        request,
        model_admin,
        "outboxmessage/again.html",
        title="Send the message again",
        form=form,
        message=message,
        choices=choices,
        words=words_of(message, shows_links=sees_links(request)),
    )


def _address(message: OutboxMessage, channel: str) -> str:
    needs = needs_of(channel)
    return hint(str(getattr(message.recipient, needs.address_field))) if needs else ""
