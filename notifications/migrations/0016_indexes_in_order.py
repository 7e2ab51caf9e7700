from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('notifications', '0015_held_messages'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='outboxmessage',
            index=models.Index(
                condition=models.Q(('status', 'failed')),
                fields=['-id', 'kind', 'channel', 'error_code'],
                name='message_failed',
            ),
        ),
        AddIndexConcurrently(
            model_name='recipient',
            index=models.Index(
                Upper('email'), models.F('id'), condition=models.Q(('email', ''), _negated=True), name='recipient_of_email'
            ),
        ),
        RemoveIndexConcurrently(
            model_name='outboxmessage',
            name='message_dead_letter',
        ),
        RemoveIndexConcurrently(
            model_name='recipient',
            name='recipient_by_email',
        ),
    ]
