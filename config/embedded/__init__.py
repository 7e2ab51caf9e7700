"""A PostgreSQL of the project's own, for development: started when first needed, stopped after its last user.

Every process that uses it holds a shared kernel lock for its life; a small supervisor stops the server once nobody
holds one, however they ended. Production sets DATABASE_URL, and nothing here runs.
"""
