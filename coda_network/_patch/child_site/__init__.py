"""The folder that ``children`` puts on the ``PYTHONPATH`` of child processes, for the sake of its ``sitecustomize``."""
