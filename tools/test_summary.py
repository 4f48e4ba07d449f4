"""Counts the outcomes in the JUnit file that ctest writes.

ctest calls a test "notrun" both when it chose to skip itself and when it could not start, for instance because its
program was never built. Only the first is a skip; the second is a failure here.
"""

import dataclasses
import xml.etree.ElementTree

SKIPPED_ON_PURPOSE = ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION", "Disabled")


@dataclasses.dataclass
class Summary:
    passed: list  # names
    failed: list  # (name, reason)
    skipped: list  # (name, reason)

    def line(self):
        return f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"


def read_summary(path):
    summary = Summary([], [], [])
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        detail = case.find("failure") if case.find("failure") is not None else case.find("skipped")
        reason = (detail.get("message") if detail is not None else None) or status
        if status == "run":
            summary.passed.append(name)
        elif status == "disabled" or (status == "notrun" and reason.startswith(SKIPPED_ON_PURPOSE)):
            summary.skipped.append((name, reason))
        else:
            summary.failed.append((name, reason))
    return summary
