# SPDX-License-Identifier: MIT
"""One line an event on the console: "msgin5g: registered"."""


def log(text, *arguments):
    print("msgin5g:", text % arguments if arguments else text)
