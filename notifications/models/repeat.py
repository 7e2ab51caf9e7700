"""The table of repeats: which message was written to send another one again."""

from django.db import models


class Repeat(models.Model):
    """`message` was written to send `original` again. A repeat of a repeat has the same original.

    A table of its own: few messages are sent again, and a column would be written with every one. The database does not
    check the foreign keys, so code that does not know this table can go on to prune messages.
    """

    message = models.OneToOneField(
        "OutboxMessage", on_delete=models.CASCADE, db_constraint=False, related_name="repeat_of"
    )
    original = models.ForeignKey("OutboxMessage", on_delete=models.CASCADE, db_constraint=False, related_name="repeats")

    def __str__(self) -> str:
        return f"message {self.message_id} sends {self.original_id} again"
