"""What messages cost is kept with them and counted, and caps of money hold. No row is rewritten: the columns are empty."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0033_channels_move_to_a_route'),
    ]

    operations = [
        migrations.AddField(
            model_name='deliveryattempt',
            name='price',
            field=models.DecimalField(decimal_places=6, help_text='of its route when it went; the receipt has what the provider told', max_digits=12, null=True),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='currency',
            field=models.CharField(blank=True, db_default='', help_text="of the price and of the attempts' prices, ISO 4217", max_length=3),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='price',
            field=models.DecimalField(decimal_places=6, help_text='of one copy over its route, as configured when it went', max_digits=12, null=True),
        ),
        migrations.CreateModel(
            name='SpendAllowance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(help_text='UTC')),
                ('country', models.CharField(max_length=2)),
                ('currency', models.CharField(max_length=3)),
                ('taken', models.DecimalField(db_default=0, decimal_places=6, max_digits=20)),
                ('granted', models.DecimalField(db_default=0, decimal_places=6, help_text='to who asked last', max_digits=20)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('day', 'country', 'currency'), name='spend_allowance_once_a_day')],
            },
        ),
        migrations.CreateModel(
            name='Spending',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(help_text='UTC')),
                ('channel', models.CharField(max_length=32)),
                ('route', models.CharField(blank=True, help_text='empty: the channel had only one, without a price', max_length=32)),
                ('country', models.CharField(blank=True, help_text='ISO 3166-1 alpha-2; empty: not known, or no phone number', max_length=2)),
                ('currency', models.CharField(max_length=3)),
                ('relay_id', models.IntegerField(null=True)),
                ('estimates', models.BigIntegerField(db_default=0, help_text='copies whose price no provider has told')),
                ('estimated', models.DecimalField(db_default=0, decimal_places=6, help_text="their cost by their routes' prices", max_digits=20)),
                ('priced', models.BigIntegerField(db_default=0, help_text='copies of which the provider told the price')),
                ('cost', models.DecimalField(db_default=0, decimal_places=6, help_text='of what is priced', max_digits=20)),
            ],
            options={
                'verbose_name_plural': 'money',
                'constraints': [models.UniqueConstraint(fields=('day', 'channel', 'route', 'country', 'currency', 'relay_id'), name='spending_once_a_day')],
            },
        ),
    ]
