"""Logins: credentials, and the schemes that take a challenge and return an authorization. No sockets here."""
