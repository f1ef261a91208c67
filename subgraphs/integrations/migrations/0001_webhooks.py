"""Webhooks in both directions, and the log of changes."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "integrations_0001", None, "kit_0002", ("integrations",)

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


def upgrade() -> None:
    """Create the tables; what has no customer is hidden from callers limited to some."""
    migrate.run(f"""
        CREATE TABLE webhook_subscription (
            {_ENTITY}
            name text NOT NULL CHECK (name <> ''),
            url text NOT NULL,
            event_patterns jsonb NOT NULL,
            customer_id uuid,
            denied_customers jsonb NOT NULL,
            scopes jsonb NOT NULL,
            query text,
            client_id text,
            ordered boolean NOT NULL,
            concurrency integer NOT NULL CHECK (concurrency BETWEEN 1 AND 20),
            retry_seconds jsonb NOT NULL,
            active boolean NOT NULL,
            disabled_at timestamptz,
            disabled_reason text CHECK (disabled_reason IN ('REQUESTED', 'FAILING', 'GONE')),
            PRIMARY KEY (tenant_id, id),
            CHECK ((disabled_at IS NULL) = active AND (disabled_reason IS NULL) = active)
        );
        CREATE TABLE webhook_state (
            tenant_id uuid NOT NULL,
            subscription_id uuid NOT NULL,
            customer_id uuid,
            secret bytea NOT NULL,
            previous_secret bytea,
            previous_secret_until timestamptz,
            client_secret bytea,
            leased_until timestamptz,
            paused_until timestamptz,
            failing_since timestamptz,
            failure_count integer NOT NULL DEFAULT 0,
            last_success_at timestamptz,
            PRIMARY KEY (tenant_id, subscription_id),
            FOREIGN KEY (tenant_id, subscription_id) REFERENCES webhook_subscription (tenant_id, id)
        );
        CREATE TABLE webhook_delivery (
            {_ENTITY}
            subscription_id uuid NOT NULL,
            customer_id uuid,
            kind text NOT NULL CHECK (kind IN ('EVENT', 'REPLAY', 'TEST')),
            replay_of uuid,
            replayed_at timestamptz,
            event_id uuid NOT NULL,
            event_type text NOT NULL,
            event_at timestamptz NOT NULL,
            event jsonb NOT NULL,
            status text NOT NULL CHECK (status IN ('PENDING', 'DELIVERED', 'DEAD')),
            attempt integer NOT NULL,
            next_retry_at timestamptz,
            finished_at timestamptz,
            response_code integer,
            error text,
            log jsonb NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CHECK ((status = 'PENDING') = (next_retry_at IS NOT NULL)),
            CHECK ((status = 'PENDING') = (finished_at IS NULL)),
            FOREIGN KEY (tenant_id, subscription_id) REFERENCES webhook_subscription (tenant_id, id)
        );
        CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (tenant_id, subscription_id, event_id)
            WHERE kind = 'EVENT';
        CREATE INDEX webhook_delivery_due ON webhook_delivery (tenant_id, subscription_id, event_at, id)
            WHERE status = 'PENDING';
        CREATE INDEX webhook_delivery_newest ON webhook_delivery (tenant_id, subscription_id, created_at DESC, id DESC);
        CREATE INDEX webhook_delivery_by_event ON webhook_delivery (tenant_id, event_id);

        CREATE TABLE inbound_endpoint (
            {_ENTITY}
            name text NOT NULL CHECK (name <> ''),
            customer_id uuid,
            auth text NOT NULL CHECK (auth IN ('HMAC', 'BASIC', 'HEADER', 'MTLS')),
            signature_style text CHECK (signature_style IN ('STANDARD', 'TIMESTAMPED', 'GITHUB', 'SLACK', 'BODY')),
            header text,
            username text,
            certificate text,
            id_header text,
            max_bytes integer NOT NULL CHECK (max_bytes BETWEEN 1 AND 262144),
            replay_window_seconds integer NOT NULL CHECK (replay_window_seconds BETWEEN 1 AND 86400),
            active boolean NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CHECK ((auth = 'HMAC') = (signature_style IS NOT NULL))
        );
        CREATE TABLE inbound_secret (
            tenant_id uuid NOT NULL,
            endpoint_id uuid NOT NULL,
            secret bytea NOT NULL,
            previous_secret bytea,
            previous_secret_until timestamptz,
            PRIMARY KEY (tenant_id, endpoint_id),
            FOREIGN KEY (tenant_id, endpoint_id) REFERENCES inbound_endpoint (tenant_id, id)
        );
        CREATE INDEX inbound_secret_of_endpoint ON inbound_secret (endpoint_id);
        CREATE TABLE inbound_message (
            {_ENTITY}
            endpoint_id uuid NOT NULL,
            customer_id uuid,
            message_id text NOT NULL,
            counts_until timestamptz NOT NULL,
            content_type text,
            headers jsonb NOT NULL,
            body bytea NOT NULL,
            PRIMARY KEY (tenant_id, id),
            FOREIGN KEY (tenant_id, endpoint_id) REFERENCES inbound_endpoint (tenant_id, id)
        );
        CREATE INDEX inbound_message_by_id ON inbound_message (tenant_id, endpoint_id, message_id, created_at DESC);
        CREATE INDEX inbound_message_newest ON inbound_message (tenant_id, endpoint_id, created_at DESC, id DESC);

        CREATE TABLE change (
            tenant_id uuid NOT NULL,
            position bigint NOT NULL,
            customer_id uuid,
            event_id uuid NOT NULL,
            event_type text NOT NULL,
            type text NOT NULL,
            subject_id uuid NOT NULL,
            permission text NOT NULL,
            deleted boolean NOT NULL,
            changed jsonb NOT NULL,
            at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, position)
        );
        CREATE INDEX change_of_thing ON change (tenant_id, type, subject_id, position DESC);
        CREATE INDEX change_by_age ON change (tenant_id, recorded_at);
        CREATE TABLE change_horizon (
            tenant_id uuid NOT NULL PRIMARY KEY,
            swept bigint NOT NULL
        );
    """)
    for table in ("webhook_subscription", "webhook_state", "webhook_delivery", "inbound_endpoint"):
        migrate.protect(table, customer="customer_id")
    migrate.protect("inbound_message", customer="customer_id")
    migrate.protect("inbound_secret")
    migrate.protect("change_horizon")
    migrate.protect("change", customer="customer_id", grants="SELECT, INSERT, DELETE")
    schema = migrate.schema()
    # Whoever knocks has no token: the endpoint's id, and nothing else, says whose it is. As identity finds accounts.
    migrate.run(f"""
        CREATE POLICY directory ON inbound_secret FOR SELECT TO "{schema}_owner" USING (true);
        CREATE FUNCTION tenant_of_endpoint(known uuid) RETURNS uuid
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = "{schema}"
        AS $$ SELECT tenant_id FROM inbound_secret WHERE endpoint_id = known LIMIT 1 $$;
        REVOKE ALL ON FUNCTION tenant_of_endpoint(uuid) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION tenant_of_endpoint(uuid) TO "{schema}";
    """)
