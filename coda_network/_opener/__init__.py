"""The stand-ins for the classes of ``urllib.request``, and the handlers for logins that it lacks."""
