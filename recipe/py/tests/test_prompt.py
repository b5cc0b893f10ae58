"""Tests of the texts that surround a question."""

import unittest
from typing import Any, Dict

from ftd_steps import prompt
from ftd_steps.errors import DataError


def dialogue(*turns: str) -> Dict[str, Any]:
    """Return a conversation of turns such as "human: Hello"."""
    pairs = [turn.split(": ", 1) for turn in turns]
    return {"id": "7", "conversations": [{"from": who, "value": what} for who, what in pairs]}


class Prompts(unittest.TestCase):
    def test_instruction(self) -> None:
        bare = prompt.instruction({"instruction": "Add.", "input": "", "output": ""})
        self.assertTrue(bare.endswith("request.\n\n### Instruction:\nAdd.\n\n### Response:"))
        self.assertNotIn("Input", bare)
        full = prompt.instruction({"instruction": "Add.", "input": "1, 2", "output": ""})
        self.assertIn("### Instruction:\nAdd.\n\n### Input:\n1, 2\n\n### Response:", full)

    def test_rounds(self) -> None:
        rounds = prompt.split(
            dialogue("gpt: Welcome", "human: One?", "gpt: Two.", "human: Three?", "gpt: Four.")
        )
        self.assertEqual(len(rounds), 2)
        self.assertTrue(rounds[0].startswith("A chat between"))
        self.assertTrue(rounds[0].endswith(" USER: One? ASSISTANT: Two."))
        self.assertEqual(rounds[1], "USER: Three? ASSISTANT: Four.")
        self.assertEqual(prompt.question(rounds[1]), "USER: Three? ASSISTANT: ")
        self.assertTrue(prompt.answered(rounds[1]))

    def test_texts_that_hold_the_marks(self) -> None:
        rounds = prompt.split(dialogue("human: One?", "gpt: Two</s>and a half"))
        self.assertEqual(rounds[1], "and a half")
        self.assertFalse(prompt.answered(rounds[1]))
        rounds = prompt.split(dialogue("human: One?", "gpt: an ASSISTANT: says"))
        self.assertFalse(prompt.answered(rounds[0]))

    def test_what_is_no_conversation(self) -> None:
        for turns in (["human: a"], ["human: a", "human: b"], []):
            with self.assertRaises(DataError) as caught:
                prompt.split(dialogue(*turns))
            self.assertIn("conversation 7", caught.exception.cause)


if __name__ == "__main__":
    unittest.main()
