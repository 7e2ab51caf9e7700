"""The customer's pages: rendered here, usable without JavaScript, by keyboard, on a phone."""
