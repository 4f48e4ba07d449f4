"""The journal: what people and agents did, and what they were told.

Every record that is made carries a mark such as `[i17]` in a field that never loses it; every value that is written
carries one such as `[e231]`, or is that number. So whoever finds a value anywhere can say which edit it came from.
"""

import dataclasses
import decimal
import json
import re
import threading
import time

ITEM = re.compile(r"\[i\d+\]")
EDIT = re.compile(r"\[e\d+\]")
COUNTED = {"quantity", "unit_price"}  # fields that hold numbers: that of the edit


def tokens(field, value):
    """The edits that the value of a field comes from. A number may have any form: 12, "12.0", "12.0000"."""
    if field not in COUNTED:
        return EDIT.findall(str(value))
    try:
        number = decimal.Decimal(str(value))
    except decimal.InvalidOperation:
        return []
    return [f"[e{int(number)}]"] if number == int(number) else []


@dataclasses.dataclass
class Edit:
    token: str  # "[e231]"
    item: str  # "[i17]"
    entity: str
    kind: str  # create, edit, delete
    fields: list  # that were given a value with the token; a delete has none
    side: str  # legacy, modern
    parent: str  # item that this one is a part of, and goes with; or ""
    begin: float  # when the last attempt began
    end: float | None = None  # when it was acknowledged; None: nobody knows whether it took place
    refused: bool = False  # known not to have taken place


class Journal:
    """Any thread may write. The file has one line for each edit, written when its outcome is known."""

    def __init__(self, path):
        self._lock = threading.Lock()
        self.path = path
        self._file = open(path, "w", encoding="utf-8")  # closed by close()
        self._numbers = {"i": 0, "e": 0}
        self.counts = {"acknowledged": 0, "refused": 0, "unknown": 0}

    def new_item(self):
        return self._new("i")

    def begin(self, item, entity, kind, fields, side, parent=""):
        return Edit(self._new("e"), item, entity, kind, list(fields), side, parent, time.time())

    def acknowledged(self, edit):
        edit.end = time.time()
        self._write(edit, "acknowledged")

    def refused(self, edit):
        edit.refused = True
        self._write(edit, "refused")

    def unknown(self, edit):
        self._write(edit, "unknown")

    def close(self):
        self._file.close()

    def _new(self, letter):
        with self._lock:
            self._numbers[letter] += 1
            return f"[{letter}{self._numbers[letter]}]"

    def _write(self, edit, outcome):
        with self._lock:
            self.counts[outcome] += 1
            self._file.write(json.dumps(dataclasses.asdict(edit)) + "\n")
            self._file.flush()


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [Edit(**json.loads(line)) for line in lines]
