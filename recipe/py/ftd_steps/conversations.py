"""Conversations from alpaca rows."""

import os
from typing import Any, Dict

import ftd

from ftd_steps import alpaca, files, prompt


def make(data: str, output_dir: str) -> Dict[str, Any]:
    """Turn the alpaca rows of ``data`` into dialogues of two turns.

    Writes ``conversations.json``, a list of ``{"id", "conversations": [{"from",
    "value"}, ...]}`` as mindformers' preprocessing reads it.
    """
    rows = alpaca.read(data)
    conversations = []
    for number, row in enumerate(rows, start=1):
        question = {"from": "human", "value": prompt.instruction(row)}
        answer = {"from": "gpt", "value": row["output"]}
        conversations.append({"id": str(number), "conversations": [question, answer]})
    path = os.path.join(output_dir, "conversations.json")
    files.write_json(path, conversations)
    ftd.progress(len(rows), len(rows), "rows")
    print(f"{len(rows)} conversations from {data}")
    return {"file": path, "rows": len(rows)}
