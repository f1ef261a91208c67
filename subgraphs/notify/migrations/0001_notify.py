"""Notifications, preferences, deliveries, channels, and what is known of users, contacts and tickets."""

from subgraphs.kit import migrate, tenancy

revision, down_revision, depends_on, branch_labels = "notify_0001", None, "kit_0002", ("notify",)

_ENTITY = """
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
"""
_CATEGORY = "category text NOT NULL CHECK (category IN ('TICKETS','SLA','INVOICES','ASSETS','INTEGRATIONS','ACCOUNT')),"
_KIND = "text NOT NULL CHECK ({0} IN ('IN_APP', 'EMAIL', 'TEAMS', 'SMS')),"


def upgrade() -> None:
    """Create the tables."""
    migrate.run(f"""
        CREATE TABLE person (
            tenant_id uuid NOT NULL,
            user_id uuid NOT NULL,
            customer_id uuid,
            kind text NOT NULL,
            name text NOT NULL,
            email text,
            status text NOT NULL,
            roles jsonb NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, user_id)
        );
        CREATE TABLE contact_copy (
            tenant_id uuid NOT NULL,
            contact_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            name text NOT NULL,
            email text,
            active boolean NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, contact_id)
        );
        CREATE TABLE ticket_copy (
            tenant_id uuid NOT NULL,
            ticket_id uuid NOT NULL,
            customer_id uuid,
            number text,
            title text,
            priority text,
            contact_id uuid,
            assignee_id uuid,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, ticket_id)
        );
        CREATE TABLE notification (
            {_ENTITY}
            recipient_id uuid NOT NULL,
            event_id uuid NOT NULL,
            event_type text NOT NULL,
            {_CATEGORY}
            title text NOT NULL,
            body text NOT NULL,
            url text,
            related_type text NOT NULL,
            related_id text NOT NULL,
            about_customer uuid,
            read_at timestamptz,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE UNIQUE INDEX notification_once ON notification (tenant_id, recipient_id, event_id);
        CREATE INDEX notification_newest ON notification (tenant_id, recipient_id, created_at DESC, id DESC);
        CREATE INDEX notification_unread ON notification (tenant_id, recipient_id) WHERE read_at IS NULL;
        CREATE TABLE notification_preference (
            {_ENTITY}
            user_id uuid NOT NULL,
            {_CATEGORY}
            channel {_KIND.format("channel")}
            enabled boolean NOT NULL,
            digest text NOT NULL CHECK (digest IN ('NONE', 'HOURLY', 'DAILY')),
            PRIMARY KEY (tenant_id, id)
        );
        CREATE UNIQUE INDEX notification_preference_once
            ON notification_preference (tenant_id, user_id, category, channel);
        CREATE TABLE notification_settings (
            {_ENTITY}
            locale text NOT NULL,
            time_zone text NOT NULL,
            quiet_from time,
            quiet_until time,
            phone text,
            PRIMARY KEY (tenant_id, id),
            CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
        );
        CREATE TABLE delivery (
            {_ENTITY}
            channel {_KIND.format("channel")}
            channel_id uuid,
            recipient_id uuid,
            customer_id uuid,
            address text NOT NULL,
            language text NOT NULL,
            {_CATEGORY}
            mandatory boolean NOT NULL,
            gather_key text,
            related_type text NOT NULL,
            related_id text NOT NULL,
            event_type text NOT NULL,
            subject text NOT NULL,
            items jsonb NOT NULL,
            envelope jsonb,
            message_id text,
            status text NOT NULL CHECK (status IN
                ('QUEUED', 'SENDING', 'SENT', 'DELIVERED', 'BOUNCED', 'FAILED', 'SUPPRESSED')),
            attempt integer NOT NULL,
            due_at timestamptz NOT NULL,
            leased_until timestamptz,
            finished_at timestamptz,
            provider_reference text,
            error text,
            log jsonb NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CHECK ((status IN ('QUEUED', 'SENDING')) = (finished_at IS NULL)),
            CHECK ((status = 'SENDING') = (leased_until IS NOT NULL))
        );
        CREATE UNIQUE INDEX delivery_gathers ON delivery (tenant_id, channel, address, gather_key)
            WHERE status = 'QUEUED' AND attempt = 0 AND gather_key IS NOT NULL;
        CREATE INDEX delivery_newest ON delivery (tenant_id, created_at DESC, id DESC);
        CREATE INDEX delivery_by_message ON delivery (tenant_id, message_id);
        CREATE INDEX delivery_by_address ON delivery (tenant_id, channel, address, finished_at);
        CREATE TABLE suppressed_address (
            {_ENTITY}
            address text NOT NULL CHECK (address <> ''),
            reason text NOT NULL CHECK (reason IN ('HARD_BOUNCE', 'COMPLAINT', 'MANUAL')),
            detail text,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE UNIQUE INDEX suppressed_address_once ON suppressed_address (tenant_id, address)
            WHERE archived_at IS NULL;
        CREATE TABLE channel_config (
            {_ENTITY}
            kind {_KIND.format("kind")}
            name text NOT NULL CHECK (name <> ''),
            active boolean NOT NULL,
            host text,
            port integer CHECK (port BETWEEN 1 AND 65535),
            security text CHECK (security IN ('TLS', 'STARTTLS', 'NONE')),
            username text,
            sender text,
            sender_name text,
            url text,
            event_patterns jsonb NOT NULL,
            fallback_address text,
            locale text NOT NULL,
            daily_limit integer CHECK (daily_limit > 0),
            PRIMARY KEY (tenant_id, id),
            CHECK (kind <> 'IN_APP')
        );
        CREATE UNIQUE INDEX channel_config_one_active ON channel_config (tenant_id, kind)
            WHERE active AND archived_at IS NULL AND kind IN ('EMAIL', 'SMS');
        CREATE TABLE channel_secret (
            tenant_id uuid NOT NULL,
            channel_id uuid NOT NULL,
            secret bytea NOT NULL,
            PRIMARY KEY (tenant_id, channel_id),
            FOREIGN KEY (tenant_id, channel_id) REFERENCES channel_config (tenant_id, id)
        );
        CREATE TABLE notification_template (
            {_ENTITY}
            event_type text NOT NULL,
            channel {_KIND.format("channel")}
            locale text NOT NULL CHECK (locale IN ('de-DE', 'en')),
            subject text NOT NULL,
            body text NOT NULL,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE UNIQUE INDEX notification_template_once ON notification_template (tenant_id, event_type, channel, locale)
            WHERE archived_at IS NULL;
    """)
    for table in ("person", "contact_copy", "ticket_copy", "delivery"):
        migrate.protect(table, customer="customer_id")
    for table in (
        "notification",
        "notification_preference",
        "notification_settings",
        "suppressed_address",
        "channel_config",
        "channel_secret",
        "notification_template",
    ):
        migrate.protect(table)
    _narrow()


def _narrow() -> None:
    """What is somebody's own, and what is for those who look after channels alone."""
    # A platform that acts by itself (kind SYSTEM) tells everybody; people read what is theirs, and nobody else's.
    # Of customers: what is about none may be seen by everybody whose it is, so this is not the usual wall.
    own = f"(current_setting('psa.kind', true) = 'SYSTEM' OR {{0}} = {tenancy.SUBJECT})"
    for table, column in (
        ("notification", "recipient_id"),
        ("notification_preference", "user_id"),
        ("notification_settings", "id"),
    ):
        migrate.run(f"CREATE POLICY own ON {table} AS RESTRICTIVE USING ({own.format(column)})")
    about = tenancy.customer_wall("about_customer")
    migrate.run(f"CREATE POLICY about ON notification AS RESTRICTIVE USING (about_customer IS NULL OR {about})")
    for table in ("delivery", "suppressed_address", "channel_config", "channel_secret"):
        migrate.narrow(table, read="notifications:write", write="notifications:write", own="false")
    migrate.narrow("notification_template", read="notifications:read", write="notifications:write", own="false")
