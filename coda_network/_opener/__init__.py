"""The opener: handlers that declare, and one exchange that carries a request out on one leased connection."""
