"""The words of the federation specification: directives, field sets, subgraphs, supergraphs."""
