"""How a statement asks whether messages that it finds by their IDs are in flight."""

# In words that the index of what is in flight cannot serve: a plan that is made before anyone knows how many messages
# a batch has would read that whole index for each of them.
STILL_SENDING = "CASE WHEN message.status = 'sending' THEN true END"
