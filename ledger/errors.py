"""The one error that users meet: what was expected, what came, where, and the next step."""


class InputError(Exception):
    """Input, state or settings that the user can put right.

    The command line prints its text as one line and exits with 2; the service answers it as a problem document.
    The text never carries customer data.
    """
