# SPDX-License-Identifier: MIT
# heap: 1024k, what happened in an hour lies in it
"""An hour of anything, and a minute after it the station has joined, for each seed. A part is a function of its own, so
that whoever waits for it hears something now and then.
"""

import os
import sys

import weather

# A thousand hours in all, the same in each run; WIFI_SEEDS=1000 is eight thousand. A word of 32 bits, as on the chip,
# makes errors of other numbers and nothing else that counts here.
SEEDS = int(os.getenv("WIFI_SEEDS") or 125) if sys.maxsize > 1 << 31 else 10


def test_first_hours():
    weather.seeds(0, SEEDS)


def test_second_hours():
    weather.seeds(1000, SEEDS)


def test_third_hours():
    weather.seeds(2000, SEEDS)


def test_fourth_hours():
    weather.seeds(3000, SEEDS)


def test_fifth_hours():
    weather.seeds(4000, SEEDS)


def test_sixth_hours():
    weather.seeds(5000, SEEDS)


def test_seventh_hours():
    weather.seeds(6000, SEEDS)


def test_eighth_hours():
    weather.seeds(7000, SEEDS)


def test_a_seed_is_the_same_hour_each_time():
    def tale(seed):
        return weather.tale(*weather.play(seed)[:2])

    assert tale(7) == tale(7) != tale(8)
