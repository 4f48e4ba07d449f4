"""The one exception that is told to the user as it is, without a traceback."""


class Failure(Exception):
    """Something the user can act on. The message says what happened and what to do."""
