"""Indexes for refunds that are due, and for what staff have not been told; made without a lock on their tables."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('bookings', '0002_gateway_states_and_moves'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='payment',
            index=models.Index(condition=models.Q(('decision', 'wanted')), fields=['id'], name='payment_to_decide'),
        ),
        AddIndexConcurrently(
            model_name='refund',
            index=models.Index(condition=models.Q(('status__in', ['requested', 'pending'])), fields=['next_try_at'], name='refund_to_go_on_with'),
        ),
        AddIndexConcurrently(
            model_name='refund',
            index=models.Index(condition=models.Q(('staff_told_at__isnull', True), ('status', 'failed')), fields=['id'], name='refund_failure_to_tell'),
        ),
        RemoveIndexConcurrently(
            model_name='refund',
            name='refund_to_execute',
        ),
    ]
