"""Conversations from alpaca rows."""

import os
from typing import Any, Dict, List

import ftd

from ftd_steps import alpaca, files, preprocess, prompt


def make(data: str, output_dir: str, by: str = "", mindformers: str = "") -> Dict[str, Any]:
    """Turn the alpaca rows of ``data`` into dialogues of two turns.

    Writes ``conversations.json``, a list of ``{"id", "conversations": [{"from",
    "value"}, ...]}`` as mindformers' preprocessing reads it. Who writes it, ``by``
    and ``mindformers`` say, see :func:`preprocess.script`.
    """
    rows = alpaca.read(data)
    path = os.path.join(output_dir, "conversations.json")
    original = preprocess.script(mindformers, "llama/alpaca_converter.py", by, "main")
    if original is not None:
        made_by = preprocess.converse(original, data, len(rows), path)
    else:
        made_by = preprocess.FTD
        files.write_json(path, dialogues(rows))
    ftd.progress(len(rows), len(rows), "rows")
    print(f"{len(rows)} conversations from {data}")
    return {"file": path, "rows": len(rows), "made_by": made_by}


def dialogues(rows: List[alpaca.Row]) -> List[Dict[str, Any]]:
    """Return a dialogue of each row."""
    conversations = []
    for number, row in enumerate(rows, start=1):
        question = {"from": "human", "value": prompt.instruction(row)}
        answer = {"from": "gpt", "value": row["output"]}
        conversations.append({"id": str(number), "conversations": [question, answer]})
    return conversations
