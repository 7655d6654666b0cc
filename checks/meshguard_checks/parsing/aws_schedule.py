"""How long a rotation schedule lets a secret stand (AWS Secrets Manager User Guide, "Schedule expressions").

A cron expression is asked for its days over a whole leap cycle, so that the longest pause between two is known.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

_RATE = re.compile(r"rate\((\d+) (hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_ITEM = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?")
_FROM, _TO = date(2027, 12, 1), date(2033, 2, 1)
"""More than one leap cycle; the years mean nothing else."""


class ScheduleError(ValueError):
    """The expression is none that Secrets Manager documents, or one that is not understood here."""


def longest_pause(expression: str) -> timedelta:
    """The longest time between two rotations. Raises ScheduleError for what is not understood."""
    if rate := _RATE.fullmatch(expression.strip()):
        count = int(rate[1])
        return timedelta(hours=count) if rate[2] == "hour" else timedelta(days=count)
    cron = _CRON.fullmatch(expression.strip())
    if cron is None:
        raise ScheduleError("neither rate(...) nor cron(...)")
    _, _, of_month, month, of_week, year = cron.groups()
    if year != "*":
        raise ScheduleError("a schedule for some years alone")
    days = list(_days(of_month, month, of_week))
    if len(days) < 2:
        raise ScheduleError("a schedule without days")
    return max(after - before for before, after in pairwise(days))


def _days(of_month: str, month: str, of_week: str) -> Iterator[date]:
    months = _values(month, 1, 12, _MONTHS)
    for number in range((_TO - _FROM).days):
        day = _FROM + timedelta(days=number)
        if day.month in months and _is_of_month(day, of_month) and _is_of_week(day, of_week):
            yield day


def _is_of_month(day: date, field: str) -> bool:
    if field in ("?", "*"):
        return True
    if field == "L":
        return day.day == monthrange(day.year, day.month)[1]
    return day.day in _values(field, 1, 31, ())


def _is_of_week(day: date, field: str) -> bool:
    """Sunday is 1. `5#2` is the second Thursday of a month, `5L` the last one."""
    if field in ("?", "*"):
        return True
    here = day.isoweekday() % 7 + 1
    if nth := re.fullmatch(r"(\w+)#([1-5])", field):
        return here in _values(nth[1], 1, 7, _WEEKDAYS) and (day.day - 1) // 7 + 1 == int(nth[2])
    if last := re.fullmatch(r"(\w+?)L", field):
        is_last = day.day + 7 > monthrange(day.year, day.month)[1]
        return here in _values(last[1], 1, 7, _WEEKDAYS) and is_last
    return here in _values("SAT" if field == "L" else field, 1, 7, _WEEKDAYS)


def _values(field: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        item = _ITEM.fullmatch(part)
        if item is None:
            raise ScheduleError(f"{part!r} is not understood")
        star, first, last, step = item.groups()
        start = low if star else _number(first, names)
        end = high if star or (step and not last) else _number(last or first, names)
        if not low <= start <= end <= high:
            raise ScheduleError(f"{part!r} lies outside its range")
        found.update(range(start, end + 1, max(1, int(step or 1))))
    return frozenset(found)


def _number(text: str, names: tuple[str, ...]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + 1
    if not text.isdecimal():
        raise ScheduleError(f"{text!r} is not understood")
    return int(text)


def pause_of(every_days: int | None, expression: str) -> tuple[timedelta | None, str]:
    """The longest pause that a secret's rules allow, or why it is not known; of two rules the longer one counts."""
    if not every_days and not expression:
        return None, "it has no schedule"
    try:
        pauses = [longest_pause(expression)] if expression else []
    except ScheduleError as fault:
        return None, f"the schedule {expression!r} is {fault}"
    return max([*pauses, *([timedelta(days=every_days)] if every_days else [])]), ""
