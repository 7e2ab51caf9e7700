"""The transactional outbox, its relay and its channels: installable into any Django project on its own."""
