"""How users prove who they are, what they are given for it, and for how long: credentials, sessions, clients, tokens."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0002", "auth_0001", None, None

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
_USER = "FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id)"

TABLES = (
    "password",
    "mfa_factor",
    "factor_secret",
    "recovery_code",
    "mail_token",
    "session",
    "oauth_client",
    "consent",
    "authorization_code",
    "refresh_token",
    "device_code",
    "initial_access_token",
    "used_assertion",
    "revocation",
    "signing_key",
    "throttle",
)


def upgrade() -> None:
    """Create the tables behind their walls. Secrets are kept as hashes, or sealed; none of these tables is audited."""
    _credentials()
    _sessions()
    _clients()
    _tokens()
    _house()
    for table in TABLES:
        migrate.protect(table)


def _credentials() -> None:
    migrate.run(f"""
        CREATE TABLE password (
            tenant_id uuid NOT NULL,
            user_id uuid NOT NULL,
            hash text NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, user_id),
            {_USER}
        );
        CREATE TABLE mfa_factor (
            user_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('TOTP', 'PASSKEY')),
            label text NOT NULL CHECK (label <> ''),
            confirmed_at timestamptz,
            last_used_at timestamptz,
            {_USER},
            {_ENTITY}
        );
        CREATE INDEX mfa_factor_of_user ON mfa_factor (tenant_id, user_id);
        CREATE TABLE factor_secret (
            tenant_id uuid NOT NULL,
            factor_id uuid NOT NULL,
            sealed bytea,
            last_step bigint,
            credential_id bytea,
            public_key bytea,
            sign_count bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (tenant_id, factor_id),
            FOREIGN KEY (tenant_id, factor_id) REFERENCES mfa_factor (tenant_id, id) ON DELETE CASCADE,
            UNIQUE (tenant_id, credential_id)
        );
        CREATE TABLE recovery_code (
            tenant_id uuid NOT NULL,
            user_id uuid NOT NULL,
            code_hash text NOT NULL,
            used_at timestamptz,
            PRIMARY KEY (tenant_id, user_id, code_hash),
            {_USER}
        );
        CREATE TABLE mail_token (
            tenant_id uuid NOT NULL,
            token_hash text NOT NULL,
            user_id uuid NOT NULL,
            purpose text NOT NULL CHECK (purpose IN ('INVITATION', 'RESET')),
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            PRIMARY KEY (tenant_id, token_hash),
            {_USER}
        );
        CREATE INDEX mail_token_of_user ON mail_token (tenant_id, user_id);
    """)


def _sessions() -> None:
    migrate.run(f"""
        CREATE TABLE session (
            user_id uuid NOT NULL,
            status text NOT NULL CHECK (status IN ('PENDING_MFA', 'ACTIVE', 'EXPIRED', 'REVOKED')),
            secret_hash text NOT NULL,
            amr jsonb NOT NULL CHECK (jsonb_typeof(amr) = 'array'),
            authenticated_at timestamptz NOT NULL,
            last_seen_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            address text,
            agent text,
            {_USER},
            {_ENTITY},
            UNIQUE (tenant_id, secret_hash)
        );
        CREATE INDEX session_of_user ON session (tenant_id, user_id, created_at DESC);
    """)


def _clients() -> None:
    migrate.run(f"""
        CREATE TABLE oauth_client (
            client_id text NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            first_party boolean NOT NULL,
            secret_hash text,
            previous_secret_hash text,
            previous_secret_until timestamptz,
            auth_method text NOT NULL
                CHECK (auth_method IN ('none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt')),
            jwks jsonb,
            redirect_uris jsonb NOT NULL CHECK (jsonb_typeof(redirect_uris) = 'array'),
            post_logout_redirect_uris jsonb NOT NULL CHECK (jsonb_typeof(post_logout_redirect_uris) = 'array'),
            grant_types jsonb NOT NULL CHECK (jsonb_typeof(grant_types) = 'array'),
            scopes jsonb NOT NULL CHECK (jsonb_typeof(scopes) = 'array'),
            id_token_alg text NOT NULL CHECK (id_token_alg IN ('RS256', 'ES256')),
            backchannel_logout_uri text,
            user_id uuid,
            registration_hash text,
            disabled_at timestamptz,
            {_USER},
            {_ENTITY},
            UNIQUE (tenant_id, client_id)
        );
        CREATE TABLE consent (
            user_id uuid NOT NULL,
            client_id text NOT NULL,
            scopes jsonb NOT NULL CHECK (jsonb_typeof(scopes) = 'array'),
            {_USER},
            {_ENTITY},
            UNIQUE (tenant_id, user_id, client_id)
        );
        CREATE TABLE initial_access_token (
            tenant_id uuid NOT NULL,
            token_hash text NOT NULL,
            expires_at timestamptz NOT NULL,
            uses_left integer NOT NULL CHECK (uses_left >= 0),
            PRIMARY KEY (tenant_id, token_hash)
        );
        CREATE TABLE used_assertion (
            tenant_id uuid NOT NULL,
            jti_hash text NOT NULL,
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, jti_hash)
        );
    """)


def _tokens() -> None:
    migrate.run(f"""
        CREATE TABLE authorization_code (
            tenant_id uuid NOT NULL,
            code_hash text NOT NULL,
            grant_id uuid NOT NULL,
            client_id text NOT NULL,
            user_id uuid NOT NULL,
            session_id uuid NOT NULL,
            redirect_uri text NOT NULL,
            scope text NOT NULL,
            nonce text,
            code_challenge text NOT NULL,
            code_challenge_method text NOT NULL CHECK (code_challenge_method = 'S256'),
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            PRIMARY KEY (tenant_id, code_hash),
            {_USER}
        );
        CREATE TABLE refresh_token (
            tenant_id uuid NOT NULL,
            token_hash text NOT NULL,
            grant_id uuid NOT NULL,
            client_id text NOT NULL,
            user_id uuid NOT NULL,
            session_id uuid,
            scope text NOT NULL,
            issued_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            revoked_at timestamptz,
            PRIMARY KEY (tenant_id, token_hash),
            {_USER}
        );
        CREATE INDEX refresh_token_of_grant ON refresh_token (tenant_id, grant_id);
        CREATE INDEX refresh_token_of_user ON refresh_token (tenant_id, user_id) WHERE revoked_at IS NULL;
        CREATE INDEX refresh_token_of_session ON refresh_token (tenant_id, session_id) WHERE session_id IS NOT NULL;
        CREATE TABLE device_code (
            tenant_id uuid NOT NULL,
            code_hash text NOT NULL,
            user_code text NOT NULL,
            client_id text NOT NULL,
            scope text NOT NULL,
            status text NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'DENIED', 'USED')),
            seconds_between integer NOT NULL,
            expires_at timestamptz NOT NULL,
            polled_at timestamptz,
            for_tenant_id uuid,
            user_id uuid,
            session_id uuid,
            PRIMARY KEY (tenant_id, code_hash),
            UNIQUE (tenant_id, user_code)
        );
        CREATE TABLE revocation (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('SESSION', 'USER', 'GRANT', 'TOKEN', 'KEY')),
            subject text NOT NULL,
            at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE INDEX revocation_of_subject ON revocation (tenant_id, subject);
        CREATE INDEX revocation_at ON revocation (at);
    """)


def _house() -> None:
    migrate.run("""
        CREATE TABLE signing_key (
            tenant_id uuid NOT NULL,
            kid text NOT NULL,
            algorithm text NOT NULL CHECK (algorithm IN ('ES256', 'RS256')),
            state text NOT NULL CHECK (state IN ('NEXT', 'CURRENT', 'RETIRED')),
            public jsonb NOT NULL,
            sealed bytea NOT NULL,
            created_at timestamptz NOT NULL,
            published_until timestamptz,
            PRIMARY KEY (tenant_id, kid)
        );
        CREATE UNIQUE INDEX signing_key_current ON signing_key (tenant_id, algorithm) WHERE state = 'CURRENT';
        CREATE UNIQUE INDEX signing_key_next ON signing_key (tenant_id, algorithm) WHERE state = 'NEXT';
        CREATE TABLE throttle (
            tenant_id uuid NOT NULL,
            key text NOT NULL,
            failures integer NOT NULL,
            failed_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, key)
        );
    """)
