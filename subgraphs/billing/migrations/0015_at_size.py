"""Documents are counted by an index alone, what waits to be billed is found in its order, and a worker may throw a run away."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0015", "billing_0014", None, None

FOR_STAFF = "(SELECT current_setting('psa.kind', true) NOT IN ('CUSTOMER', 'COMANAGED'))"


def upgrade() -> None:
    """Make the indexes, let a run be DISCARDING, and let two policies ask who is asking once for a statement, as the walls do."""
    migrate.run(f"""
        DROP INDEX invoice_newest;
        CREATE INDEX invoice_newest ON invoice (tenant_id, created_at DESC, id DESC) INCLUDE (customer_id, document_status);
        CREATE INDEX billable_item_waiting ON billable_item (tenant_id, status, service_from DESC, id DESC)
            WHERE status IN ('READY', 'HELD', 'PENDING');

        ALTER TABLE billing_run DROP CONSTRAINT billing_run_status_check, ADD CONSTRAINT billing_run_status_check
            CHECK (status IN ('CALCULATING', 'REVIEW', 'APPROVED', 'POSTED', 'DISCARDING', 'DISCARDED', 'FAILED'));

        ALTER POLICY issued_only ON invoice USING ({FOR_STAFF} OR document_status IN ('ISSUED', 'CANCELLED'));
        ALTER POLICY billed_only ON billable_item USING ({FOR_STAFF} OR status IN ('INVOICED', 'COVERED'));
    """)
