#!/usr/bin/python3
"""No call that is awaited builds an aggregate with braces among its arguments: g++ 12 destroys such a temporary twice.

A named object instead: `Options options{x}; co_await send(options);`
"""

import re
import unittest

import source_tree

COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
AWAITED_CALL = re.compile(r"\bco_await\b[^;(){}]*\(")
# Brackets before a brace belong to a lambda, whose body is no aggregate: `[x](int y) mutable -> T {`.
LAMBDA_HEAD = re.compile(r"\](?:\s*\([^()]*\))?\s*(?:mutable|noexcept|\s)*(?:->[^{}()]*)?$")


def blank_comments_and_text(source):
    """The same source with comments and literals blanked out, line breaks kept."""
    return COMMENT_OR_TEXT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)


def faults(source):
    """Line numbers of braces that build a temporary inside the parentheses of an awaited call."""
    text = blank_comments_and_text(source)
    found = []
    for call in AWAITED_CALL.finditer(text):
        depth, position = 1, call.end()
        while depth > 0 and position < len(text):
            character = text[position]
            if character == "{" and LAMBDA_HEAD.search(text[call.end() : position]):
                position = end_of_block(text, position)
                continue
            if character == "{":
                found.append(text.count("\n", 0, position) + 1)
                position = end_of_block(text, position)
                continue
            depth += {"(": 1, ")": -1}.get(character, 0)
            position += 1
    return sorted(set(found))


def end_of_block(text, position):
    depth = 0
    while position < len(text):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        position += 1
        if depth == 0:
            break
    return position


class AwaitedCalls(unittest.TestCase):
    def test_build_no_aggregate_with_braces(self):
        found = [
            f"{path}:{line}"
            for path in source_tree.cpp_files()
            for line in faults((source_tree.ROOT / path).read_text())
        ]
        self.assertEqual([], found)

    def test_with_braces_are_caught(self):
        for source in (
            "co_await send({.id = x});",
            "co_await send(Options{x});",
            "auto r = co_await client.send(a, f(Options{x}));",
            "co_await send(\n    a,\n    {1, 2});",
            "(co_await send({x})).value();",
            "co_await asio::async_write(s, Buffers{a, b}, redirect_error(use_awaitable, ec));",
            "co_await run([x] { return x; }, Options{x});",
        ):
            self.assertEqual(1, len(faults(source)), source)

    def test_without_braces_pass(self):
        for source in (
            "Options options{x}; co_await send(options);",
            "if (co_await ready()) { x = {1}; }",
            "co_await run([x](int y) mutable -> T { return T{y}; });",
            "// co_await send({x})",
            'co_await send("({x})");',
            "co_await asio::async_read(s, b, redirect_error(use_awaitable, ec));\nstd::vector<int> v{1};",
        ):
            self.assertEqual([], faults(source), source)


if __name__ == "__main__":
    unittest.main()
