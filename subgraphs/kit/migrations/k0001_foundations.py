"""What every module keeps beside its own tables: audit entries, idempotency keys, numbers, references."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "kit_0001", None, None, ("kit",)


def upgrade() -> None:
    """Create the four tables behind their walls."""
    migrate.run("""
        CREATE TABLE audit (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            at timestamptz NOT NULL,
            actor_kind text NOT NULL,
            actor_id uuid NOT NULL,
            command text NOT NULL,
            change text NOT NULL CHECK (change IN ('CREATED', 'CHANGED', 'REMOVED')),
            resource text NOT NULL,
            resource_id uuid NOT NULL,
            before jsonb,
            after jsonb,
            correlation text,
            address text,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE INDEX audit_of_resource ON audit (tenant_id, resource, resource_id, at DESC);

        CREATE TABLE idempotency (
            tenant_id uuid NOT NULL,
            subject uuid NOT NULL,
            key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
            fingerprint bytea NOT NULL,
            result jsonb,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, subject, key)
        );
        CREATE INDEX idempotency_age ON idempotency (tenant_id, created_at);

        CREATE TABLE number_series (
            tenant_id uuid NOT NULL,
            series text NOT NULL,
            last bigint NOT NULL,
            PRIMARY KEY (tenant_id, series)
        );

        CREATE TABLE reference (
            tenant_id uuid NOT NULL,
            type text NOT NULL,
            id uuid NOT NULL,
            customer_id uuid,
            name text NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, type, id)
        );
    """)
    migrate.protect("audit", grants="SELECT, INSERT")
    migrate.protect("idempotency")
    migrate.protect("number_series", grants="SELECT, INSERT, UPDATE")
    migrate.protect("reference", customer="customer_id")
