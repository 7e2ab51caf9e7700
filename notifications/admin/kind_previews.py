"""Admin page that previews a kind's messages on every channel, in any language, and sends them to who asks alone."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.clickjacking import xframe_options_sameorigin

from notifications import kinds, own_preview
from notifications.admin.base import demand, may, page, sees_links
from notifications.content.release import release
from notifications.models import OutboxMessage, Relay
from notifications.recipients.contact_fields import checked
from notifications.selectors.kind_previews import preview_kind
from notifications.selectors.outgoing import Words, words_of

VIEW, PREVIEW = "notifications.view_outboxmessage", "notifications.preview_outboxmessage"
# What may happen in an email's frame: inline styles and pictures. Nothing runs, is submitted or loaded.
EMAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


class Choice(forms.Form):
    """The form: which kind, and for which language and time zone."""

    kind = forms.ChoiceField(choices=lambda: [(name, name) for name in kinds.names()])
    locale = forms.CharField(max_length=16, label="Language")
    time_zone = forms.CharField(max_length=64)

    def clean_locale(self) -> str:
        return str(checked("locale", self.cleaned_data["locale"]))

    def clean_time_zone(self) -> str:
        return str(checked("time_zone", self.cleaned_data["time_zone"]))


def urls(model_admin: admin.ModelAdmin) -> list[URLPattern]:
    """The preview's addresses, under those of `model_admin`."""

    def show(request: HttpRequest) -> HttpResponse:
        demand(request, VIEW)
        choice = _choice(request)
        previews = []
        if choice.is_valid():
            chosen: dict[str, Any] = choice.cleaned_data
            kind = kinds.get(chosen["kind"])
            previews = preview_kind(kind, locale=chosen["locale"], time_zone=chosen["time_zone"])
        ways = own_preview.ways_to(_user(request)) if may(request, PREVIEW) else {}
        return page(
            request,
            model_admin,
            "outboxmessage/preview.html",
            title="Preview of the words",
            choice=choice,
            previews=[(preview, ways.get(preview.channel, "")) for preview in previews],
            query=request.GET.urlencode(),
            release=release(),
            others=[relay for relay in Relay.objects.order_by("pk") if relay.release not in ("", release())],
        )

    def send(request: HttpRequest) -> HttpResponse:
        demand(request, VIEW, PREVIEW)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        choice, channel = Choice(request.POST), request.POST.get("channel", "")
        if not choice.is_valid() or channel not in own_preview.ways_to(_user(request)):
            raise Http404
        chosen: dict[str, Any] = choice.cleaned_data
        kind = kinds.get(chosen["kind"])
        for words in preview_kind(kind, locale=chosen["locale"], time_zone=chosen["time_zone"]):
            if words.channel == channel:
                _send(request, kind.name, words)
        return HttpResponseRedirect(f"{reverse('admin:notifications_preview')}?{urlencode(chosen)}")

    def address(route: str, view: Any, name: str) -> URLPattern:
        pattern: URLPattern = path(route, model_admin.admin_site.admin_view(view), name=f"notifications_{name}")
        return pattern

    return [
        address("preview/", show, "preview"),
        address("preview/send/", send, "preview_send"),
        address("preview/email/", sample_email, "preview_email"),
        address("<int:pk>/email/", message_email, "message_email"),
    ]


def _user(request: HttpRequest) -> AbstractBaseUser:
    """Who is signed in: staff, for the admin lets in nobody else."""
    user: AbstractBaseUser = request.user  # type: ignore[assignment]
    return user


def _send(request: HttpRequest, kind: str, words: Words) -> None:
    """Send it to who asks, and say what came of it."""
    if words.problem or not words.parts.get("text"):
        messages.error(request, f"Nothing was sent: this preview has no text. {words.problem}")
        return
    try:
        sent = own_preview.send_preview(request.user, kind, words)
    except own_preview.TooManyPreviews as error:
        messages.error(request, f"Nothing was sent. {error}")
        return
    if sent is None:
        messages.error(request, f"Nothing was sent: you have opted out of messages by {words.channel}.")
        return
    page_of_it = reverse("admin:notifications_outboxmessage_change", args=[sent.pk])
    messages.success(
        request, format_html('It is on its way to you, as <a href="{}">message {}</a>.', page_of_it, sent.pk)
    )


@xframe_options_sameorigin
def sample_email(request: HttpRequest) -> HttpResponse:
    """The HTML of a kind's email, for a frame."""
    demand(request, VIEW)
    choice = _choice(request)
    if not choice.is_valid():
        raise Http404
    chosen = choice.cleaned_data
    previews = preview_kind(kinds.get(chosen["kind"]), locale=chosen["locale"], time_zone=chosen["time_zone"])
    return _email(next((each.html for each in previews if each.html), ""))


@xframe_options_sameorigin
def message_email(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML of a message, for a frame."""
    demand(request, VIEW)
    try:
        message = OutboxMessage.objects.select_related("recipient").get(pk=pk)
    except OutboxMessage.DoesNotExist:
        raise Http404 from None
    return _email(words_of(message, shows_links=sees_links(request)).html)


def _choice(request: HttpRequest) -> Choice:
    """The chosen values, with defaults for the others."""
    kind = next(iter(kinds.names()), "")
    defaults = {"kind": kind, "locale": settings.LANGUAGE_CODE, "time_zone": settings.TIME_ZONE}
    return Choice(defaults | request.GET.dict())


def _email(html: str) -> HttpResponse:
    if not html:
        raise Http404
    return HttpResponse(html, headers={"Content-Security-Policy": EMAIL_POLICY})
