"""Macros, and who looks at which ticket at this moment."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "tickets_0106", "tickets_0105", None, None


def upgrade() -> None:
    """Create the tables."""
    migrate.run("""
        CREATE TABLE macro (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            reply text,
            note text,
            priority text CHECK (priority IN ('P1', 'P2', 'P3', 'P4')),
            queue_id uuid,
            assign_to_me boolean NOT NULL,
            tags jsonb NOT NULL,
            checklist jsonb NOT NULL,
            resolution text,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE UNIQUE INDEX macro_once ON macro (tenant_id, lower(name)) WHERE archived_at IS NULL;
        CREATE TABLE ticket_presence (
            tenant_id uuid NOT NULL,
            ticket_id uuid NOT NULL,
            visit uuid NOT NULL,
            customer_id uuid NOT NULL,
            user_id uuid NOT NULL,
            is_editing boolean NOT NULL,
            since timestamptz NOT NULL,
            seen_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, ticket_id, visit),
            FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id) ON DELETE CASCADE
        );
    """)
    migrate.protect("macro")
    migrate.protect("ticket_presence", customer="customer_id")
