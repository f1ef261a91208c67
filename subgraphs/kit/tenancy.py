"""Walls between tenants, built in the database, and the search for breaches in them.

Every table has a `tenant_id`, and PostgreSQL shows a transaction only the rows of the tenant that it was opened
for. Rows that belong to a customer have a second wall: callers limited to some customers see only those. The walls
are row-level security policies over settings that live as long as the transaction:

    psa.tenant       the tenant's UUID; unset means: no row at all
    psa.customers    `*`, or UUIDs separated by commas
    psa.denied       UUIDs of customers that stay hidden
    psa.kind         STAFF, CUSTOMER, COMANAGED, SERVICE or SYSTEM
    psa.subject      the caller's UUID
    psa.contact      the UUID of the contact that the caller is, or nothing
    psa.narrowed     the permissions that the caller holds for own rows only, separated by commas

Walls only hold for a role that cannot climb them, and only around tables that have them; so a service asks
`breaches()` before it answers its first request, and refuses to start while there is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.identity import EVERY_CUSTOMER
from subgraphs.kit.caller import Caller

TENANT_WALL = "tenant_id = NULLIF(current_setting('psa.tenant', true), '')::uuid"

# What depends on the caller alone stands in a SELECT of its own: PostgreSQL works it out once for a statement, and not for each row.
_CUSTOMERS = "current_setting('psa.customers', true)"
_EVERYONE = f"(SELECT {_CUSTOMERS} = '{EVERY_CUSTOMER}')"
_OWN = f"CASE WHEN {_CUSTOMERS} = '{EVERY_CUSTOMER}' THEN '' ELSE COALESCE({_CUSTOMERS}, '') END"
_LISTED = f"(SELECT string_to_array({_OWN}, ',')::uuid[])::uuid[]"
_DENIED = "(SELECT string_to_array(COALESCE(current_setting('psa.denied', true), ''), ',')::uuid[])::uuid[]"


def customer_wall(column: str = "customer_id") -> str:
    """The condition that limits rows to the caller's customers; internal rows (no customer) are for unlimited callers."""
    everyone = f"{_EVERYONE} AND ({column} IS NULL OR {column} <> ALL ({_DENIED}))"
    limited = f"{column} = ANY ({_LISTED}) AND {column} <> ALL ({_DENIED})"
    return f"(({everyone}) OR ({limited}))"


def protect(
    table: str, *, role: str, customer: str | None = None, grants: str = "SELECT, INSERT, UPDATE, DELETE"
) -> str:
    """The SQL that puts a table behind the walls and lets the runtime role `role` in.

    `customer` names the column that says which customer a row belongs to. `grants` can be narrowed, for example to
    `INSERT` for a table that may only be appended to.
    """
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_wall ON {table} USING ({TENANT_WALL}) WITH CHECK ({TENANT_WALL})",
        f'GRANT {grants} ON {table} TO "{role}"',
    ]
    if customer is not None:
        wall = customer_wall(customer)
        statements.insert(
            3, f"CREATE POLICY customer_wall ON {table} AS RESTRICTIVE USING ({wall}) WITH CHECK ({wall})"
        )
    return ";\n".join(statements) + ";"


SUBJECT = "NULLIF(current_setting('psa.subject', true), '')::uuid"
"""The caller, in SQL."""
CONTACT = "NULLIF(current_setting('psa.contact', true), '')::uuid"
"""The contact that the caller is, in SQL; NULL for most."""


def narrow(table: str, *, read: str, write: str, own: str) -> str:
    """The SQL that shows callers who hold `read` or `write` for own rows only those rows for which `own` is true."""
    narrowed = "string_to_array(COALESCE(current_setting('psa.narrowed', true), ''), ',')"
    # Asked once for a statement, as in the walls.
    reads, writes = (f"((SELECT '{permission}' <> ALL ({narrowed})) OR {own})" for permission in (read, write))
    return f"""
        CREATE POLICY own_reads ON {table} AS RESTRICTIVE FOR SELECT USING ({reads});
        CREATE POLICY own_inserts ON {table} AS RESTRICTIVE FOR INSERT WITH CHECK ({writes});
        CREATE POLICY own_updates ON {table} AS RESTRICTIVE FOR UPDATE USING ({writes}) WITH CHECK ({writes});
        CREATE POLICY own_deletes ON {table} AS RESTRICTIVE FOR DELETE USING ({writes});
    """


def settings(caller: Caller) -> dict[str, str]:
    """What the transaction must know about the caller, as PostgreSQL settings."""
    own = EVERY_CUSTOMER if caller.customers is None else ",".join(sorted(map(str, caller.customers)))
    return {
        "psa.tenant": str(caller.tenant),
        "psa.customers": own,
        "psa.denied": ",".join(sorted(map(str, caller.denied))),
        "psa.kind": caller.kind,
        "psa.subject": str(caller.subject),
        "psa.contact": str(caller.contact or ""),
        "psa.narrowed": ",".join(sorted(caller.narrowed)),
    }


_ROLE_BREACHES = """
SELECT format('the role %I is a superuser', rolname) FROM pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL
SELECT format('the role %I may bypass row-level security', rolname)
  FROM pg_roles WHERE rolname = current_user AND rolbypassrls
UNION ALL
SELECT format('the role %I may become %I, which passes walls', current_user, rolname)
  FROM pg_roles
 WHERE rolname <> current_user AND pg_has_role(current_user, oid, 'MEMBER')
   AND (rolsuper OR rolbypassrls OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid AND relkind IN ('r', 'p')))
UNION ALL
SELECT format('the role %I may create objects in the schema %I', current_user, nspname)
  FROM pg_namespace
 WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
   AND has_schema_privilege(current_user, oid, 'CREATE')
"""

# Tables that this role can touch, wherever they are: a table without any privilege needs no wall against us.
_REACHABLE = """
SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind::text AS kind, c.relrowsecurity AS walled,
       c.relforcerowsecurity AS forced, pg_get_userbyid(c.relowner) = current_user AS owned,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') AS has_tenant,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'customer_id') AS has_customer,
       has_any_column_privilege(current_user, c.oid, 'UPDATE') OR has_table_privilege(current_user, c.oid, 'DELETE') AS changed,
       COALESCE('security_invoker=true' = ANY (c.reloptions) OR 'security_invoker=on' = ANY (c.reloptions), false) AS invoker
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND has_schema_privilege(current_user, n.oid, 'USAGE')
   AND (has_table_privilege(current_user, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES')
        OR has_any_column_privilege(current_user, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
 ORDER BY 2
"""

_POLICIES = """
SELECT p.polrelid, p.polname::text AS name, p.polpermissive AS permissive, p.polcmd::text AS command,
       pg_get_expr(p.polqual, p.polrelid) AS reads, pg_get_expr(p.polwithcheck, p.polrelid) AS writes
  FROM pg_policy p
 WHERE p.polroles = '{0}' OR EXISTS (SELECT FROM unnest(p.polroles) AS member(role) WHERE pg_has_role(current_user, role, 'MEMBER'))
"""

# A unique key without the tenant tells one tenant that another has the same value; generated numbers tell nothing.
_UNIQUE_WITHOUT_TENANT = """
SELECT i.indrelid, c.relname::text AS name
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indisunique
   AND NOT EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND a.attname = 'tenant_id')
   AND EXISTS (SELECT FROM unnest(i.indkey) AS key(attnum)
                LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
                LEFT JOIN pg_attrdef d ON d.adrelid = i.indrelid AND d.adnum = key.attnum
               WHERE key.attnum = 0
                  OR (a.attidentity = '' AND COALESCE(pg_get_expr(d.adbin, d.adrelid), '') NOT LIKE 'nextval(%'))
"""


Rows = Sequence[Mapping[str, object]]


async def breaches(connection: AsyncConnection) -> list[str]:
    """Every way around the walls that the role of this connection has, in words; an empty list is what we want."""
    found = [str(one) for one in (await connection.scalars(text(_ROLE_BREACHES))).all()]
    policies = await _rows(connection, _POLICIES)
    loose_keys = await _rows(connection, _UNIQUE_WITHOUT_TENANT)
    for table in await _rows(connection, _REACHABLE):
        mine = [policy for policy in policies if policy["polrelid"] == table["oid"]]
        keys = [str(key["name"]) for key in loose_keys if key["indrelid"] == table["oid"]]
        found += [f"{table['name']}: {breach}" for breach in _of_relation(table, mine, keys)]
    return found


async def _rows(connection: AsyncConnection, sql: str) -> Rows:
    return [dict(row) for row in (await connection.execute(text(sql))).mappings()]


def _of_relation(table: Mapping[str, object], policies: Rows, loose_keys: list[str]) -> list[str]:
    if table["kind"] == "v":
        return [] if table["invoker"] else ["the view runs with its owner's rights (set security_invoker)"]
    if table["kind"] in {"m", "f"}:
        return ["a materialized view or foreign table cannot have walls"]
    found = [f"the unique key {key} has no tenant_id" for key in loose_keys]
    if table["owned"]:
        found.append("this role owns the table and could take its walls down")
    if not table["has_tenant"]:
        return [*found, "there is no tenant_id"]
    if not table["walled"]:
        return [*found, "row-level security is off"]
    if not table["forced"]:
        found.append("row-level security is not forced")
    # Where rows can only be appended, as in the audit, what has to be walled is the reading.
    walled = {"*"} if table["changed"] else {"*", "r"}
    return found + _of_policies(policies, walled, has_customer=bool(table["has_customer"]))


def _of_policies(policies: Rows, walled: set[str], *, has_customer: bool) -> list[str]:
    permissive = [policy for policy in policies if policy["permissive"]]
    found = [
        f"the policy {row['name']} lets other tenants through"
        for row in permissive
        if not _is_wall(row, _normal(TENANT_WALL))
    ]
    if not permissive:
        found.append("no policy lets anyone in: the tenant wall is missing")
    if has_customer and not any(
        not row["permissive"] and row["command"] in walled and _is_wall(row, _normal(customer_wall()))
        for row in policies
    ):
        found.append("rows belong to customers, but the customer wall is missing")
    return found


def _is_wall(policy: Mapping[str, object], wall: str) -> bool:
    """Whether both sides of a policy are exactly the wall; a missing side means the other side counts for it."""
    sides = [side for side in (policy["reads"], policy["writes"]) if side is not None]
    return bool(sides) and all(_normal(str(side)) == wall for side in sides)


def _normal(expression: str) -> str:
    """An SQL condition without what PostgreSQL adds when it prints one: names of columns, casts of literals, parentheses, blanks."""
    return re.sub(r"\bAS \w+|::text\b|[()\s]", "", expression).replace("<>ALL", "<>all").lower()
