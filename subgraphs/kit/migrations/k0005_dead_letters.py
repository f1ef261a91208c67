"""What failed for good is kept where people see it: events that no consumer could handle, and jobs that are held.

    table          m (serves)                                  m_relay (drains, over all tenants)
    dead_letter    append, read, say what became of it         read, append, change, delete
    settlement     append, read                                read
    job            … and let one that is held begin again
    outbox         … and bring an event back to one queue

A job becomes a dead letter in the statement that holds it: a trigger at the log, where pgqueuer writes why.
"""

from subgraphs.kit import migrate
from subgraphs.kit.tenancy import customer_wall

revision, down_revision, depends_on, branch_labels = "kit_0005", "kit_0004", None, None


def upgrade() -> None:
    """Create the archive, fill it with the jobs that are held today, and let the runtime role give things back."""
    _dead_letter()
    _settlement()
    _held_jobs()
    _ways_back()


def _dead_letter() -> None:
    schema = migrate.schema()
    migrate.run("""
        CREATE TABLE dead_letter (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL DEFAULT gen_random_uuid(),
            kind text NOT NULL CHECK (kind IN ('EVENT', 'JOB')),
            status text NOT NULL DEFAULT 'HELD' CHECK (status IN ('GIVEN_UP', 'HELD', 'REPLAYED', 'DISCARDED')),
            queue text NOT NULL,
            type text NOT NULL,
            event_id uuid,
            job_id bigint,
            customer_id uuid,
            reason text NOT NULL CHECK (reason IN ('FAILED', 'UNREADABLE', 'REJECTED', 'DELIVERED_TOO_OFTEN')),
            error text NOT NULL,
            attempts integer NOT NULL,
            body bytea NOT NULL,
            correlation text,
            held_at timestamptz NOT NULL,
            replayed_at timestamptz,
            replays integer NOT NULL DEFAULT 0,
            settled_at timestamptz,
            settled_by uuid,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE UNIQUE INDEX dead_letter_of_event ON dead_letter (tenant_id, queue, event_id) WHERE event_id IS NOT NULL;
        CREATE UNIQUE INDEX dead_letter_of_job ON dead_letter (tenant_id, job_id) WHERE job_id IS NOT NULL;
        CREATE INDEX dead_letter_newest ON dead_letter (tenant_id, status, held_at DESC, id);
        CREATE INDEX dead_letter_settled ON dead_letter (settled_at) WHERE settled_at IS NOT NULL;
    """)
    # The customer's wall is for those who ask; the relay's role, which the trigger works as, has no customers.
    migrate.protect("dead_letter", grants="SELECT, INSERT, UPDATE")
    migrate.run(f"""
        CREATE POLICY customer_wall ON dead_letter AS RESTRICTIVE TO "{schema}"
            USING ({customer_wall()}) WITH CHECK ({customer_wall()});
        CREATE POLICY drain ON dead_letter TO "{schema}_relay" USING (true) WITH CHECK (true);
        GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letter TO "{schema}_relay";
    """)


def _settlement() -> None:
    """What somebody decided about dead letters, so that asking twice decides once."""
    migrate.run("""
        CREATE TABLE settlement (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            action text NOT NULL CHECK (action IN ('REPLAY', 'DISCARD')),
            settled jsonb NOT NULL,
            remaining integer NOT NULL,
            PRIMARY KEY (tenant_id, id)
        );
    """)
    migrate.protect("settlement", grants="SELECT, INSERT")


def _held_jobs() -> None:
    migrate.run("""
        CREATE FUNCTION dead_letter_of_job() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO dead_letter
                (tenant_id, kind, queue, type, job_id, reason, error, attempts, body, correlation, held_at)
            SELECT job.tenant_id, 'JOB', 'job', job.entrypoint, job.id, 'FAILED',
                   left(concat_ws(': ', NEW.traceback->>'exception_type', NULLIF(NEW.traceback->>'exception_message', '')), 2000),
                   job.attempts + 1, COALESCE(job.payload, ''), NULLIF(job.headers->>'correlation', ''), now()
              FROM job WHERE job.id = NEW.job_id
            ON CONFLICT (tenant_id, job_id) WHERE job_id IS NOT NULL DO UPDATE
               SET status = 'HELD', error = excluded.error, attempts = excluded.attempts, held_at = excluded.held_at,
                   settled_at = NULL, settled_by = NULL;
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER dead_letter_of_job AFTER INSERT ON job_log FOR EACH ROW
            WHEN (NEW.status = 'failed') EXECUTE FUNCTION dead_letter_of_job();

        ALTER TABLE job NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE job_log NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE dead_letter NO FORCE ROW LEVEL SECURITY;
        INSERT INTO dead_letter (tenant_id, kind, queue, type, job_id, reason, error, attempts, body, correlation, held_at)
        SELECT tenant_id, 'JOB', 'job', entrypoint, id, 'FAILED',
               COALESCE((SELECT left(traceback->>'exception_message', 2000) FROM job_log
                          WHERE job_id = job.id AND status = 'failed' ORDER BY created DESC LIMIT 1), ''),
               attempts + 1, COALESCE(payload, ''), NULLIF(headers->>'correlation', ''), updated
          FROM job WHERE status = 'failed';
        ALTER TABLE job FORCE ROW LEVEL SECURITY;
        ALTER TABLE job_log FORCE ROW LEVEL SECURITY;
        ALTER TABLE dead_letter FORCE ROW LEVEL SECURITY;
    """)


def _ways_back() -> None:
    schema = migrate.schema()
    migrate.run(f"""
        ALTER TABLE outbox ADD COLUMN queue text;
        GRANT INSERT (queue) ON outbox TO "{schema}";
        GRANT SELECT (status), UPDATE (status, attempts, execute_after, updated) ON job TO "{schema}";
    """)
