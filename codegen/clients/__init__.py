"""Clients from what is promised: TypeScript, Python, PowerShell and Postman, made by one command from pinned generators."""
