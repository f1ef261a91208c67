"""Let the sweeper walk from tenant to tenant."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0401", "auth_0301", None, None


def upgrade() -> None:
    """Name some tenants, by their ids and nothing else; with the schema's owner's rights, as sign-in finds accounts."""
    schema = migrate.schema()
    migrate.run(f"""
        CREATE FUNCTION tenants_after(known uuid, most integer) RETURNS TABLE (id uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = "{schema}"
        AS $$
            SELECT t.id FROM tenant t WHERE t.id > known ORDER BY t.id LIMIT most
        $$;
        REVOKE ALL ON FUNCTION tenants_after(uuid, integer) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION tenants_after(uuid, integer) TO "{schema}";
    """)
