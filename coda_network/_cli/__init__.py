"""The commands of ``coda-network``, one file each."""
