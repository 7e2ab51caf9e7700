"""Admin page that previews a kind's messages on every channel, in any language. It sends nothing."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.clickjacking import xframe_options_sameorigin

from notifications import kinds
from notifications.admin.base import demand, page
from notifications.models import OutboxMessage
from notifications.recipients.contact_fields import checked
from notifications.selectors.kind_previews import preview_kind
from notifications.selectors.outgoing import words_of

VIEW = "notifications.view_outboxmessage"
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
        return page(
            request,
            model_admin,
            "outboxmessage/preview.html",
            title="Preview of the words",
            choice=choice,
            previews=previews,
            query=request.GET.urlencode(),
        )

    def address(route: str, view: Any, name: str) -> URLPattern:
        pattern: URLPattern = path(route, model_admin.admin_site.admin_view(view), name=f"notifications_{name}")
        return pattern

    return [
        address("preview/", show, "preview"),
        address("preview/email/", sample_email, "preview_email"),
        address("<int:pk>/email/", message_email, "message_email"),
    ]


@xframe_options_sameorigin
def sample_email(request: HttpRequest) -> HttpResponse:
    """The HTML of a kind's email, for a frame."""
    demand(request, VIEW)
    choice = _choice(request)
    if not choice.is_valid():
        raise Http404
    chosen = choice.cleaned_data
    previews = preview_kind(kinds.get(chosen["kind"]), locale=chosen["locale"], time_zone=chosen["time_zone"])
    return _email(next((each.parts["html"] for each in previews if "html" in each.parts), ""))


@xframe_options_sameorigin
def message_email(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML of a message, for a frame."""
    demand(request, VIEW)
    try:
        message = OutboxMessage.objects.select_related("recipient").get(pk=pk)
    except OutboxMessage.DoesNotExist:
        raise Http404 from None
    return _email(words_of(message).parts.get("html", ""))


def _choice(request: HttpRequest) -> Choice:
    """The chosen values, with defaults for the others."""
    kind = next(iter(kinds.names()), "")
    defaults = {"kind": kind, "locale": settings.LANGUAGE_CODE, "time_zone": settings.TIME_ZONE}
    return Choice(defaults | request.GET.dict())


def _email(html: str) -> HttpResponse:
    if not html:
        raise Http404
    return HttpResponse(html, headers={"Content-Security-Policy": EMAIL_POLICY})
