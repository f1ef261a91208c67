"""Tickets and what is said about them."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "tickets_0001", None, "kit_0001", ("tickets",)


def upgrade() -> None:
    """Create the two tables; internal notes have a wall of their own, because customers read the table too."""
    migrate.run("""
        CREATE TABLE ticket (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            number text NOT NULL,
            title text NOT NULL CHECK (title <> ''),
            description text,
            type text NOT NULL
                CHECK (type IN ('INCIDENT', 'SERVICE_REQUEST', 'PROBLEM', 'CHANGE', 'TASK', 'ALERT')),
            status text NOT NULL
                CHECK (status IN ('NEW', 'OPEN', 'IN_PROGRESS', 'SCHEDULED', 'WAITING_CUSTOMER', 'WAITING_VENDOR',
                                  'RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')),
            priority text NOT NULL CHECK (priority IN ('P1', 'P2', 'P3', 'P4')),
            source text NOT NULL
                CHECK (source IN ('EMAIL', 'PORTAL', 'PHONE', 'API', 'ALERT', 'CHAT', 'RECURRING', 'MANUAL')),
            customer_id uuid NOT NULL,
            contact_id uuid,
            asset_id uuid,
            assignee_id uuid,
            vendor_reference text,
            due_at timestamptz,
            first_response_at timestamptz,
            resolution text,
            resolution_code text,
            resolved_at timestamptz,
            closed_at timestamptz,
            reopen_count integer NOT NULL DEFAULT 0,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
            UNIQUE (tenant_id, number),
            CHECK (status NOT IN ('RESOLVED', 'CLOSED') OR (resolution IS NOT NULL AND resolved_at IS NOT NULL))
        );
        CREATE INDEX ticket_of_customer ON ticket (tenant_id, customer_id, created_at DESC, id DESC);
        CREATE INDEX ticket_of_asset ON ticket (tenant_id, asset_id, created_at DESC) WHERE asset_id IS NOT NULL;
        CREATE INDEX ticket_newest ON ticket (tenant_id, created_at DESC, id DESC);
        CREATE INDEX ticket_not_done ON ticket (tenant_id, status, priority, created_at)
            WHERE status NOT IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED');

        CREATE TABLE ticket_message (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            ticket_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('PUBLIC_REPLY', 'INTERNAL_NOTE', 'SYSTEM', 'CUSTOMER_MESSAGE')),
            author_id uuid NOT NULL,
            body_text text NOT NULL CHECK (body_text <> ''),
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
            FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id)
        );
        CREATE INDEX ticket_message_of_ticket ON ticket_message (tenant_id, ticket_id, created_at, id);
    """)
    migrate.protect("ticket", customer="customer_id")
    migrate.protect("ticket_message", customer="customer_id")
    migrate.run("""
        CREATE POLICY notes_are_internal ON ticket_message AS RESTRICTIVE
            USING (kind <> 'INTERNAL_NOTE' OR current_setting('psa.kind', true) IN ('STAFF', 'SERVICE', 'SYSTEM'));
    """)
