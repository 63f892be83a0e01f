"""Downloads: the handle, its opener, conditions; ``utilities`` has the functions that people call."""
