"""Whether an idle connection is still open, asked without letting go of the interpreter.

Python's own calls release the interpreter around each system call. Where many threads send, another one takes it then,
and the thread that asked waits for its next turn, which takes far longer than the question.
"""

import ctypes
import errno
import socket
import sys

from urllib3.util.wait import wait_for_read

if sys.platform != "win32":
    _recv = ctypes.PyDLL(None, use_errno=True).recv  # a PyDLL keeps the interpreter, a CDLL would not
    _recv.argtypes = ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    _recv.restype = ctypes.c_ssize_t
    _PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT
_byte = ctypes.create_string_buffer(1)  # which nobody reads
_NOTHING_YET = errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR


def is_quiet(sock: socket.socket) -> bool:
    """Whether the server has neither closed the connection nor sent anything since its last answer."""
    if sys.platform == "win32":
        return not wait_for_read(sock, timeout=0)
    return _recv(sock.fileno(), _byte, 1, _PEEK) < 0 and ctypes.get_errno() in _NOTHING_YET
