"""Who we are: credentials, and login schemes that take a challenge and give a header. No sockets here."""
