"""How much time, memory and text one thing that is sent may take."""

JOB_S = 30
"""One message, or one request: connecting, TLS, sending and the answer."""
TIMEOUT_S = 10.0
"""One step of it."""
CPU_S = 20
MEMORY_BYTES = 768 * 1024 * 1024
MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read."""
MAX_LINE = 64 * 1024
"""Bytes of a line between parent and child."""
AT_ONCE = 2
"""Children of one sender, 25 to 35 MiB each."""
