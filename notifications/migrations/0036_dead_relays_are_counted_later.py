"""What a dead relay had not counted is counted once its last settle has ended. Until then its number is kept here."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0035_browsers_take_messages'),
    ]

    operations = [
        migrations.CreateModel(
            name='DepartedRelay',
            fields=[
                ('id', models.IntegerField(primary_key=True, serialize=False)),
                ('counted_to', models.BigIntegerField(help_text='the attempt up to which its own are counted')),
            ],
        ),
    ]
