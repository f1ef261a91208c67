"""A tenant is found by its short name."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0505", "auth_0504", None, None


def upgrade() -> None:
    """Compare with what was asked for: within the function, `name` was the column of that name."""
    schema = migrate.schema()
    migrate.run(f"""
        DROP FUNCTION tenant_called(text);
        CREATE FUNCTION tenant_called(wanted text) RETURNS TABLE (id uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = "{schema}"
        AS $$
            SELECT t.id FROM tenant t WHERE t.slug = wanted
        $$;
        REVOKE ALL ON FUNCTION tenant_called(text) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION tenant_called(text) TO "{schema}";
    """)
