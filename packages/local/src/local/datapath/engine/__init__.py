"""An engine that plays vLLM's contract over the llm-d inference simulator. What it plays is `contract.PLAYED`."""
