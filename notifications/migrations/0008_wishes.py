import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

KEEP_WISHES = """
UPDATE notifications_recipient
SET opt_outs = array_remove(ARRAY[CASE WHEN NOT email_enabled THEN 'email' END, CASE WHEN NOT sms_enabled THEN 'sms' END,
                                  CASE WHEN NOT whatsapp_enabled THEN 'whatsapp' END], NULL)
WHERE NOT (sms_enabled AND whatsapp_enabled AND email_enabled)
"""
KEEP_SWITCHES = """
UPDATE notifications_recipient
SET sms_enabled = NOT 'sms' = ANY(opt_outs), whatsapp_enabled = NOT 'whatsapp' = ANY(opt_outs),
    email_enabled = NOT 'email' = ANY(opt_outs)
WHERE opt_outs <> '{}'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0007_receipts'),
    ]

    operations = [
        migrations.AddField(
            model_name='recipient',
            name='opt_outs',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, db_default=models.Value([], output_field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None)), default=list, help_text='what is not wanted, as `notifications.policy.consent` writes it: sms, or sms:reminder', size=None),
        ),
        migrations.RunSQL(KEEP_WISHES, KEEP_SWITCHES),
        migrations.RemoveField(
            model_name='recipient',
            name='email_enabled',
        ),
        migrations.RemoveField(
            model_name='recipient',
            name='sms_enabled',
        ),
        migrations.RemoveField(
            model_name='recipient',
            name='whatsapp_enabled',
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
    ]
