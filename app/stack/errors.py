"""What can go wrong while the stack is set up or started, said for the person at the terminal."""


class StackError(Exception):
    """The stack cannot do what was asked; the message says why and what to do."""


class AlreadyRunning(StackError):
    """Another `up` holds this data directory."""

    def __init__(self, url: str) -> None:
        super().__init__(f"Corpusmith is already running on this data directory, at {url}")
        self.url = url
