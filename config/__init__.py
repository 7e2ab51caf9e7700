"""The Django project: it wires the two apps together and knows the environment; neither app imports it."""
