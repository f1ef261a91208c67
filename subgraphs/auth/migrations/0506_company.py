"""Teams are for the provider's own people; and what mattered for security is let go of when it is old."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0506", "auth_0505", None, None

_INSIDE = "COALESCE(current_setting('psa.kind', true), '') NOT IN ('CUSTOMER', 'COMANAGED')"


def upgrade() -> None:
    """Wall teams off from people of customers, who may look at users now; let one function delete what is old.

    The runtime role may still only add to `security_event`. The function deletes with the rights of the schema's owner:
    only behind the wall of the tenant that the transaction is in, and by the database's own clock, so that nobody who
    speaks for the service can say what is old.
    """
    schema = migrate.schema()
    for table in ("team", "team_member"):
        migrate.run(f"CREATE POLICY staff_wall ON {table} AS RESTRICTIVE USING ({_INSIDE}) WITH CHECK ({_INSIDE});")
    migrate.run(f"""
        CREATE FUNCTION forget_security_events(most integer) RETURNS integer
        LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = "{schema}"
        AS $$
            WITH gone AS (
                DELETE FROM security_event WHERE ctid = ANY(ARRAY(
                    SELECT old.ctid FROM security_event old WHERE old.at < now() - interval '400 days'
                     LIMIT least(most, 10000) FOR UPDATE SKIP LOCKED))
                RETURNING 1)
            SELECT count(*)::integer FROM gone
        $$;
        REVOKE ALL ON FUNCTION forget_security_events(integer) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION forget_security_events(integer) TO "{schema}";
    """)
