"""Answers of subgraphs that are kept for a while: what may be kept, under which key, and what takes it away again."""
