"""Browsers that take push messages. A table of its own: nothing else is touched."""


import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0034_money_is_counted'),
    ]

    operations = [
        migrations.CreateModel(
            name='PushSubscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('endpoint', models.CharField(help_text='its address at its push service', max_length=1000)),
                ('p256dh', models.CharField(help_text='its public key, base64url', max_length=100)),
                ('auth', models.CharField(help_text='its secret, base64url', max_length=32)),
                ('browser', models.CharField(blank=True, db_default='', help_text='what it calls itself', max_length=100)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='push_subscriptions', to='notifications.recipient')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('endpoint',), name='push_subscription_is_one_per_browser'), models.CheckConstraint(condition=models.Q(('endpoint__regex', '^https?://')), name='push_subscription_has_an_address')],
            },
        ),
    ]
