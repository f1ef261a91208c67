"""Customers that became one: who became whom, and that what is theirs may follow them, documents included."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0007", "billing_0006", None, None

APPENDED_ONLY = ("quantity_change", "prepaid_movement", "invoice_file")


def upgrade() -> None:
    """Create the table of merges, and let the account of an issued document change where a merge says so, and nothing else."""
    migrate.run("""
        CREATE TABLE customer_merge (
            tenant_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            survivor_id uuid NOT NULL CHECK (survivor_id <> customer_id),
            merged_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, customer_id)
        );
    """)
    migrate.protect("customer_merge", customer="customer_id", grants="SELECT, INSERT")
    for table in APPENDED_ONLY:
        migrate.run(f'GRANT UPDATE (customer_id) ON {table} TO "{migrate.schema()}";')
    migrate.run("""
        CREATE FUNCTION is_merged(tenant uuid, source uuid, survivor uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
            WITH RECURSIVE became (id) AS (
                SELECT source UNION SELECT m.survivor_id FROM customer_merge m JOIN became b
                    ON m.tenant_id = tenant AND m.customer_id = b.id)
            SELECT survivor <> source AND EXISTS (SELECT FROM became WHERE id = survivor)
        $$;

        CREATE FUNCTION refuse_change_of_owner() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT is_merged(OLD.tenant_id, OLD.customer_id, NEW.customer_id) THEN
                RAISE EXCEPTION 'this stays with its customer' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$;

        CREATE OR REPLACE FUNCTION refuse_change_of_issued() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            may_change text[] := ARRAY[
                'payment_status', 'delivery_status', 'paid_amount', 'written_off', 'open_amount', 'cancelled_by_id',
                'sent_to', 'sent_at', 'dunning_level', 'last_notice_on', 'dunning_blocked_until', 'flat_fee_charged',
                'disputed', 'version', 'updated_at', 'updated_by'];
        BEGIN
            IF OLD.document_status IN ('ISSUED', 'CANCELLED') THEN
                IF TG_OP = 'DELETE' THEN
                    RAISE EXCEPTION 'an issued document cannot be deleted' USING ERRCODE = 'restrict_violation';
                END IF;
                IF NEW.document_status = 'CANCELLED' AND OLD.document_status = 'ISSUED' THEN
                    may_change := array_append(may_change, 'document_status');
                END IF;
                IF NEW.customer_id <> OLD.customer_id AND is_merged(OLD.tenant_id, OLD.customer_id, NEW.customer_id) THEN
                    may_change := array_append(may_change, 'customer_id');
                END IF;
                IF to_jsonb(OLD) - may_change <> to_jsonb(NEW) - may_change THEN
                    RAISE EXCEPTION 'an issued document cannot be changed' USING ERRCODE = 'restrict_violation';
                END IF;
            ELSIF TG_OP = 'DELETE' AND OLD.document_status <> 'DRAFT' THEN
                RAISE EXCEPTION 'only a draft can be deleted' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN COALESCE(NEW, OLD);
        END $$;

        CREATE OR REPLACE FUNCTION refuse_change_of_issued_lines() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            line record := COALESCE(NEW, OLD);
            may_change text[] := ARRAY['customer_id', 'version', 'updated_at', 'updated_by'];
        BEGIN
            IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change
               AND is_merged(OLD.tenant_id, OLD.customer_id, NEW.customer_id) THEN
                RETURN NEW;
            END IF;
            IF EXISTS (SELECT FROM invoice i
                        WHERE i.tenant_id = line.tenant_id AND i.id IN (line.invoice_id, OLD.invoice_id)
                          AND i.document_status <> 'DRAFT') THEN
                RAISE EXCEPTION 'the lines of an issued document cannot be changed' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN line;
        END $$;
    """)
    for table in APPENDED_ONLY:
        migrate.run(
            f"CREATE TRIGGER refuse_change_of_owner BEFORE UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_owner();"
        )
