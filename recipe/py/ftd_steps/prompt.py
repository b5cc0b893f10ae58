"""The texts that surround a question and its answer.

They are part of the data format: a model that was tuned with them must be
asked with them. :func:`instruction` is the prompt of the alpaca data set,
:func:`rounds` the dialogue form "vicuna 1.1"; mindformers' LLaMA preprocessing
uses the two, one after the other.
"""

from typing import Any, Dict, List, NamedTuple

from ftd_steps.errors import DataError

_TASK = "Below is an instruction that describes a task"
_INPUT = ", paired with an input that provides further context"
_ANSWER = ". Write a response that appropriately completes the request.\n\n"

_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)

_REMEDY = "make the conversations with the step conversations, or correct the file"


class Round(NamedTuple):
    """One question with its answer, as the model sees them."""

    question: str  # ends with the blank before the answer
    answer: str


def instruction(row: Dict[str, str]) -> str:
    """Return the question that an alpaca row asks."""
    if row["input"] == "":
        return f"{_TASK}{_ANSWER}### Instruction:\n{row['instruction']}\n\n### Response:"
    return (
        f"{_TASK}{_INPUT}{_ANSWER}### Instruction:\n{row['instruction']}\n\n"
        f"### Input:\n{row['input']}\n\n### Response:"
    )


def rounds(conversation: Dict[str, Any]) -> List[Round]:
    """Return the rounds of a conversation; the first begins with the system's text."""
    turns = conversation["conversations"]
    if turns and turns[0]["from"] != "human":
        turns = turns[1:]
    result: List[Round] = []
    for number in range(0, len(turns) - 1, 2):
        question, answer = turns[number], turns[number + 1]
        if question["from"] != "human" or answer["from"] != "gpt":
            raise DataError(
                f"conversation {conversation['id']} does not alternate between human and gpt",
                _REMEDY,
            )
        begin = "" if result else _SYSTEM + " "
        result.append(Round(f"{begin}USER: {question['value']} ASSISTANT: ", answer["value"]))
    if not result:
        raise DataError(f"conversation {conversation['id']} holds no answer", _REMEDY)
    return result
