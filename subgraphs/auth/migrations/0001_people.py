"""Tenants, users, teams, and what users are granted; and the one question that is asked before the tenant is known."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0001", None, "kit_0002", ("auth",)

_ENTITY = """
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
    _people()
    _teams()
    _grants()
    for table in ("tenant", "team", "team_member", "role_assignment"):
        migrate.protect(table)
    for table in ("user_account", "customer_access"):
        migrate.protect(table, customer="customer_id")
    _directory()


def _people() -> None:
    migrate.run(f"""
        CREATE TABLE tenant (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL CHECK (id = tenant_id),
            slug text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{{0,62}}$'),
            name text NOT NULL CHECK (name <> ''),
            settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
            {_ENTITY}
        );

        CREATE TABLE user_account (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid,
            kind text NOT NULL CHECK (kind IN ('STAFF', 'CUSTOMER', 'COMANAGED', 'SERVICE')),
            status text NOT NULL CHECK (status IN ('INVITED', 'ACTIVE', 'LOCKED', 'DISABLED')),
            email text NOT NULL CHECK (email = lower(email)),
            display_name text NOT NULL CHECK (display_name <> ''),
            first_name text,
            last_name text,
            locale text NOT NULL,
            time_zone text NOT NULL,
            last_login_at timestamptz,
            CHECK (kind = 'SERVICE' OR (customer_id IS NULL) = (kind = 'STAFF')),
            CONSTRAINT user_email UNIQUE (tenant_id, email),
            {_ENTITY}
        );
        CREATE INDEX user_by_name ON user_account (tenant_id, display_name, id);
        CREATE INDEX user_by_email ON user_account (email);
    """)


def _teams() -> None:
    migrate.run(f"""
        CREATE TABLE team (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            lead_id uuid,
            FOREIGN KEY (tenant_id, lead_id) REFERENCES user_account (tenant_id, id),
            CONSTRAINT team_name UNIQUE (tenant_id, name),
            {_ENTITY}
        );
        CREATE TABLE team_member (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            team_id uuid NOT NULL,
            user_id uuid NOT NULL,
            FOREIGN KEY (tenant_id, team_id) REFERENCES team (tenant_id, id),
            FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id),
            UNIQUE (tenant_id, team_id, user_id),
            {_ENTITY}
        );
        CREATE INDEX team_member_of_user ON team_member (tenant_id, user_id);
    """)


def _grants() -> None:
    migrate.run(f"""
        CREATE TABLE role_assignment (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            user_id uuid NOT NULL,
            role_key text NOT NULL CHECK (role_key <> ''),
            FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id),
            UNIQUE (tenant_id, user_id, role_key),
            {_ENTITY}
        );
        CREATE TABLE customer_access (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            user_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            mode text NOT NULL CHECK (mode IN ('ALLOW', 'DENY')),
            FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id),
            UNIQUE (tenant_id, user_id, customer_id),
            {_ENTITY}
        );
    """)


def _directory() -> None:
    """Let who signs in be found before their tenant is known.

    A person enters an address, and the walls show nothing without a tenant. Two functions answer exactly two
    questions, with the schema's owner's rights: in which tenants is there a user with this address, and which tenant is
    called that. They give ids and nothing else; everything after that happens behind the tenant's wall.
    """
    schema = migrate.schema()
    migrate.run(f"""
        CREATE POLICY directory ON user_account FOR SELECT TO "{schema}_owner" USING (true);
        CREATE POLICY directory ON tenant FOR SELECT TO "{schema}_owner" USING (true);
        CREATE UNIQUE INDEX tenant_slug ON tenant (tenant_id, slug);

        CREATE FUNCTION accounts_of(address text) RETURNS TABLE (tenant_id uuid, id uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = "{schema}"
        AS $$
            SELECT u.tenant_id, u.id FROM user_account u WHERE u.email = lower(address) ORDER BY u.created_at LIMIT 10
        $$;
        CREATE FUNCTION tenant_called(name text) RETURNS TABLE (id uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = "{schema}"
        AS $$
            SELECT t.id FROM tenant t WHERE t.slug = name
        $$;
        REVOKE ALL ON FUNCTION accounts_of(text), tenant_called(text) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION accounts_of(text), tenant_called(text) TO "{schema}";
    """)
