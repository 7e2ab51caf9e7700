"""A recipient's pages beside the lane: what they got, staff's notes about them, and the correction of an address."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse

from notifications.admin import message_actions
from notifications.admin.base import CHANGE_ADDRESS, demand, may, page, sees_addresses, sees_links
from notifications.admin.forms import AddressForm
from notifications.errors import InvalidContact
from notifications.models import Recipient
from notifications.models.note import MOST_NOTE, Note
from notifications.operations.correct_address import ADDRESSES, correct_address
from notifications.operations.record_action import Actor
from notifications.operations.write_note import write_note
from notifications.policy.masking import hint
from notifications.selectors.history import SEARCHED, history_of
from notifications.selectors.search import id_in

VIEW = "notifications.view_outboxmessage"
VIEW_NOTES, ADD_NOTE = "notifications.view_note", "notifications.add_note"
WORDS = {"phone": "phone number", "email": "email address"}
MOST_NOTES, MOST_SEARCH = 50, 100


class NoteForm(forms.Form):
    """What the next one who looks should know."""

    text = forms.CharField(
        max_length=MOST_NOTE,
        label="A new note",
        help_text="Kept with your name, as it is written. Nobody can change it. It goes when the person is forgotten.",
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
    )


def urls(model_admin: admin.ModelAdmin) -> list[URLPattern]:
    """The pages' addresses, under those of `model_admin`."""

    def address(route: str, view: Any, name: str) -> URLPattern:
        def shown(request: HttpRequest, **words: Any) -> HttpResponse:
            answer: HttpResponse = view(request, model_admin, **words)
            return answer

        pattern: URLPattern = path(route, model_admin.admin_site.admin_view(shown), name=f"notifications_{name}")
        return pattern

    return [
        address("<int:pk>/got/", history_view, "recipient_got"),
        address("<int:pk>/note/", note_view, "recipient_note"),
        address("<int:pk>/address/<slug:field>/", address_view, "recipient_address"),
        address("of-user/<int:user>/", user_view, "recipient_of_user"),
    ]


def person_of(request: HttpRequest, recipient: Recipient) -> dict[str, Any]:
    """What each page about a person shows of them: their addresses, what may be done, and the notes."""
    sees = sees_addresses(request)
    addresses = {WORDS[field]: getattr(recipient, field) for field in ADDRESSES}
    may_change = may(request, CHANGE_ADDRESS) and not recipient.erased_at
    notes = Note.objects.using(recipient._state.db).filter(recipient=recipient).order_by("-pk")
    return {
        "addresses": {word: (each if sees else hint(each)) for word, each in addresses.items() if each},
        "corrections": WORDS if may_change else {},
        "notes": list(notes[:MOST_NOTES]) if may(request, VIEW_NOTES) else [],
        "note_form": NoteForm() if may(request, ADD_NOTE) and not recipient.erased_at else None,
    }


def history_view(request: HttpRequest, model_admin: admin.ModelAdmin, pk: int) -> HttpResponse:
    """What a person got, by all channels, the latest first: searched in the words too, and fit to be printed."""
    demand(request, VIEW)
    recipient = _recipient(request, model_admin, pk)
    term = request.GET.get("q", "").replace("\x00", "").strip()[:MOST_SEARCH]
    using = recipient._state.db or "default"
    how: dict[str, Any] = {"using": using, "shows_links": sees_links(request)}
    history = history_of(recipient, search=term, before=id_in(request.GET.get("before", "")), **how)
    sees = sees_addresses(request)
    return page(
        request,
        model_admin,
        "recipient/history.html",
        title=f"What {recipient.user or recipient} got",
        recipient=recipient,
        person=person_of(request, recipient),
        term=term,
        searched=SEARCHED,
        history=history,
        entries=_shown(request, history.entries, sees=sees),
        waiting=_shown(request, history.waiting, sees=sees),
    )


def note_view(request: HttpRequest, model_admin: admin.ModelAdmin, pk: int) -> HttpResponse:
    """Write a note about a person."""
    demand(request, VIEW, ADD_NOTE)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    recipient = _recipient(request, model_admin, pk)
    form, using = NoteForm(request.POST), recipient._state.db or "default"
    if not form.is_valid():
        messages.error(request, f"The note was not kept. {' '.join(map(str, form.errors['text']))}")
    elif write_note(pk, form.cleaned_data["text"], actor=Actor.of(request.user), using=using):
        messages.success(request, "The note is kept.")
    else:
        messages.error(request, "This person was forgotten: nothing is kept of them any more.")
    return HttpResponseRedirect(reverse("admin:notifications_recipient_got", args=[pk]))


def address_view(request: HttpRequest, model_admin: admin.ModelAdmin, pk: int, field: str) -> HttpResponse:
    """Correct a person's phone number or email address, whether or not a message failed."""
    demand(request, VIEW, CHANGE_ADDRESS)
    recipient = _recipient(request, model_admin, pk)
    if field not in ADDRESSES or recipient.erased_at:
        raise Http404
    form = AddressForm(request.POST or None, initial={"address": getattr(recipient, field)})
    if request.method == "POST" and form.is_valid():
        using = recipient._state.db or "default"
        try:
            correct_address(pk, field=field, **form.cleaned_data, actor=Actor.of(request.user), using=using)
        except InvalidContact as error:
            message_actions.tell(form, error, field=field)
        else:
            messages.success(request, f"The {WORDS[field]} is changed.")
            return HttpResponseRedirect(reverse("admin:notifications_recipient_lane", args=[pk]))
    return page(
        request,
        model_admin,
        "recipient/address.html",
        title=f"Correct the {WORDS[field]}",
        recipient=recipient,
        form=form,
    )


def user_view(request: HttpRequest, model_admin: admin.ModelAdmin, user: int) -> HttpResponse:
    """To what this user got."""
    demand(request, VIEW)
    recipient = model_admin.get_queryset(request).filter(user_id=user).first()
    if recipient is None:
        raise Http404("Nothing was ever published for this user.")
    return HttpResponseRedirect(reverse("admin:notifications_recipient_got", args=[recipient.pk]))


def _recipient(request: HttpRequest, model_admin: admin.ModelAdmin, pk: int) -> Recipient:
    found: Recipient = get_object_or_404(model_admin.get_queryset(request).select_related("user"), pk=pk)
    return found


def _shown(request: HttpRequest, entries: list[Any], *, sees: bool) -> list[tuple[Any, str, Any]]:
    """Each entry with its address as the user may see it, and what they may do about it."""
    return [
        (entry, entry.address if sees else hint(entry.address), message_actions.actions_on(request, entry.message))
        for entry in entries
    ]
