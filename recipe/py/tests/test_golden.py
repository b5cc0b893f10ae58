"""The same rows as mindformers' own scripts make; see golden/README.md."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest
from typing import Any, List

from ftd_steps import conversations, files, mindrecord
from ftd_steps.pieces import Encoder

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")


def golden(name: str) -> str:
    """Return the path of a golden file."""
    return os.path.join(GOLDEN, name)


@unittest.skipUnless(
    all(importlib.util.find_spec(name) for name in ("sentencepiece", "mindspore")),
    "needs sentencepiece and mindspore",
)
class Golden(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name

    def test_conversations(self) -> None:
        made = conversations.make(golden("alpaca.json"), self.dir)
        self.assertEqual(
            files.read_json(made["file"]), files.read_json(golden("conversations.json"))
        )

    def test_rows(self) -> None:
        from mindspore.mindrecord import FileReader

        length = 1024
        made = mindrecord.write(
            golden("conversations.json"), golden("tokenizer.model"), self.dir, length - 1, "error"
        )
        reader = FileReader(made["file"])
        rows = list(reader.get_next())
        reader.close()
        expected = files.read_json(golden("rows.json"))
        self.assertEqual(len(rows), len(expected))
        for number, (row, wanted) in enumerate(zip(rows, expected), start=1):
            for column, filler in (("input_ids", 0), ("labels", -100)):
                self.assertEqual(str(row[column].dtype), "int32")
                self.assertEqual(
                    row[column].tolist(),
                    wanted[column] + [filler] * (length - len(wanted[column])),
                    f"{column} of row {number}",
                )

    @unittest.skipUnless(os.environ.get("FTD_TEST_CHECKOUT"), "needs FTD_TEST_CHECKOUT")
    def test_rows_of_a_checkout(self) -> None:
        """Many rows, against the script of a checkout, in a process of its own."""
        bench = os.path.join(os.path.dirname(GOLDEN), "..", "bench", "alpaca.py")
        for how in ("ftd", "script"):
            subprocess.run(
                [sys.executable, bench, how, self.dir, os.environ["FTD_TEST_CHECKOUT"], "300"],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        ours, theirs = (
            self.rows(os.path.join(self.dir, name))
            for name in ("train.mindrecord", "peer.mindrecord")
        )
        self.assertEqual(len(ours), 300)
        self.assertEqual(ours, theirs)

    def rows(self, path: str) -> List[Any]:
        """Return type and bytes of the columns of each row."""
        from mindspore.mindrecord import FileReader

        reader = FileReader(path)
        found = [
            [(name, str(row[name].dtype), row[name].tobytes()) for name in sorted(row)]
            for row in reader.get_next()
        ]
        reader.close()
        return found

    def test_words_give_the_ids_of_whole_texts(self) -> None:
        encoder = Encoder(golden("tokenizer.model"))
        self.assertTrue(encoder.by_words)
        texts: List[str] = ["", " ", "  ", "a", " a", "a ", "a  b ", "\n", "\t x\n y", "漢字 漢 字"]
        with open(golden("conversations.json"), encoding="utf-8") as file:
            for dialogue in json.load(file):
                texts += [turn["value"] for turn in dialogue["conversations"]]
        for text in texts:
            # One by one: a text with the sign for a blank takes the other way.
            whole: Any = encoder.processor.encode(text)
            self.assertEqual(encoder.encode([text]), [whole], repr(text))
        self.assertIn(" a", encoder.words)


if __name__ == "__main__":
    unittest.main()
