"""The protocol: the SQL statements that move messages, and how they are run. Web processes and relays both use it."""
