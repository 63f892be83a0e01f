"""Which proxy a request takes, and the way through it."""
