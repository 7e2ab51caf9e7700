"""Web push's public interface: which browsers take messages, and for whom.

A channel to browsers is off until OUTBOX_CHANNELS names one. Who signed up a browser gets, there, the messages of the
kinds that name the channel; who signed up none misses nothing.
"""

from notifications.recipients.push_subscriptions import push_channel, subscribe, subscriptions_of, unsubscribe

__all__ = ["push_channel", "subscribe", "subscriptions_of", "unsubscribe"]
