"""Stands for the default database where there are shards, and is none: work that names no shard reaches no tenant's."""
