"""What orders the work of a desk: queues, categories, sub-statuses, settings, and what a ticket says of them."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "tickets_0101", "tickets_0002", None, None

ENTITY = """
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by uuid NOT NULL,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id)
"""


def upgrade() -> None:
    """Create the tables, and give tickets their places; co-managed technicians see what is in shared queues."""
    migrate.run(f"""
        CREATE TABLE desk_settings (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            time_zone text NOT NULL,
            priority_matrix jsonb NOT NULL,
            file_secret text NOT NULL,
            reopen_within_business_days integer NOT NULL CHECK (reopen_within_business_days >= 0),
            close_after_business_days integer NOT NULL CHECK (close_after_business_days >= 0),
            UNIQUE (tenant_id),
            {ENTITY}
        );
        CREATE TABLE queue (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            email text,
            default_priority text NOT NULL CHECK (default_priority IN ('P1', 'P2', 'P3', 'P4')),
            visibility text NOT NULL CHECK (visibility IN ('INTERNAL', 'SHARED')),
            {ENTITY}
        );
        CREATE UNIQUE INDEX queue_name ON queue (tenant_id, lower(name)) WHERE archived_at IS NULL;
        CREATE UNIQUE INDEX queue_email ON queue (tenant_id, lower(email)) WHERE archived_at IS NULL;
        CREATE TABLE category (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            parent_id uuid,
            path text NOT NULL,
            {ENTITY},
            FOREIGN KEY (tenant_id, parent_id) REFERENCES category (tenant_id, id)
        );
        CREATE UNIQUE INDEX category_path ON category (tenant_id, lower(path)) WHERE archived_at IS NULL;
        CREATE TABLE sub_status (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            label text NOT NULL CHECK (label <> ''),
            status text NOT NULL CHECK (status IN ('NEW', 'OPEN', 'IN_PROGRESS', 'SCHEDULED', 'WAITING_CUSTOMER',
                                                   'WAITING_VENDOR', 'RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')),
            pauses_sla boolean NOT NULL,
            {ENTITY}
        );
        CREATE UNIQUE INDEX sub_status_label ON sub_status (tenant_id, status, lower(label)) WHERE archived_at IS NULL;

        CREATE TABLE contact_copy (
            tenant_id uuid NOT NULL,
            contact_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            email text,
            is_vip boolean NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, contact_id)
        );
        CREATE INDEX contact_copy_email ON contact_copy (tenant_id, email) WHERE email IS NOT NULL;

        ALTER TABLE ticket
            ADD COLUMN queue_id uuid,
            ADD COLUMN category_id uuid,
            ADD COLUMN sub_status_id uuid,
            ADD COLUMN impact text CHECK (impact IN ('HIGH', 'MEDIUM', 'LOW')),
            ADD COLUMN urgency text CHECK (urgency IN ('HIGH', 'MEDIUM', 'LOW')),
            ADD COLUMN site_id uuid,
            ADD COLUMN requester_email text,
            ADD COLUMN team_id uuid,
            ADD COLUMN contract_id uuid,
            ADD COLUMN sla_policy_id uuid,
            ADD COLUMN parent_id uuid,
            ADD COLUMN merged_into_id uuid,
            ADD COLUMN template_id uuid,
            ADD COLUMN tags jsonb NOT NULL DEFAULT '[]',
            ADD COLUMN due_at_manual boolean NOT NULL DEFAULT false,
            ADD COLUMN scheduled_for timestamptz,
            ADD COLUMN sla_started_at timestamptz,
            ADD COLUMN response_started_at timestamptz,
            ADD FOREIGN KEY (tenant_id, queue_id) REFERENCES queue (tenant_id, id),
            ADD FOREIGN KEY (tenant_id, category_id) REFERENCES category (tenant_id, id),
            ADD FOREIGN KEY (tenant_id, sub_status_id) REFERENCES sub_status (tenant_id, id),
            ADD FOREIGN KEY (tenant_id, parent_id) REFERENCES ticket (tenant_id, id),
            ADD FOREIGN KEY (tenant_id, merged_into_id) REFERENCES ticket (tenant_id, id);
        UPDATE ticket SET due_at_manual = true WHERE due_at IS NOT NULL;
        CREATE INDEX ticket_of_queue ON ticket (tenant_id, queue_id, created_at DESC, id DESC);
        CREATE INDEX ticket_of_assignee ON ticket (tenant_id, assignee_id, created_at DESC, id DESC)
            WHERE assignee_id IS NOT NULL;
        CREATE INDEX ticket_of_contact ON ticket (tenant_id, contact_id, created_at DESC) WHERE contact_id IS NOT NULL;
        CREATE INDEX ticket_of_parent ON ticket (tenant_id, parent_id) WHERE parent_id IS NOT NULL;
    """)
    for table in ("desk_settings", "queue", "category", "sub_status"):
        migrate.protect(table)
    migrate.protect("contact_copy", customer="customer_id")
    migrate.run("""
        CREATE POLICY shared_queues ON ticket AS RESTRICTIVE USING (
            COALESCE(current_setting('psa.kind', true), '') <> 'COMANAGED' OR queue_id IS NULL OR EXISTS (
                SELECT FROM queue q
                 WHERE q.tenant_id = ticket.tenant_id AND q.id = ticket.queue_id AND q.visibility = 'SHARED'));
    """)
