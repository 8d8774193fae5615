# SPDX-License-Identifier: MIT
# What an image freezes. A board's manifest.py includes this one and adds its own board.py.
package("coap")
package("msgin5g")
package("device")
module("main.py")
