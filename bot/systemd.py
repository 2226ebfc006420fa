"""sd_notify(3) in a few lines; silent where there is no systemd."""

import os
import socket


def notify(message: str) -> bool:
    """Tell the service manager `READY=1`, `STATUS=...`, `WATCHDOG=1`, `STOPPING=1`.

    Returns: whether it was sent. Never blocks and never raises: a service manager that does not
    listen is no reason to stop serving prices. Thread: any.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.sendto(message.encode(), address)
    except OSError:
        return False
    return True
