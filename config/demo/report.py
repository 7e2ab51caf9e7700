"""The demo's summary, for people and as one line of JSON."""

import json
import statistics

from config.demo.run import Result
from config.demo.seed import PASSWORD, STAFF
from config.demo.stage import Stage


def summary(result: Result, *, seconds: float) -> dict[str, float]:
    """The figures, by name."""
    audit = result.audit
    return {
        "bookings": sum(len(journal.bookings) for journal in result.journals),
        "messages": audit.messages,
        "sent": audit.sent,
        "failed": audit.failed,
        "lost": len(audit.lost),
        "out_of_order": audit.out_of_order,
        "duplicates": audit.duplicates,
        "seconds": round(seconds, 1),
    }


def as_json(result: Result, *, seconds: float) -> str:
    """The figures as one line."""
    return json.dumps(summary(result, seconds=seconds))


def for_people(result: Result, *, seconds: float) -> str:
    """What happened, as text."""
    figures, audit = summary(result, seconds=seconds), result.audit
    took = sorted(second * 1000 for journal in result.journals for second in journal.verification_seconds)
    median, p95 = statistics.median(took), took[int(len(took) * 0.95) - 1]
    lines = [
        f"{figures['bookings']} bookings by {len(result.journals)} customers, in {seconds:.1f} s all in all",
        "",
        "  Verifying a payment took (booking and messages written, answer received)",
        f"      {median:.1f} ms at the median, {p95:.1f} ms at the 95th percentile, {took[-1]:.1f} ms at most",
        "",
        "  What the providers received of the messages that were promised",
        *(
            f"      {channel:9} {audit.sent_by_channel[channel]:5} sent, {audit.refused_by_channel[channel]} refused"
            for channel in ("sms", "whatsapp", "email")
        ),
        f"      {audit.retried} messages went out only after a retry",
        f"      {audit.failed} ended in the dead letter{':' if result.failures else ''}",
        *(f"          booking {booking}, {channel}: {why}" for (booking, channel), why in result.failures.items()),
        "",
        f"  Lost {figures['lost']}, out of order {figures['out_of_order']}, twice {figures['duplicates']},",
        f"  of {figures['messages']} messages, counted at the providers",
    ]
    if result.left_over:
        lines.append(f"  An earlier demo had left {result.left_over} messages; they went out first.")
    return "\n".join(lines)


def is_good(result: Result) -> bool:
    """Whether every promise was kept."""
    return not (result.audit.lost or result.audit.out_of_order or result.audit.duplicates)


def addresses(stage: Stage) -> str:
    """The addresses and logins to try while the demo keeps running."""
    return "\n".join(
        [
            "Everything stays up until Ctrl-C:",
            "",
            f"  Customers  {stage.web}/           (create an account, or sign in as customer1, password {PASSWORD})",
            f"  Inbox      {stage.providers.http_url}/_sandbox/  (all messages arrive here, also the codes)",
            f"  Admin      {stage.web}/admin/     (log in as {STAFF}, password {PASSWORD})",
            f"  API        {stage.web}/api/docs/  (customer1 and so on, password {PASSWORD})",
            f"  Gateway    {stage.gateway}/v1/orders/<order_id>/pay  (a POST there pays an order)",
        ]
    )
