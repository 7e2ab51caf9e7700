"""Where an unsubscribe link leads (RFC 8058). A POST ends the subscription, at once and without a login: mailbox
providers send it for their users. A GET changes nothing, because link checkers follow links; it shows a button.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications.content.unsubscribe_links import InvalidLink, read
from notifications.models import Recipient
from notifications.recipients import opt_outs


@csrf_exempt  # the link is the permission, and whoever follows it has no session
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or do it."""
    try:
        subscription = read(token)
        recipient = Recipient.objects.get(pk=subscription.recipient_id)
    except (InvalidLink, Recipient.DoesNotExist):
        raise Http404 from None
    is_done = request.method == "POST"
    if is_done:
        opt_outs.opt_out(recipient, channel=subscription.channel, purpose=subscription.purpose, how=opt_outs.How.LINK)
    answer = render(request, "notifications/unsubscribe.html", {"subscription": subscription, "is_done": is_done})
    answer["Referrer-Policy"] = "no-referrer"  # the address is a key
    return answer
