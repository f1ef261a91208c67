"""Long jobs that somebody started and looks at: how far they are, and what came of them."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "kit_0006", "kit_0005", None, None


def upgrade() -> None:
    """Create the table behind the tenant's wall; who may see a job within the tenant is decided by its permission."""
    migrate.run("""
        CREATE TABLE long_job (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            kind text NOT NULL,
            permission text NOT NULL,
            status text NOT NULL CHECK (status IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED')),
            done integer NOT NULL,
            total integer,
            attempts integer NOT NULL,
            result_type text,
            result_id uuid,
            error_code text,
            error text,
            started_at timestamptz,
            finished_at timestamptz,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE INDEX long_job_newest ON long_job (tenant_id, created_at DESC, id DESC);
    """)
    migrate.protect("long_job", grants="SELECT, INSERT, UPDATE")
