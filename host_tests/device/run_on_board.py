# SPDX-License-Identifier: MIT
"""Runs test functions of one file and reports each, on MicroPython.

    micropython run_on_board.py MARK FILE FUNCTION...       (FILE without .py, found on the path)

Reports are lines of their own, MARK and then `start NAME`, `passed NAME`, `skipped NAME REASON`, `failed NAME`, and
`end`. All other output belongs to the function that was started last. MARK is a number of the caller's that tests do
not know, so no output of theirs can be taken for a report.
"""

import gc
import sys


def main(mark, file, *names):
    def report(*words):
        # The line break first: the test may have printed a line without its end.
        print("\n" + mark, *words)

    gc.threshold(16384)  # half of what firmware/main.py sets: garbage does not get between what stays
    module = __import__(file)
    for name in names:
        gc.collect()
        report("start", name)
        try:
            # A generator or a coroutine that is merely made has tested nothing.
            if getattr(module, name)() is not None:
                raise TypeError("a test returns nothing: did it yield or await?")
        except BaseException as error:
            if type(error).__name__ == "Skip":
                report("skipped", name, error)
            else:
                sys.print_exception(error)
                report("failed", name)
        else:
            report("passed", name)
    report("end")


main(*sys.argv[1:])
