# SPDX-License-Identifier: MIT
"""`python -m tools.gateway`: the same as `msgin5g gateway`."""

import argparse
import sys

from tools.gateway import program

parser = argparse.ArgumentParser(prog="msgin5g gateway", description=program.__doc__.splitlines()[0])
program.add_arguments(parser)
sys.exit(program.main(parser.parse_args()))
