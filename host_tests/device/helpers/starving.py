# SPDX-License-Identifier: MIT
"""Makes each allocation of a call fail in turn, for the tests of what holds when memory ends.

On CPython the allocator itself fails at the n-th allocation. On MicroPython the heap is filled but for n blocks,
while it is not collected, so the first allocation that does not fit them fails, and those behind it that need as
much. What calls `cryptography` cannot live with a failing allocator, so on CPython it may name `points` instead:
functions that raise MemoryError before they do their work at the n-th call, or after it.
"""

import gc

try:
    import _testcapi
except ImportError:  # MicroPython
    _testcapi = None

# What fills the heap hangs together in so many chains. A word that some part of the interpreter left on its stack may
# hold a piece, and what hangs on that piece: a chain at most, not all of the heap.
_CHAINS = 64
_MAX_ALLOCATIONS = 3000  # allocations of one call, far more than any has


def each(prepare, act, check, points=()):
    """For each allocation of `act(subject)` in turn: `subject = prepare()`, then `act` with that allocation failing,
    then `check(subject, raised)` with memory again, where `raised` says whether `act` ended with MemoryError.
    `check` gives True where all was done as if nothing had failed: then there are no more allocations to fail.

    `points` are (object, name of a function in it). Gives how many did fail.
    """
    subject = prepare()
    act(subject)  # what is made on first use is there then: modules, caches
    assert check(subject, False), "incomplete with all memory"
    for number in range(_MAX_ALLOCATIONS):
        subject = prepare()
        raised = (
            _fail_point(act, subject, number, points) if points and _testcapi else _fail(act, subject, number)
        )
        if raised is None:
            continue  # it failed on the way to what is tested
        complete = check(subject, raised)
        if complete and not raised and number:
            return number
    raise AssertionError("act never has memory enough")


def _fail_allocation(act, subject, number):
    """Whether it raised, on CPython."""
    raised = False
    gc.disable()
    try:
        _testcapi.set_nomemory(number, number + 1)
        try:
            act(subject)
        except MemoryError as error:
            raised = error
    finally:
        _testcapi.remove_mem_hooks()
        gc.enable()
    if raised:
        trace = raised.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        if "firmware" not in trace.tb_frame.f_code.co_filename:
            return None
    return bool(raised)


def _fail_point(act, subject, number, points):
    left = [number]
    before = [(owner, name, getattr(owner, name)) for owner, name in points]

    def failing(function):
        def call(*args, **named):
            for step in range(2):
                if left[0] == 0:
                    left[0] -= 1
                    raise MemoryError
                left[0] -= 1
                if step == 0:
                    result = function(*args, **named)
            return result

        return call

    for owner, name, function in before:
        setattr(owner, name, failing(function))
    try:
        act(subject)
    except MemoryError:
        return True
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)
    return False


def _fail_heap(act, subject, number):
    """Whether it raised, on MicroPython."""
    chains = [None] * _CHAINS
    gc.collect()
    gc.disable()
    raised = False
    try:
        for n in range(gc.mem_free() // _BLOCK - number - 2):  # two for range
            chains[n % _CHAINS] = (chains[n % _CHAINS],)
        act(subject)
    except MemoryError:
        raised = True
    n = 0
    while n < _CHAINS:  # which takes no memory
        chains[n] = None
        n += 1
    gc.enable()
    gc.collect()
    return raised


def _block():
    gc.collect()
    gc.disable()
    before = gc.mem_free()
    chain = (before,)
    size = before - gc.mem_free()
    gc.enable()
    return size if chain else 0


if _testcapi:
    _fail = _fail_allocation
else:
    _fail = _fail_heap
    _BLOCK = _block()
