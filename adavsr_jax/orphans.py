"""Worker processes that end with the one that started them."""

import multiprocessing
import os
import threading


def end_with_parent():
    """Called in a process of `multiprocessing`: ends it when its parent is gone.

    A parent that is killed tells nobody, and its workers would wait for it for ever.
    """
    threading.Thread(target=_follow, daemon=True).start()


def _follow():
    multiprocessing.parent_process().join()
    os._exit(1)
