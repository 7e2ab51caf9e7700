"""The project's own PostgreSQL for development: it starts when first needed, and stops after its last user.

Every process that uses it holds a shared kernel lock while it lives. A small supervisor stops the server when nobody
holds one, however the processes ended. Production sets DATABASE_URL, and then nothing here runs.
"""
