"""django-post-office, measured where it publishes to many: `send_many`, with texts rendered at the delivery."""

from post_office import mail
from post_office.models import Email, EmailTemplate

from tests.benchmarks.contenders.base import Peer
from tests.benchmarks.processes import Processes
from tests.benchmarks.work import CONTEXT, Missing, Work

TEMPLATE = "benchmark"


class PostOffice(Peer):
    """Its queue is a table of emails; what empties the table is started by cron."""

    name = "post_office"
    described = "django-post-office, whose emails are rendered at the delivery"
    keeps_order = False
    keeps = "the email's row"

    def refuse(self, work: Work) -> None:
        raise Missing("measured only where it publishes to many")

    def seed(self, work: Work) -> None:
        Email.objects.all().delete()
        EmailTemplate.objects.get_or_create(name=TEMPLATE, subject="{{ title }}", content="{{ title }}")

    def start(self, work: Work, processes: Processes) -> None:
        self.refuse(work)

    def announce_thrice(self, number: int, user: int) -> None:
        raise Missing("measured only where it publishes to many")

    def announce_to_many(self, users: int) -> None:
        template = EmailTemplate.objects.get(name=TEMPLATE)
        mail.send_many(
            {
                "recipients": [f"user{user}@example.com"],
                "sender": "us@example.com",
                "template": template,
                "context": CONTEXT,
                "render_on_delivery": True,
            }
            for user in range(1, users + 1)
        )
