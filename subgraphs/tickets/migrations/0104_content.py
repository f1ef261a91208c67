"""What belongs to a ticket: links, steps, watchers, files, mails, ratings, appointments; and what tickets are made of again."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "tickets_0104", "tickets_0103", None, None

ENTITY = """
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by uuid NOT NULL,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id)
"""

OF_TICKET = """
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id)
"""

INSIDERS = "current_setting('psa.kind', true) IN ('STAFF', 'SERVICE', 'SYSTEM')"
"""Those who work for the tenant, in SQL."""


def upgrade() -> None:
    """Create the tables; what is among us has a wall of its own, and articles show themselves to whom they are for."""
    migrate.run(f"""
        ALTER TABLE ticket_message
            ADD COLUMN body_html text,
            ADD COLUMN channel text NOT NULL DEFAULT 'PORTAL' CHECK (channel IN ('PORTAL', 'EMAIL')),
            ADD COLUMN email_message_id text,
            ADD COLUMN in_reply_to text,
            ADD COLUMN author_email text,
            ADD COLUMN ai_generated boolean NOT NULL DEFAULT false;
        CREATE UNIQUE INDEX ticket_message_mail ON ticket_message (tenant_id, email_message_id)
            WHERE email_message_id IS NOT NULL;

        CREATE TABLE ticket_link (
            {OF_TICKET},
            other_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('DUPLICATE_OF', 'CAUSED_BY', 'BLOCKS', 'FOLLOW_UP_OF', 'RELATED')),
            {ENTITY},
            UNIQUE (tenant_id, ticket_id, other_id, kind),
            CHECK (ticket_id <> other_id),
            FOREIGN KEY (tenant_id, other_id) REFERENCES ticket (tenant_id, id)
        );
        CREATE INDEX ticket_link_of_other ON ticket_link (tenant_id, other_id);
        CREATE TABLE checklist_item (
            {OF_TICKET},
            text text NOT NULL CHECK (text <> ''),
            position integer NOT NULL,
            required boolean NOT NULL,
            done_at timestamptz,
            done_by uuid,
            {ENTITY}
        );
        CREATE INDEX checklist_item_of_ticket ON checklist_item (tenant_id, ticket_id, position, id);
        CREATE TABLE ticket_watcher (
            {OF_TICKET},
            user_id uuid,
            email text,
            {ENTITY},
            CHECK ((user_id IS NULL) <> (email IS NULL))
        );
        CREATE UNIQUE INDEX ticket_watcher_user ON ticket_watcher (tenant_id, ticket_id, user_id) WHERE user_id IS NOT NULL;
        CREATE UNIQUE INDEX ticket_watcher_email ON ticket_watcher (tenant_id, ticket_id, email) WHERE email IS NOT NULL;
        CREATE TABLE csat_response (
            {OF_TICKET},
            score integer NOT NULL CHECK (score BETWEEN 1 AND 5),
            comment text,
            responded_at timestamptz NOT NULL,
            {ENTITY},
            UNIQUE (tenant_id, ticket_id)
        );
        CREATE TABLE attachment (
            {OF_TICKET},
            message_id uuid,
            filename text NOT NULL CHECK (filename <> ''),
            mime_type text NOT NULL,
            size_bytes integer NOT NULL CHECK (size_bytes > 0),
            sha256 text NOT NULL,
            is_internal boolean NOT NULL,
            {ENTITY}
        );
        CREATE INDEX attachment_of_ticket ON attachment (tenant_id, ticket_id, created_at, id);
        CREATE TABLE attachment_content (
            tenant_id uuid NOT NULL,
            sha256 text NOT NULL,
            content bytea NOT NULL,
            PRIMARY KEY (tenant_id, sha256)
        );
        CREATE TABLE ticket_template (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            title text NOT NULL CHECK (title <> ''),
            description text,
            type text NOT NULL,
            impact text,
            urgency text,
            queue_id uuid,
            category_id uuid,
            tags jsonb NOT NULL,
            checklist jsonb NOT NULL,
            {ENTITY}
        );
        CREATE UNIQUE INDEX ticket_template_name ON ticket_template (tenant_id, lower(name)) WHERE archived_at IS NULL;
        CREATE TABLE recurring_ticket (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            template_id uuid NOT NULL,
            rrule text NOT NULL CHECK (rrule <> ''),
            time_zone text NOT NULL,
            starts_at timestamptz NOT NULL,
            next_at timestamptz,
            last_ticket_id uuid,
            is_paused boolean NOT NULL,
            {ENTITY},
            FOREIGN KEY (tenant_id, template_id) REFERENCES ticket_template (tenant_id, id)
        );
        CREATE TABLE appointment (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            user_id uuid NOT NULL,
            ticket_id uuid,
            customer_id uuid,
            starts_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL,
            kind text NOT NULL CHECK (kind IN ('ON_SITE', 'REMOTE', 'PHONE', 'INTERNAL')),
            state text NOT NULL CHECK (state IN ('PLANNED', 'CONFIRMED', 'DONE', 'CANCELLED')),
            note text,
            {ENTITY},
            CHECK (ends_at > starts_at),
            CHECK ((ticket_id IS NULL) = (customer_id IS NULL)),
            FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id)
        );
        CREATE INDEX appointment_of_user ON appointment (tenant_id, user_id, starts_at);
        CREATE INDEX appointment_of_ticket ON appointment (tenant_id, ticket_id, starts_at) WHERE ticket_id IS NOT NULL;
        CREATE TABLE kb_article (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            title text NOT NULL CHECK (title <> ''),
            body text NOT NULL CHECK (body <> ''),
            visibility text NOT NULL CHECK (visibility IN ('INTERNAL', 'CUSTOMERS', 'PUBLIC')),
            customer_ids jsonb NOT NULL,
            tags jsonb NOT NULL,
            review_at date,
            published_at timestamptz,
            {ENTITY}
        );
        CREATE INDEX kb_article_title ON kb_article (tenant_id, title, id);
        CREATE TABLE inbound_mail (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            message_id text NOT NULL,
            sender text NOT NULL,
            subject text NOT NULL,
            received_at timestamptz NOT NULL,
            outcome text NOT NULL CHECK (outcome IN ('OPENED', 'APPENDED', 'FOLLOWED_UP', 'IGNORED', 'UNMATCHED')),
            reason text,
            ticket_id uuid,
            customer_id uuid,
            raw text,
            {ENTITY},
            UNIQUE (tenant_id, message_id)
        );
    """)
    visible = "EXISTS (SELECT FROM ticket t WHERE t.tenant_id = {0}.tenant_id AND t.id = ticket_id)"
    for table in ("ticket_link", "checklist_item", "ticket_watcher", "csat_response", "attachment"):
        migrate.protect(table, customer="customer_id")
        migrate.narrow(table, read="tickets:read", write="tickets:write", own=visible.format(table))
    for table in ("recurring_ticket", "appointment", "inbound_mail"):
        migrate.protect(table, customer="customer_id")
    for table in ("ticket_template", "kb_article"):
        migrate.protect(table)
    migrate.protect("attachment_content", grants="SELECT, INSERT")
    migrate.run(f"""
        CREATE POLICY files_among_us ON attachment AS RESTRICTIVE USING (NOT is_internal OR {INSIDERS});
        CREATE POLICY links_one_may_follow ON ticket_link AS RESTRICTIVE FOR SELECT USING (
            EXISTS (SELECT FROM ticket t WHERE t.tenant_id = ticket_link.tenant_id AND t.id = other_id));
        CREATE POLICY articles_for_them ON kb_article AS RESTRICTIVE USING ({INSIDERS} OR (
            published_at IS NOT NULL AND archived_at IS NULL AND (visibility = 'PUBLIC' OR (visibility = 'CUSTOMERS' AND (
                customer_ids = '[]' OR EXISTS (
                    SELECT FROM jsonb_array_elements_text(customer_ids) AS named (id)
                     WHERE named.id = ANY (string_to_array(current_setting('psa.customers', true), ','))))))));
    """)
