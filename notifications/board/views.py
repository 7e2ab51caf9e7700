"""The board's page, its part that refreshes itself, and the pages that confirm stopping or draining a relay."""

from typing import Any

from django.contrib import admin, messages
from django.db import router
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notifications.admin.base import COMMAND, MOVE, PAUSE, REPLAY, demand, may
from notifications.admin.forms import ReasonForm
from notifications.board import plots, queries, runbook
from notifications.board.headline import headlines
from notifications.board.snapshot import RECEIPTS, snapshot
from notifications.content.own_paths import path_of
from notifications.content.release import release
from notifications.models import OutboxMessage, Relay
from notifications.monitoring.shard_states import may_be_seen_here
from notifications.monitoring.web_release import tell_release
from notifications.operations.look_at import look_at_dead_letters
from notifications.operations.record_action import Actor
from notifications.operations.relay_commands import RelayCommand, command_relay
from notifications.policy.runbook import TROUBLES
from notifications.selectors.just_failed import MOST_FAILURES, just_failed, unseen_dead_letters

VIEW = "notifications.view_outboxmessage"
VIEW_CHANNEL = "notifications.view_channelstate"
release()  # now, while the files are those that this process runs
REFRESH_SECONDS = 3  # by the script
RELOAD_SECONDS = 15  # of the whole page, without one


@never_cache
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """The whole page."""
    demand(request, VIEW)
    context = {
        **admin.site.each_context(request),
        "title": "Outbox",
        "refresh_seconds": REFRESH_SECONDS,
        "reload_seconds": RELOAD_SECONDS,
        "sees_all_shards": may_be_seen_here(),
    }
    return TemplateResponse(request, "admin/outbox/board.html", context | _figures(request))


@never_cache
@require_safe
def now(request: HttpRequest) -> HttpResponse:
    """The part that changes, as HTML. The script replaces it in the page."""
    demand(request, VIEW)
    return TemplateResponse(request, "admin/outbox/now.html", _figures(request))


@never_cache
def command(request: HttpRequest, pk: int, command: str) -> HttpResponse:
    """Tell a relay to stop or to drain, after a confirmation with a reason."""
    demand(request, VIEW, COMMAND)
    if command not in list(RelayCommand):
        raise Http404(f"A relay cannot be told to {command}.")
    using = router.db_for_write(Relay)
    relay = get_object_or_404(Relay.objects.using(using), pk=pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actor, reason = Actor.of(request.user), form.cleaned_data["reason"]
        if command_relay(pk, RelayCommand(command), actor=actor, reason=reason, using=using):
            messages.success(request, f"Relay {pk} is told to {command}.")
        else:
            messages.warning(request, f"Relay {pk} was already told, or is gone.")
        return HttpResponseRedirect(path_of("outbox:board"))
    context = {
        **admin.site.each_context(request),
        "title": f"{command.capitalize()} relay {pk}",
        "relay": relay,
        "is_stop": command == RelayCommand.STOP,
        "others": Relay.objects.using(using).exclude(pk=pk).count(),
        "form": form,
    }
    return TemplateResponse(request, "admin/outbox/command.html", context)


@never_cache
def look_at(request: HttpRequest) -> HttpResponse:
    """Mark the dead letters as looked at, with a reason: the headline then names only what fails later."""
    demand(request, VIEW, REPLAY)
    using = router.db_for_write(OutboxMessage)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        look_at_dead_letters(actor=Actor.of(request.user), reason=form.cleaned_data["reason"], using=using)
        messages.success(request, "The dead letters are marked as looked at.")
        return HttpResponseRedirect(path_of("outbox:board"))
    context = {
        **admin.site.each_context(request),
        "title": "Mark the dead letters as looked at",
        "groups": just_failed(using),
        "unseen": unseen_dead_letters(using),
        "form": form,
    }
    return TemplateResponse(request, "admin/outbox/look_at.html", context)


@never_cache
@require_safe
def runbook_page(request: HttpRequest, name: str) -> HttpResponse:
    """What a trouble means, what to do, and where."""
    demand(request, VIEW)
    if (trouble := TROUBLES.get(name)) is None:
        raise Http404("The runbook has no such trouble.")
    channel, code = (request.GET.get(each, "")[:64].replace("\x00", "") for each in ("channel", "code"))
    context = {
        **admin.site.each_context(request),
        "title": f"What to do: {trouble.sees.replace('*', '')}",
        "trouble": trouble,
        "channel": channel,
        "code": code,
        "cause": runbook.cause(code),
        "ways": runbook.ways(trouble, channel=channel, code=code),
        "transactions": runbook.transactions(trouble, router.db_for_write(OutboxMessage)),
        "others": [(each, runbook.address(each)) for each in TROUBLES.values() if each is not trouble],
    }
    return TemplateResponse(request, "admin/outbox/runbook.html", context)


def _figures(request: HttpRequest) -> dict[str, Any]:
    tell_release(router.db_for_write(OutboxMessage))
    shown = snapshot(router.db_for_write(OutboxMessage))  # never from a replica
    return {
        "board": shown,
        "headlines": headlines(shown),
        "hour_plots": plots.plots(shown.hour, per="minute"),
        "day_plots": plots.plots(shown.day, per="10 minutes"),
        "receipt_words": RECEIPTS,
        "most_failures": MOST_FAILURES,
        "most_receipts": queries.MOST_RECEIPTS,
        "may_replay": may(request, REPLAY),
        "may_pause": may(request, PAUSE) and may(request, VIEW_CHANNEL),
        "may_move": may(request, MOVE) and may(request, VIEW_CHANNEL),
        "most_delivered": queries.MOST_DELIVERED,
        "may_command": may(request, COMMAND),
    }
