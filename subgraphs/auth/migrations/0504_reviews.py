"""What matters for security in all modules, in one place; and reviews of who may what."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0504", "auth_0503", None, None


def upgrade() -> None:
    """Create the tables behind their walls; what happened can be added to, and not be changed."""
    migrate.run("""
        CREATE TABLE security_event (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid,
            at timestamptz NOT NULL,
            module text NOT NULL,
            category text NOT NULL,
            action text NOT NULL,
            outcome text NOT NULL,
            actor_id uuid NOT NULL,
            impersonator_id uuid,
            resource text,
            resource_id uuid,
            address text,
            details jsonb NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE INDEX security_event_by_time ON security_event (tenant_id, at DESC, id DESC);

        CREATE TABLE access_review (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            role_keys jsonb NOT NULL CHECK (jsonb_typeof(role_keys) = 'array'),
            due_on date NOT NULL,
            closed_at timestamptz,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE TABLE access_review_item (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            review_id uuid NOT NULL,
            user_id uuid NOT NULL,
            role_key text NOT NULL,
            decision text NOT NULL CHECK (decision IN ('PENDING', 'KEEP', 'REVOKE')),
            reason text,
            decided_at timestamptz,
            decided_by uuid,
            CONSTRAINT review_item UNIQUE (tenant_id, review_id, user_id, role_key),
            FOREIGN KEY (tenant_id, review_id) REFERENCES access_review (tenant_id, id),
            FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id),
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id)
        );
    """)
    migrate.protect("security_event", customer="customer_id", grants="SELECT, INSERT")
    for table in ("access_review", "access_review_item"):
        migrate.protect(table, grants="SELECT, INSERT, UPDATE")
