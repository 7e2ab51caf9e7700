"""What staff do with several slots at once: copy them, publish them, hide them."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.widgets import AdminDateWidget
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from bookings import series
from bookings.models import Slot
from notifications.operations.record_action import Actor, record


class SeriesForm(forms.Form):
    """Until when slots are copied, week by week."""

    until = forms.DateField(
        label="Until", widget=AdminDateWidget, help_text="the last day on which a copy may start; one copy a week"
    )
    is_published = forms.BooleanField(
        label="Publish the copies", required=False, help_text="otherwise they are hidden until you publish them"
    )


class CopiesSlots(admin.ModelAdmin):
    """The actions, for SlotAdmin."""

    @admin.action(permissions=["add"], description="Copy selected slots every week until a day…")
    def copy_weekly(self, request: HttpRequest, queryset: QuerySet[Slot]) -> HttpResponse | None:
        form = SeriesForm(request.POST if "copy" in request.POST else None)
        if form.is_valid():
            try:
                with transaction.atomic():
                    made = sum(self._copied(request, slot, form) for slot in queryset.order_by("pk"))
            except series.TooManyCopies as error:
                form.add_error("until", str(error))
            else:
                self.message_user(request, f"{made} slot{'s'[: made != 1]} made.", messages.SUCCESS)
                return None
        return self._page(request, queryset, form)

    @admin.action(permissions=["change"], description="Publish selected slots")
    def publish(self, request: HttpRequest, queryset: QuerySet[Slot]) -> None:
        self._show(request, queryset, is_published=True)

    @admin.action(permissions=["change"], description="Hide selected slots: they cannot be booked")
    def hide(self, request: HttpRequest, queryset: QuerySet[Slot]) -> None:
        self._show(request, queryset, is_published=False)

    def _copied(self, request: HttpRequest, slot: Slot, form: SeriesForm) -> int:
        made = series.copy_weekly(slot.pk, **form.cleaned_data)
        note = partial(record, "copy_slot", actor=Actor.of(request.user), subject=f"slot:{slot.pk}")
        note(after={"slots": [copy.pk for copy in made]})
        return len(made)

    def _show(self, request: HttpRequest, slots: QuerySet[Slot], *, is_published: bool) -> None:
        verb = "publish_slot" if is_published else "hide_slot"
        with transaction.atomic():
            ids = list(slots.filter(is_published=not is_published).order_by("pk").values_list("pk", flat=True))
            Slot.objects.filter(pk__in=ids).update(is_published=is_published)
            for pk in ids:
                record(verb, actor=Actor.of(request.user), subject=f"slot:{pk}")
        done = "published" if is_published else "hidden"
        self.message_user(request, f"{len(ids)} slot{'s'[: len(ids) != 1]} {done}.", messages.SUCCESS)

    def _page(self, request: HttpRequest, slots: QuerySet[Slot], form: SeriesForm) -> HttpResponse:
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Copy every week",
            "consequence": "Each copy starts at the same time of the venue's clock. None is made twice.",
            "opts": self.opts,
            "media": self.media + form.media,
            "rows": list(slots[:20]),
            "form": form,
            "action": request.POST.get("action", ""),
            "select_across": request.POST.get("select_across", "0"),
            "chosen": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
            "checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/bookings/series.html", context)
