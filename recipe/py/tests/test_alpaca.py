"""Tests of reading alpaca data: what is wrong is named with its row."""

import os
import tempfile
import unittest
from typing import Union

from ftd_steps import alpaca
from ftd_steps.errors import DataError

GOOD = '{"instruction": "a", "input": "", "output": "b"}'


class Reading(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "data.json")

    def write(self, text: Union[str, bytes]) -> None:
        with open(self.path, "wb") as file:
            file.write(text.encode("utf-8") if isinstance(text, str) else text)

    def refused(self, text: Union[str, bytes], words: str) -> None:
        self.write(text)
        with self.assertRaises(DataError) as caught:
            alpaca.read(self.path)
        self.assertIn(words, caught.exception.cause)
        self.assertIn(self.path, caught.exception.cause)
        self.assertNotIn("\n", caught.exception.cause)
        self.assertTrue(caught.exception.remedy)

    def test_rows(self) -> None:
        self.write(f'\ufeff[{GOOD}, {{"instruction": "问", "output": "答", "more": 1}}]')
        rows = alpaca.read(self.path)
        self.assertEqual(rows[0], {"instruction": "a", "input": "", "output": "b"})
        self.assertEqual(rows[1], {"instruction": "问", "input": "", "output": "答"})

    def test_a_row_without_an_instruction_is_kept(self) -> None:
        self.write(f'[{GOOD}, {{"instruction": " ", "output": ""}}]')
        rows = alpaca.read(self.path)
        self.assertEqual(rows[1], {"instruction": " ", "input": "", "output": ""})

    def test_not_json(self) -> None:
        self.refused(f"[{GOOD}, {GOOD[:-1]}", "not JSON: line 1, column 99")
        self.refused(f"[{GOOD},\n{GOOD},\n{{]", "(in row 3)")
        self.refused(f"[{GOOD},\n{GOOD},\n]", "(in row 3)")
        self.refused("<html>", "not JSON: line 1, column 1")
        self.refused("", "not JSON")
        self.refused('[{"instruction": "x"', "(in row 1)")

    def test_not_rows(self) -> None:
        self.refused("{}", "no list of rows but an object")
        self.refused("3", "no list of rows but a number")
        self.refused("[]", "holds no rows")
        self.refused(f"[{GOOD}, null]", "row 2 of")
        self.refused(f"[{GOOD}, [1]]", "is not an object but a list")

    def test_not_fields(self) -> None:
        self.refused(f"[{GOOD}, {{}}]", 'lacks the field "instruction"')
        self.refused(f'[{GOOD}, {{"instruction": "a"}}]', 'lacks the field "output"')
        self.refused('[{"instruction": 1, "output": ""}]', "is not a text but a number")

    def test_not_text(self) -> None:
        self.refused(b'["\xff"]', "not UTF-8 text (byte 2)")


if __name__ == "__main__":
    unittest.main()
