# SPDX-License-Identifier: MIT
"""`python -m tools.gateway`: the same as `msgin5g gateway`."""

import sys

from tools.cli.parser import Parser
from tools.gateway import program

parser = Parser(prog="msgin5g gateway", description=program.__doc__.splitlines()[0])
program.add_arguments(parser)
sys.exit(program.main(parser.parse_args()))
