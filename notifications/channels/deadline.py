"""The total time one send may take, enforced on its socket: a read timeout alone never ends a server that drips bytes."""
