"""Set when this worker process has been asked to end: long tasks give back what they hold and return."""

import threading

requested = threading.Event()
