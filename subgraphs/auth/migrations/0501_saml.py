"""Providers that speak SAML 2.0, beside those that speak OpenID Connect."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0501", "auth_0401", None, None


def upgrade() -> None:
    """Say which language a provider speaks and how it proves itself; keep what it said until the browser is back."""
    migrate.run("""
        ALTER TABLE identity_provider
            ADD COLUMN type text NOT NULL DEFAULT 'OIDC' CHECK (type IN ('OIDC', 'SAML')),
            ADD COLUMN sign_in_url text,
            ADD COLUMN certificates jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(certificates) = 'array'),
            ADD COLUMN claims_mapping jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(claims_mapping) = 'object'),
            ADD CONSTRAINT saml_proves_itself
                CHECK (type <> 'SAML' OR (sign_in_url IS NOT NULL AND jsonb_array_length(certificates) > 0));
        ALTER TABLE upstream_sign_in ADD COLUMN said jsonb;
    """)
