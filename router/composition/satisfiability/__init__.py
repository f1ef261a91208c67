"""Can every query of the supergraph be answered by the subgraphs?"""
