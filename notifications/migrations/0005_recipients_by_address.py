import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('notifications', '0004_operator_actions_and_origin'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='recipient',
            index=models.Index(condition=models.Q(('phone', ''), _negated=True), fields=['phone'], name='recipient_by_phone'),
        ),
        AddIndexConcurrently(
            model_name='recipient',
            index=models.Index(django.db.models.functions.text.Upper('email'), condition=models.Q(('email', ''), _negated=True), name='recipient_by_email'),
        ),
    ]
