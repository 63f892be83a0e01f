"""What people set: options of the command line, the configuration file, and where passwords come from."""
