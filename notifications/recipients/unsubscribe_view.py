"""Where an unsubscribe link leads (RFC 8058). A POST ends the subscription, at once and without a login: mailbox
providers send it for their users. A GET changes nothing, because link checkers follow links; it shows a button. The
page is in the language of the message that the link came in.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications.content.localization import language_of, localized
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
    with localized(recipient.locale, recipient.time_zone):
        said = {"channel": _named(subscription.channel), "is_done": is_done}
        answer = render(request, "notifications/unsubscribe.html", said)
    answer["Referrer-Policy"] = "no-referrer"  # the address is a key
    answer["Content-Language"] = language_of(recipient.locale)
    return answer


def _named(channel: str) -> str:
    """As people call it; a channel of the project's own by its name."""
    return {"sms": "SMS", "whatsapp": "WhatsApp", "email": _("email")}.get(channel, channel)
