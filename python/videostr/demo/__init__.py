"""``python -m videostr.demo``: rows, a cold start, GRPO with real verl, an exported model, and the claims
checked.
"""
