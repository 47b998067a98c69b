"""Takes from this process what it does not need.

A parser of strange files needs no other file, no socket and no program. By seccomp, where the
kernel has it: only the calls listed here go on, all others fail with EPERM. What is open stays
open. No library for it is on all systems, and the filter is forty lines.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import platform
import struct
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2

# linux/seccomp.h, linux/bpf_common.h
_ALLOW: Final = 0x7FFF0000
_FAIL: Final = 0x00050000 | errno.EPERM
_LOAD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_NUMBER_AT: Final = 0
_MACHINE_AT: Final = 4

# Memory, time, signals of its own, reading and writing what is open, and the end. No number means
# another call there: a call of a foreign machine's table (x32 too) has another number or machine.
# Of each machine: its AUDIT_ARCH, and the numbers in asm/unistd.h, in the order of the names:
# read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn
# pread64 readv writev sched_yield mremap madvise nanosleep getpid exit uname fcntl getcwd
# gettimeofday getrusage sysinfo sigaltstack gettid futex sched_getaffinity restart_syscall
# clock_gettime clock_getres clock_nanosleep exit_group newfstatat set_robust_list getrandom
# membarrier statx rseq
_MACHINES: Final[dict[str, tuple[int, tuple[int, ...]]]] = {
    "x86_64": (
        0xC000003E,
        (
            *(0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15),
            *(17, 19, 20, 24, 25, 28, 35, 39, 60, 63, 72, 79),
            *(96, 98, 99, 131, 186, 202, 204, 219),
            *(228, 229, 230, 231, 262, 273, 318),
            *(324, 332, 334),
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139),
            *(67, 65, 66, 124, 216, 233, 101, 172, 93, 160, 25, 17),
            *(169, 165, 179, 132, 178, 98, 123, 128),
            *(113, 114, 115, 94, 79, 99, 278),
            *(283, 291, 293),
        ),
    ),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def can_confine() -> bool:
    """Whether this system has what `confine` needs."""
    if not sys.platform.startswith("linux") or platform.machine() not in _MACHINES:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    # Without a program: EFAULT where filters are known, EINVAL where they are not.
    libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, None)
    return ctypes.get_errno() == errno.EFAULT


def confine() -> bool:
    """From here on, for this process and for good. False: not on this system, nothing changed.

    What is imported later cannot be: import first.
    """
    if not can_confine():
        return False
    code = _filter(*_MACHINES[platform.machine()])
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        and libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program)) == 0
    )


def _filter(machine: int, calls: tuple[int, ...]) -> bytes:
    """A jump for each call to the end, where it is allowed; what jumps nowhere fails."""
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        # Past all the calls, to the failure.
        (_JUMP_IF_EQUAL, 0, len(calls) + 1, machine),
        (_LOAD, 0, 0, _NUMBER_AT),
        *((_JUMP_IF_EQUAL, len(calls) - place, 0, call) for place, call in enumerate(calls)),
        (_RETURN, 0, 0, _FAIL),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def forbid_core_dumps() -> None:
    """No memory of this process in a file: keys are in it while it runs.

    For this process, at its start. Programs that it starts decide for themselves.

    On Linux also for services that collect cores from a pipe, which ignore the limit on size; other
    users' programs cannot attach to it either. Windows writes no whole memory unless told to.
    """
    if sys.platform == "win32":
        return
    import resource  # not on Windows

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
