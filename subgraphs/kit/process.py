"""The processes of a module: what each verb of `python -m subgraphs <name> <verb>` runs until it is told to stop.

    serve      answers GraphQL, and keeps the module registered with the router
    relay      carries events from the outbox to the broker
    consume    reacts to events of other modules
    work       runs jobs whose time has come

They may run alone, or several in one process; production gives each a unit of its own.
"""
