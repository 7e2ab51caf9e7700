"""The tables of the outbox, and how autovacuum looks after them (PostgreSQL, "Routine Vacuuming")."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


# By default autovacuum begins when a fifth of a table is dead: with five million messages, after a million. A message's
# row is written five times in its life, and a claim reads past every dead entry in front of the index of what is due.
SETTINGS = {
    # Messages: begin at 5,000 dead rows and a fiftieth of the table; statistics follow closely, because the planner must
    # know that what is pending is a handful among millions.
    "notifications_outboxmessage": {
        "autovacuum_vacuum_threshold": 5000,
        "autovacuum_vacuum_scale_factor": 0.02,
        "autovacuum_vacuum_insert_scale_factor": 0.05,
        "autovacuum_analyze_scale_factor": 0.02,
    },
    # Attempts are only inserted, and pruned in crowds: freeze them in small steps instead of all at once years later.
    "notifications_deliveryattempt": {
        "autovacuum_vacuum_scale_factor": 0.05,
        "autovacuum_vacuum_insert_scale_factor": 0.05,
        "autovacuum_analyze_scale_factor": 0.05,
    },
    # Recipients are locked by every publication and settle: locks shared with foreign keys leave multixacts behind,
    # which only vacuum retires.
    "notifications_recipient": {"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.05},
    # A row for each relay, written twice a second, and one for each channel: room on the page keeps each new version
    # beside the old one, out of the index; vacuum begins at 100 dead rows, whatever the table's size.
    "notifications_relay": {
        "fillfactor": 20,
        "autovacuum_vacuum_threshold": 100,
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_analyze_threshold": 1000,
    },
    "notifications_channelstate": {
        "fillfactor": 20,
        "autovacuum_vacuum_threshold": 100,
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_analyze_threshold": 1000,
    },
}


def _operation(table: str, options: dict[str, float]) -> migrations.RunSQL:
    """Takes a lock that neither readers nor writers wait for (SHARE UPDATE EXCLUSIVE)."""
    chosen = ", ".join(f"{name} = {value}" for name, value in options.items())
    return migrations.RunSQL(
        f"ALTER TABLE {table} SET ({chosen})", reverse_sql=f"ALTER TABLE {table} RESET ({', '.join(options)})"
    )


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Relay',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('host', models.CharField(max_length=255)),
                ('pid', models.IntegerField()),
                ('concurrency', models.IntegerField()),
                ('in_flight', models.IntegerField(default=0)),
                ('started_at', models.DateTimeField()),
                ('heartbeat_at', models.DateTimeField()),
                ('lease_until', models.DateTimeField()),
                ('command', models.CharField(blank=True, db_default='', help_text='stop or drain: what somebody told it to do', max_length=8)),
                ('counted_to', models.BigIntegerField(db_default=0, help_text='the attempt up to which its own are counted')),
                ('load', models.FloatField(help_text='of its host: processes that run or wait, averaged over a minute', null=True)),
            ],
            options={
                'permissions': [('command_relay', 'Can stop and drain relays')],
                'constraints': [models.CheckConstraint(condition=models.Q(('command__in', ['', 'stop', 'drain'])), name='relay_command_is_known')],
            },
        ),
        migrations.CreateModel(
            name='PublishedKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('published_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('key',), name='dedupe_key_is_used_once')],
            },
        ),
        migrations.CreateModel(
            name='Recipient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('phone', models.CharField(blank=True, help_text='E.164, for example +14155550123', max_length=16)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('locale', models.CharField(default='en', max_length=16)),
                ('time_zone', models.CharField(default='UTC', max_length=64)),
                ('user', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('opt_outs', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, db_default=models.Value([], output_field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None)), default=list, help_text='what is not wanted, as `notifications.policy.consent` writes it: sms, or sms:reminder', size=None)),
            ],
            options={
                'permissions': [('change_recipient_address', "Can change a recipient's phone number and email address")],
                'indexes': [models.Index(condition=models.Q(('phone', ''), _negated=True), fields=['phone'], name='recipient_by_phone'), models.Index(django.db.models.functions.text.Upper('email'), models.F('id'), condition=models.Q(('email', ''), _negated=True), name='recipient_of_email')],
                'constraints': [models.CheckConstraint(condition=models.Q(('phone', ''), ('phone__regex', '^\\+[1-9][0-9]{1,14}$'), _connector='OR'), name='recipient_phone_is_e164')],
            },
        ),
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lane', models.CharField(blank=True, help_text="empty: the recipient's one lane; else the channel's", max_length=32)),
                ('kind', models.CharField(max_length=64)),
                ('channel', models.CharField(max_length=32)),
                ('context', models.JSONField()),
                ('dedupe_key', models.CharField(blank=True, max_length=200)),
                ('reference', models.CharField(blank=True, help_text='what the message is about, as the publisher names it', max_length=100)),
                ('status', models.CharField(choices=[('queued', 'queued'), ('pending', 'pending'), ('sending', 'sending'), ('sent', 'sent'), ('failed', 'failed'), ('cancelled', 'cancelled'), ('expired', 'expired')], max_length=16)),
                ('claim_number', models.BigIntegerField(db_default=0)),
                ('attempts', models.IntegerField(db_default=0)),
                ('rescues', models.IntegerField(db_default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('next_attempt_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('claimed_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('provider_id', models.CharField(blank=True, db_default='', max_length=255)),
                ('receipt', models.CharField(blank=True, db_default='', help_text='delivered, undelivered, read, bounced', max_length=16)),
                ('error_code', models.CharField(blank=True, db_default='', max_length=64)),
                ('error_detail', models.TextField(blank=True, db_default='')),
                ('recipient', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='notifications.recipient')),
                ('relay', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='notifications.relay')),
                ('origin', models.CharField(blank=True, db_default='', help_text='the request, command or schedule that published it', max_length=160)),
                ('traceparent', models.CharField(blank=True, db_default='', help_text='the W3C trace context it was published in, if traced', max_length=55)),
                ('unknown_since', models.DateTimeField(help_text='when the first attempt began of which nobody knows whether it was accepted', null=True)),
            ],
            options={
                'permissions': [('replay_outboxmessage', 'Can replay failed messages'), ('cancel_outboxmessage', 'Can cancel waiting messages')],
                'indexes': [models.Index(condition=models.Q(('status', 'pending')), fields=['channel', 'next_attempt_at', 'id'], name='message_due'), models.Index(condition=models.Q(('status', 'queued')), fields=['recipient', 'lane', 'id'], name='message_next_in_lane'), models.Index(condition=models.Q(('status', 'sending')), fields=['relay'], name='message_in_flight'), models.Index(condition=models.Q(('lane', '(held)'), ('status', 'queued')), fields=['next_attempt_at'], name='message_held'), models.Index(condition=models.Q(('status__in', ['cancelled', 'expired', 'failed', 'sent'])), fields=['recipient', 'id'], name='message_ended_of_recipient'), models.Index(condition=models.Q(('status', 'failed')), fields=['-id', 'kind', 'channel', 'error_code'], name='message_failed')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['queued', 'pending', 'sending', 'sent', 'failed', 'cancelled', 'expired'])), name='message_status_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('relay__isnull', False), ('status', 'sending')), models.Q(models.Q(('status', 'sending'), _negated=True), ('relay__isnull', True)), _connector='OR'), name='message_has_a_relay_only_while_sending'), models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('status__in', ['cancelled', 'expired', 'failed', 'sent'])), models.Q(models.Q(('status__in', ['cancelled', 'expired', 'failed', 'sent']), _negated=True), ('finished_at__isnull', True)), _connector='OR'), name='message_is_finished_only_when_terminal'), models.CheckConstraint(condition=models.Q(('attempts__gte', 0), ('claim_number__gte', 0), ('rescues__gte', 0), ('claim_number__gte', models.F('rescues'))), name='message_counts_are_not_negative'), models.UniqueConstraint(condition=models.Q(('status__in', ('pending', 'sending'))), fields=('recipient', 'lane'), name='message_one_head_per_lane')],
            },
        ),
        migrations.CreateModel(
            name='DeliveryAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('claim_number', models.BigIntegerField()),
                ('relay_id', models.IntegerField(help_text='the relay that made it; its row is gone once it stopped')),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('answer', models.CharField(choices=[('accepted', 'accepted'), ('transient', 'transient'), ('permanent', 'permanent'), ('throttled', 'throttled'), ('unknown', 'unknown')], max_length=16)),
                ('code', models.CharField(blank=True, max_length=64)),
                ('detail', models.TextField(blank=True)),
                ('provider_id', models.CharField(blank=True, db_default='', max_length=255)),
                ('message', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='notifications.outboxmessage')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('message', 'claim_number'), name='attempt_once_per_claim'), models.CheckConstraint(condition=models.Q(('answer__in', ['accepted', 'transient', 'permanent', 'throttled', 'unknown'])), name='attempt_answer_is_known')],
            },
        ),
        migrations.CreateModel(
            name='MessageReference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=100)),
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='about', to='notifications.outboxmessage')),
            ],
            options={
                'indexes': [models.Index(fields=['reference', 'message'], name='messages_about')],
            },
        ),
        migrations.CreateModel(
            name='ChannelState',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=32)),
                ('paused_at', models.DateTimeField(blank=True, null=True)),
                ('paused_by', models.CharField(blank=True, db_default='', max_length=150)),
                ('pause_reason', models.CharField(blank=True, db_default='', max_length=200)),
                ('failures', models.IntegerField(db_default=0, help_text='of the provider, since its last answer')),
                ('broken_at', models.DateTimeField(blank=True, help_text='since when its provider is out of service', null=True)),
                ('probes', models.IntegerField(db_default=0, help_text='that failed since then')),
                ('probe_at', models.DateTimeField(blank=True, help_text='when one message tests the provider again', null=True)),
                ('recovered_at', models.DateTimeField(blank=True, null=True)),
                ('next_slot_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='when a limited rate allows the next message')),
            ],
            options={
                'verbose_name': 'channel',
                'permissions': [('pause_channel', 'Can pause and resume channels')],
                'constraints': [models.UniqueConstraint(fields=('name',), name='channel_is_known_once'), models.CheckConstraint(condition=models.Q(models.Q(('broken_at__isnull', True), ('probe_at__isnull', True)), models.Q(('broken_at__isnull', False), ('probe_at__isnull', False)), _connector='OR'), name='channel_is_probed_while_broken')],
            },
        ),
        migrations.CreateModel(
            name='BulkReplay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('filters', models.JSONField(help_text='which failed messages: the fields of a Selection')),
                ('as_of', models.DateTimeField(help_text='what failed later is left alone')),
                ('actor', models.CharField(max_length=150)),
                ('reason', models.CharField(max_length=200)),
                ('total', models.IntegerField(help_text='matching messages when it began')),
                ('replayed', models.IntegerField(db_default=0)),
                ('position', models.BigIntegerField(db_default=0, help_text='the ID of the last message that it looked at')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('worked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='when its last batch ended')),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('stopped_by', models.CharField(blank=True, db_default='', max_length=150)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('finished_at__isnull', True)), fields=['worked_at'], name='bulk_replay_unfinished')],
            },
        ),
        migrations.CreateModel(
            name='OperatorAction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(choices=[('replay', 'replay'), ('cancel', 'cancel'), ('change_address', 'change address'), ('pause', 'pause'), ('resume', 'resume'), ('stop', 'stop'), ('drain', 'drain')], max_length=16)),
                ('channel', models.CharField(blank=True, db_default='', max_length=32)),
                ('actor', models.CharField(help_text="a user's name, or the command", max_length=150)),
                ('reason', models.CharField(blank=True, db_default='', max_length=200)),
                ('error_code', models.CharField(blank=True, db_default='', help_text='what a replayed message had failed with', max_length=64)),
                ('detail', models.CharField(blank=True, db_default='', help_text='of an address: the old and the new one, masked; of a relay: which', max_length=200)),
                ('acted_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('bulk', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='actions', to='notifications.bulkreplay')),
                ('message', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='actions', to='notifications.outboxmessage')),
                ('recipient', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='actions', to='notifications.recipient')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('action__in', ['replay', 'cancel', 'change_address', 'pause', 'resume', 'stop', 'drain'])), name='action_is_known')],
            },
        ),
        migrations.CreateModel(
            name='Bookmark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=32)),
                ('position', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('name',), name='bookmark_is_one_per_task')],
            },
        ),
        migrations.CreateModel(
            name='Conversation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=32)),
                ('phone', models.CharField(max_length=16)),
                ('last_inbound_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('channel', 'phone'), name='conversation_is_one_per_number')],
            },
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider_id', models.CharField(max_length=255)),
                ('claim_number', models.BigIntegerField(db_default=0, help_text='the attempt that it is about; 0: not known')),
                ('status', models.CharField(choices=[('sent', 'sent'), ('undelivered', 'undelivered'), ('bounced', 'bounced'), ('delivered', 'delivered'), ('read', 'read'), ('complained', 'complained')], max_length=16)),
                ('code', models.CharField(blank=True, db_default='', help_text='why it was not delivered', max_length=64)),
                ('detail', models.TextField(blank=True, db_default='')),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('poll_at', models.DateTimeField(help_text='when to poll the provider, if it reports nothing more', null=True)),
                ('polls', models.IntegerField(db_default=0, help_text='polls without an answer')),
                ('message', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='receipts', to='notifications.outboxmessage')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('poll_at__isnull', False)), fields=['poll_at'], name='receipt_to_poll'), models.Index(fields=['received_at'], name='receipt_received_at')],
                'constraints': [models.UniqueConstraint(fields=('message', 'provider_id'), name='receipt_once_per_acceptance'), models.CheckConstraint(condition=models.Q(('status__in', ['sent', 'undelivered', 'bounced', 'delivered', 'read', 'complained'])), name='receipt_status_is_known')],
            },
        ),
        migrations.CreateModel(
            name='ConsentRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=32)),
                ('purpose', models.CharField(blank=True, help_text='empty: all of the channel', max_length=32)),
                ('is_opt_in', models.BooleanField()),
                ('how', models.CharField(help_text='profile, reply, provider, link, staff', max_length=16)),
                ('actor', models.CharField(blank=True, help_text="a user's name, the word that was sent, or a code", max_length=150)),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consents', to='notifications.recipient')),
            ],
        ),
        migrations.CreateModel(
            name='Depth',
            fields=[
                ('minute', models.DateTimeField(primary_key=True, serialize=False)),
                ('queued', models.IntegerField(help_text='behind an older message of their lane')),
                ('later', models.IntegerField(help_text='at the head of their lane, and not due yet')),
                ('due', models.IntegerField()),
                ('sending', models.IntegerField()),
                ('failed', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('minute', models.DateTimeField(help_text='when it began; older rows combine ten minutes, and the row of 1970 everything older')),
                ('channel', models.CharField(max_length=32)),
                ('relay_id', models.IntegerField(null=True)),
                ('counted_from', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('counted_until', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('sent', models.BigIntegerField(db_default=0)),
                ('failed', models.BigIntegerField(db_default=0)),
                ('expired', models.BigIntegerField(db_default=0)),
                ('cancelled', models.BigIntegerField(db_default=0)),
                ('replayed', models.BigIntegerField(db_default=0)),
                ('accepted', models.BigIntegerField(db_default=0, help_text='attempts, by what they came to')),
                ('transient', models.BigIntegerField(db_default=0)),
                ('permanent', models.BigIntegerField(db_default=0)),
                ('throttled', models.BigIntegerField(db_default=0)),
                ('unknown', models.BigIntegerField(db_default=0)),
                ('delay_seconds', models.FloatField(db_default=0, help_text='from publication to acceptance, the sum over all sent')),
                ('duration_seconds', models.FloatField(db_default=0, help_text='of the attempts, summed up')),
                ('delays', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), db_default=[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], help_text='how many of the sent had which delay, by the buckets of histogram.py', size=None)),
                ('durations', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), db_default=[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], help_text='how many attempts lasted how long', size=None)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('minute', 'channel', 'relay_id'), name='tally_once_a_minute')],
            },
        ),
        migrations.CreateModel(
            name='Allowance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='recipient:12, or number:+14155550123', max_length=64)),
                ('hour', models.DateTimeField(help_text='the beginning of the hour that `in_hour` counts', null=True)),
                ('in_hour', models.IntegerField(db_default=0)),
                ('day', models.DateTimeField(help_text='the beginning of the day that `in_day` counts', null=True)),
                ('in_day', models.IntegerField(db_default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('key',), name='allowance_is_one_per_key')],
            },
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64)),
                ('detail', models.CharField(max_length=300)),
                ('is_firing', models.BooleanField(db_default=True)),
                ('raised_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='when its rule last held')),
                ('notified_at', models.DateTimeField(help_text='when somebody was notified; null: not yet', null=True)),
                ('notifying_until', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='until then one process tries to notify')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('name',), name='alert_is_raised_once')],
            },
        ),
        migrations.CreateModel(
            name='PlannedFallback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=32)),
                ('due_at', models.DateTimeField(help_text='empty: decided, with or without a substitute', null=True)),
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='planned_fallback', to='notifications.outboxmessage')),
                ('substitute', models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='stands_in', to='notifications.outboxmessage')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='fallback_due')],
            },
        ),
        *(_operation(table, options) for table, options in SETTINGS.items()),
    ]
