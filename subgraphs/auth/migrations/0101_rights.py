"""Roles of a tenant's own, the tree of customers, API keys; and what of identity is internal."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0101", "auth_0002", "kit_0004", None

_ENTITY = """
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id)
"""


def upgrade() -> None:
    """Create the tables behind their walls."""
    migrate.run(f"""
        CREATE TABLE role (
            key text NOT NULL CHECK (key <> ''),
            name text NOT NULL CHECK (name <> ''),
            permissions jsonb NOT NULL CHECK (jsonb_typeof(permissions) = 'array'),
            denied jsonb NOT NULL CHECK (jsonb_typeof(denied) = 'array'),
            {_ENTITY},
            CONSTRAINT role_key UNIQUE (tenant_id, key)
        );
        ALTER TABLE customer_access ADD COLUMN include_children boolean NOT NULL DEFAULT false;
        ALTER TABLE user_account ADD COLUMN contact_id uuid, ADD COLUMN cost_rate numeric(12, 4) CHECK (cost_rate >= 0);
        ALTER TABLE oauth_client ADD COLUMN ip_allow_list jsonb NOT NULL DEFAULT '[]'
            CHECK (jsonb_typeof(ip_allow_list) = 'array');

        CREATE TABLE customer_parent (
            tenant_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            parent_id uuid,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, customer_id)
        );
        CREATE INDEX customer_parent_children ON customer_parent (tenant_id, parent_id) WHERE parent_id IS NOT NULL;

        CREATE TABLE api_key (
            name text NOT NULL CHECK (name <> ''),
            prefix text NOT NULL CHECK (prefix <> ''),
            key_hash text NOT NULL,
            owner_id uuid NOT NULL,
            scopes jsonb NOT NULL CHECK (jsonb_typeof(scopes) = 'array'),
            customer_ids jsonb NOT NULL CHECK (jsonb_typeof(customer_ids) = 'array'),
            ip_allow_list jsonb NOT NULL CHECK (jsonb_typeof(ip_allow_list) = 'array'),
            rate_limit integer CHECK (rate_limit > 0),
            expires_at timestamptz,
            last_used_at timestamptz,
            revoked_at timestamptz,
            {_ENTITY},
            CONSTRAINT api_key_prefix UNIQUE (tenant_id, prefix),
            FOREIGN KEY (tenant_id, owner_id) REFERENCES user_account (tenant_id, id)
        );
        CREATE INDEX api_key_of_owner ON api_key (tenant_id, owner_id);
    """)
    for table in ("role", "api_key"):
        migrate.protect(table)
    migrate.protect("customer_parent", customer="customer_id")
    _internal()
    _what_was_taken_back()


def _internal() -> None:
    """Whoever is no staff sees no team, no role of the tenant's own, no key, no program, and of grants those of whom they see."""
    inside = "current_setting('psa.kind', true) IN ('STAFF', 'SERVICE', 'SYSTEM')"
    for table in ("team", "team_member", "role", "api_key", "oauth_client"):
        migrate.run(f"CREATE POLICY internal ON {table} AS RESTRICTIVE USING ({inside}) WITH CHECK ({inside})")
    for table in ("role_assignment", "customer_access"):
        seen = f"EXISTS (SELECT FROM user_account u WHERE u.tenant_id = {table}.tenant_id AND u.id = user_id)"
        migrate.run(f"CREATE POLICY of_whom_one_sees ON {table} AS RESTRICTIVE USING ({seen}) WITH CHECK ({seen})")


def _what_was_taken_back() -> None:
    """Tell the router of all tenants at once: identifiers and moments, and nothing else."""
    schema = migrate.schema()
    migrate.run(f"""
        CREATE POLICY taken_back ON revocation FOR SELECT TO "{schema}_owner" USING (true);
        CREATE FUNCTION revoked_since(moment timestamptz, valid timestamptz)
        RETURNS TABLE (kind text, subject text, at timestamptz, expires_at timestamptz)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = "{schema}", pg_temp
        AS $$
            SELECT r.kind, r.subject, r.at, r.expires_at FROM revocation r
             WHERE r.at >= moment AND r.expires_at > valid ORDER BY r.at
        $$;
        REVOKE ALL ON FUNCTION revoked_since(timestamptz, timestamptz) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION revoked_since(timestamptz, timestamptz) TO "{schema}";
    """)
