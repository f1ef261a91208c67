"""Outbox, inbox and jobs: how facts leave and enter a module without being lost.

Three roles share these tables, and none can do the work of another (`m` is the module):

    table      m (serves)                     m_relay (drains, over all tenants)
    outbox     append                         read, mark, delete
    inbox      append                         -
    job        append, read what it appended  read, change, delete
    job_log    append                         read, append, delete

The job tables are those that pgqueuer declares, under our names, with a tenant and a wall. Two triggers make the
tenant something that no program can get wrong: a job is stamped with the tenant of the transaction that enqueues it,
also in its headers, where the worker reads it; and an entry of the log, which the worker writes for whatever tenant
the job has, takes over the tenant of the job's first entry.
"""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "kit_0002", "kit_0001", None, None

_TENANT = "NULLIF(current_setting('psa.tenant', true), '')::uuid"


def upgrade() -> None:
    """Create the four tables behind their walls, and what wakes those who drain them."""
    _outbox()
    _inbox()
    _job()
    _job_log()


def _drained(table: str, grants: str) -> None:
    relay = f'"{migrate.schema()}_relay"'
    migrate.run(f"""
        CREATE POLICY drain ON {table} TO {relay} USING (true) WITH CHECK (true);
        GRANT {grants} ON {table} TO {relay};
    """)


def _outbox() -> None:
    migrate.run("""
        CREATE TABLE outbox (
            position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            type text NOT NULL,
            envelope json NOT NULL,
            written_at timestamptz NOT NULL DEFAULT now(),
            due_at timestamptz NOT NULL DEFAULT now(),
            attempts integer NOT NULL DEFAULT 0,
            published_at timestamptz
        );
        CREATE INDEX outbox_waiting ON outbox (position) WHERE published_at IS NULL;
        CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

        CREATE FUNCTION outbox_appended() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('psa_outbox_' || TG_TABLE_SCHEMA, '');
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER outbox_appended AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_appended();
    """)
    migrate.protect("outbox", grants="INSERT (tenant_id, id, type, envelope)")
    _drained("outbox", "SELECT, UPDATE (due_at, attempts, published_at), DELETE")


def _inbox() -> None:
    migrate.run("""
        CREATE TABLE inbox (
            tenant_id uuid NOT NULL,
            consumer text NOT NULL,
            event_id uuid NOT NULL,
            handled_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (tenant_id, consumer, event_id)
        );
    """)
    migrate.protect("inbox", grants="INSERT (tenant_id, consumer, event_id)")


def _job() -> None:
    migrate.run(f"""
        CREATE TYPE job_status AS ENUM
            ('queued', 'picked', 'successful', 'exception', 'canceled', 'deleted', 'failed');
        CREATE TABLE job (
            id bigserial PRIMARY KEY,
            tenant_id uuid NOT NULL,
            priority integer NOT NULL,
            queue_manager_id uuid,
            created timestamptz NOT NULL DEFAULT now(),
            updated timestamptz NOT NULL DEFAULT now(),
            heartbeat timestamptz NOT NULL DEFAULT now(),
            execute_after timestamptz NOT NULL DEFAULT now(),
            status job_status NOT NULL,
            entrypoint text NOT NULL,
            dedupe_key text,
            payload bytea,
            headers jsonb,
            attempts integer NOT NULL DEFAULT 0,
            slot bigint
        );
        CREATE INDEX job_next ON job (entrypoint, priority DESC, id) WHERE status = 'queued';
        CREATE INDEX job_due ON job (entrypoint, execute_after) WHERE status = 'queued';
        CREATE INDEX job_heartbeat ON job (heartbeat) WHERE status = 'picked';
        CREATE UNIQUE INDEX job_once ON job (tenant_id, dedupe_key)
            WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL;

        CREATE FUNCTION job_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.tenant_id := {_TENANT};
            NEW.headers := COALESCE(NEW.headers, '{{}}'::jsonb) || jsonb_build_object('tenant', NEW.tenant_id);
            RETURN NEW;
        END
        $$;
        CREATE TRIGGER job_stamp BEFORE INSERT ON job FOR EACH ROW EXECUTE FUNCTION job_stamp();

        CREATE FUNCTION job_enqueued() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('psa_jobs_' || TG_TABLE_SCHEMA, json_build_object(
                'channel', 'psa_jobs_' || TG_TABLE_SCHEMA, 'operation', 'insert', 'sent_at', now(),
                'table', TG_TABLE_NAME, 'type', 'table_changed_event')::text);
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER job_enqueued AFTER INSERT ON job FOR EACH STATEMENT EXECUTE FUNCTION job_enqueued();
    """)
    migrate.protect("job", grants="INSERT, SELECT (id, entrypoint, priority, dedupe_key)")
    migrate.run(f'GRANT USAGE ON SEQUENCE job_id_seq TO "{migrate.schema()}"')
    _drained("job", "SELECT, UPDATE, DELETE")


def _job_log() -> None:
    migrate.run(f"""
        CREATE TABLE job_log (
            id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            tenant_id uuid NOT NULL,
            created timestamptz NOT NULL DEFAULT now(),
            job_id bigint NOT NULL,
            status job_status NOT NULL,
            priority integer NOT NULL,
            entrypoint text NOT NULL,
            traceback jsonb,
            aggregated boolean DEFAULT false
        );
        CREATE INDEX job_log_created ON job_log (created);
        CREATE INDEX job_log_job ON job_log (job_id, created DESC);

        CREATE FUNCTION job_log_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.tenant_id := {_TENANT};
            IF NEW.tenant_id IS NULL THEN
                SELECT tenant_id INTO NEW.tenant_id FROM job_log WHERE job_id = NEW.job_id LIMIT 1;
            END IF;
            RETURN NEW;
        END
        $$;
        CREATE TRIGGER job_log_stamp BEFORE INSERT ON job_log FOR EACH ROW EXECUTE FUNCTION job_log_stamp();
    """)
    migrate.protect("job_log", grants="INSERT")
    _drained("job_log", "SELECT, INSERT, DELETE")
