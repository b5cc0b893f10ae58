"""The texts that surround a question and its answer.

They are part of the data format: a model that was tuned with them must be
asked with them. :func:`instruction` is the prompt of the alpaca data set,
:func:`split` the dialogue form "vicuna 1.1"; mindformers' LLaMA preprocessing
uses the two, one after the other.
"""

from typing import Any, Dict, List

from ftd_steps.errors import DataError

_TASK = "Below is an instruction that describes a task"
_INPUT = ", paired with an input that provides further context"
_ANSWER = ". Write a response that appropriately completes the request.\n\n"

_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)

_BEFORE = " ASSISTANT: "
_END = "</s>"

_REMEDY = "make the conversations with the step conversations, or correct the file"


def instruction(row: Dict[str, str]) -> str:
    """Return the question that an alpaca row asks."""
    if row["input"] == "":
        return f"{_TASK}{_ANSWER}### Instruction:\n{row['instruction']}\n\n### Response:"
    return (
        f"{_TASK}{_INPUT}{_ANSWER}### Instruction:\n{row['instruction']}\n\n"
        f"### Input:\n{row['input']}\n\n### Response:"
    )


def split(conversation: Dict[str, Any]) -> List[str]:
    """Return the rounds of a conversation, each a question with its answer.

    They are cut out of the whole text, as mindformers does it, so that an
    answer with </s> in it becomes two.
    """
    turns = conversation["conversations"]
    if turns and turns[0]["from"] != "human":
        turns = turns[1:]
    text = _SYSTEM + " "
    for number, turn in enumerate(turns):
        if turn["from"] != ("human", "gpt")[number % 2]:
            raise DataError(
                f"conversation {conversation['id']} does not alternate between human and gpt",
                _REMEDY,
            )
        who, end = (("USER:", " "), ("ASSISTANT:", _END))[number % 2]
        # A turn without words does not end: it is left for the model to say.
        text += f"{who} {turn['value']}{end}" if turn["value"] else who
    if len(turns) < 2:
        raise DataError(f"conversation {conversation['id']} holds no answer", _REMEDY)
    found = text.split(_END)
    return found[: found.index("")] if "" in found else found


def answered(text: str) -> bool:
    """Return whether a round holds exactly one answer."""
    return text.count(_BEFORE) == 1


def question(text: str) -> str:
    """Return the question of a round, up to the blank before its answer."""
    before, found, _ = text.partition(_BEFORE)
    return before + found
