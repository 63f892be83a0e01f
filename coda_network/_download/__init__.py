"""Behind ``coda_network.utilities``: what a download sends, the opener that it takes, what it returns and raises."""
