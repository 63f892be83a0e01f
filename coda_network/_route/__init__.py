"""Which proxy a request takes, why, and the way through one or several of them."""
