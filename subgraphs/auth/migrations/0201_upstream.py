"""Providers of others at which people sign in, whom they know there, and who is on the way there and back."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0201", "auth_0101", None, None


def upgrade() -> None:
    """Create the tables behind their walls, and let a domain lead to the provider that speaks for it."""
    migrate.run("""
        CREATE TABLE identity_provider (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            issuer text NOT NULL,
            client_id text NOT NULL,
            scopes text NOT NULL,
            domains jsonb NOT NULL CHECK (jsonb_typeof(domains) = 'array'),
            group_claim text NOT NULL,
            role_mapping jsonb NOT NULL CHECK (jsonb_typeof(role_mapping) = 'object'),
            default_roles jsonb NOT NULL CHECK (jsonb_typeof(default_roles) = 'array'),
            creates_users boolean NOT NULL,
            trusts_addresses boolean NOT NULL,
            disabled_at timestamptz,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE TABLE identity_provider_secret (
            tenant_id uuid NOT NULL,
            provider_id uuid NOT NULL,
            sealed bytea NOT NULL,
            PRIMARY KEY (tenant_id, provider_id),
            FOREIGN KEY (tenant_id, provider_id) REFERENCES identity_provider (tenant_id, id)
        );
        CREATE TABLE upstream_identity (
            tenant_id uuid NOT NULL,
            provider_id uuid NOT NULL,
            subject text NOT NULL,
            user_id uuid NOT NULL,
            PRIMARY KEY (tenant_id, provider_id, subject),
            FOREIGN KEY (tenant_id, provider_id) REFERENCES identity_provider (tenant_id, id),
            FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id)
        );
        CREATE TABLE upstream_sign_in (
            tenant_id uuid NOT NULL,
            state_hash text NOT NULL,
            provider_id uuid NOT NULL,
            browser_hash text NOT NULL,
            nonce text NOT NULL,
            verifier text NOT NULL,
            leads_to text NOT NULL,
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, state_hash),
            FOREIGN KEY (tenant_id, provider_id) REFERENCES identity_provider (tenant_id, id)
        );
    """)
    for table in ("identity_provider", "identity_provider_secret", "upstream_identity", "upstream_sign_in"):
        migrate.protect(table)
    schema = migrate.schema()
    migrate.run(f"""
        CREATE POLICY directory ON identity_provider FOR SELECT TO "{schema}_owner" USING (true);
        CREATE FUNCTION providers_of(domain text) RETURNS TABLE (tenant_id uuid, id uuid, name text)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = "{schema}"
        AS $$
            SELECT p.tenant_id, p.id, p.name FROM identity_provider p
             WHERE p.domains ? lower(domain) AND p.disabled_at IS NULL ORDER BY p.created_at LIMIT 5
        $$;
        REVOKE ALL ON FUNCTION providers_of(text) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION providers_of(text) TO "{schema}";
    """)
