"""What is billed and what is paid: items, runs, documents that can't be changed once issued, payments, dunning, exports."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0002", "billing_0001", None, None

ENTITY = """
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id)
"""

FOR_STAFF = "current_setting('psa.kind', true) NOT IN ('CUSTOMER', 'COMANAGED')"


def upgrade() -> None:
    """Create the tables, and the triggers that refuse every change of what was issued."""
    migrate.run(f"""
        CREATE TABLE billable_item (
            customer_id uuid NOT NULL,
            source text NOT NULL
                CHECK (source IN ('TIME_ENTRY', 'CONTRACT_LINE', 'PRODUCT', 'EXPENSE', 'TRAVEL', 'MILESTONE', 'USAGE', 'MANUAL')),
            source_id uuid,
            part integer NOT NULL,
            contract_id uuid,
            project_id uuid,
            ticket_id uuid,
            product_id uuid,
            period_start date,
            description text NOT NULL,
            quantity numeric(12, 4) NOT NULL,
            unit_code text NOT NULL,
            unit_price numeric(14, 4) NOT NULL,
            discount_percent numeric(7, 4) NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
            notional_value numeric(14, 2) NOT NULL,
            cost numeric(14, 4),
            tax_code text NOT NULL,
            supplied_in text,
            service_from date NOT NULL,
            service_to date,
            status text NOT NULL CHECK (status IN ('PENDING', 'READY', 'HELD', 'COVERED', 'INVOICED', 'WRITTEN_OFF')),
            hold_reason text,
            effect text CHECK (effect IN ('COVERED', 'PREPAID', 'BILLABLE', 'PARTLY_COVERED', 'HELD')),
            rule_id uuid,
            explanation jsonb NOT NULL,
            minutes integer,
            invoice_id uuid,
            {ENTITY},
            CHECK ((status = 'INVOICED') = (invoice_id IS NOT NULL)),
            CHECK ((status = 'HELD') = (hold_reason IS NOT NULL))
        );
        CREATE UNIQUE INDEX billable_item_period ON billable_item (tenant_id, source_id, period_start, part)
            WHERE source = 'CONTRACT_LINE';
        CREATE UNIQUE INDEX billable_item_time ON billable_item (tenant_id, source_id, part) WHERE source = 'TIME_ENTRY';
        CREATE INDEX billable_item_ready ON billable_item (tenant_id, customer_id, service_from) WHERE status = 'READY';
        CREATE INDEX billable_item_of_customer ON billable_item (tenant_id, customer_id, created_at);
        CREATE INDEX billable_item_of_contract ON billable_item (tenant_id, contract_id, service_from);
        CREATE INDEX billable_item_of_ticket ON billable_item (tenant_id, ticket_id) WHERE ticket_id IS NOT NULL;
        CREATE INDEX billable_item_of_invoice ON billable_item (tenant_id, invoice_id) WHERE invoice_id IS NOT NULL;
        CREATE INDEX billable_item_of_source ON billable_item (tenant_id, source_id);

        CREATE TABLE billing_run (
            legal_entity_id uuid NOT NULL,
            until date NOT NULL,
            customer_ids jsonb NOT NULL,
            status text NOT NULL
                CHECK (status IN ('CALCULATING', 'REVIEW', 'APPROVED', 'POSTED', 'DISCARDED', 'FAILED')),
            drafts integer NOT NULL,
            lines integer NOT NULL,
            total_net numeric(14, 2) NOT NULL,
            currency text NOT NULL,
            warnings jsonb NOT NULL,
            approved_by uuid,
            {ENTITY}
        );

        CREATE TABLE number_range (
            legal_entity_id uuid NOT NULL,
            prefix text NOT NULL,
            year integer NOT NULL,
            next integer NOT NULL CHECK (next >= 1),
            padding integer NOT NULL,
            last_issue_date date,
            last_hash text NOT NULL,
            {ENTITY},
            UNIQUE (tenant_id, legal_entity_id, prefix, year)
        );

        CREATE TABLE invoice (
            number text,
            kind text NOT NULL
                CHECK (kind IN ('INVOICE', 'PARTIAL', 'FINAL', 'CANCELLATION', 'CREDIT_NOTE', 'SELF_BILLED')),
            document_status text NOT NULL CHECK (document_status IN ('DRAFT', 'APPROVED', 'ISSUED', 'CANCELLED')),
            payment_status text NOT NULL
                CHECK (payment_status IN ('OPEN', 'PARTIALLY_PAID', 'PAID', 'OVERPAID', 'WRITTEN_OFF')),
            delivery_status text NOT NULL CHECK (delivery_status IN ('NOT_SENT', 'SENT', 'DELIVERED', 'FAILED')),
            legal_entity_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            billing_run_id uuid,
            currency text NOT NULL CHECK (currency ~ '^[A-Z]{{3}}$'),
            issue_date date,
            tax_point_date date,
            service_from date,
            service_to date,
            due_date date,
            payment_days integer NOT NULL,
            skonto jsonb NOT NULL,
            discount_percent numeric(7, 4) NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
            lines_net numeric(14, 2) NOT NULL,
            allowance numeric(14, 2) NOT NULL,
            total_net numeric(14, 2) NOT NULL,
            total_tax numeric(14, 2) NOT NULL,
            total_gross numeric(14, 2) NOT NULL,
            tax_breakdown jsonb NOT NULL,
            exchange_rate numeric(14, 6) CHECK (exchange_rate > 0),
            exchange_rate_date date,
            tax_in_base_currency numeric(14, 2),
            buyer_reference text,
            order_reference text,
            payment_terms text,
            notes text,
            preceding_id uuid,
            reason text,
            seller_snapshot jsonb,
            buyer_snapshot jsonb,
            approved_by uuid,
            approved_at timestamptz,
            issued_at timestamptz,
            number_range_id uuid,
            range_place integer,
            content_hash text,
            prev_hash text,
            paid_amount numeric(14, 2) NOT NULL,
            written_off numeric(14, 2) NOT NULL,
            open_amount numeric(14, 2) NOT NULL,
            cancelled_by_id uuid,
            sent_to text,
            sent_at timestamptz,
            dunning_level integer,
            last_notice_on date,
            dunning_blocked_until date,
            flat_fee_charged boolean NOT NULL,
            disputed boolean NOT NULL,
            {ENTITY},
            UNIQUE (tenant_id, legal_entity_id, number),
            UNIQUE (tenant_id, number_range_id, range_place),
            CHECK (total_gross = total_net + total_tax),
            CHECK (total_net = lines_net - allowance),
            CHECK ((document_status IN ('ISSUED', 'CANCELLED')) = (number IS NOT NULL)),
            CHECK (document_status NOT IN ('ISSUED', 'CANCELLED')
                   OR (issue_date IS NOT NULL AND content_hash IS NOT NULL AND seller_snapshot IS NOT NULL
                       AND buyer_snapshot IS NOT NULL))
        );
        CREATE INDEX invoice_of_customer ON invoice (tenant_id, customer_id, created_at DESC, id DESC);
        CREATE INDEX invoice_newest ON invoice (tenant_id, created_at DESC, id DESC);
        CREATE INDEX invoice_open ON invoice (tenant_id, due_date) WHERE document_status = 'ISSUED' AND open_amount > 0;
        CREATE INDEX invoice_of_run ON invoice (tenant_id, billing_run_id) WHERE billing_run_id IS NOT NULL;
        CREATE INDEX invoice_issued ON invoice (tenant_id, legal_entity_id, issue_date) WHERE number IS NOT NULL;

        CREATE TABLE invoice_line (
            invoice_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            position integer NOT NULL,
            product_id uuid,
            sku text,
            description text NOT NULL,
            quantity numeric(12, 4) NOT NULL,
            unit_code text NOT NULL,
            unit_price numeric(14, 4) NOT NULL CHECK (unit_price >= 0),
            discount_percent numeric(7, 4) NOT NULL,
            net_amount numeric(14, 2) NOT NULL,
            tax_code text NOT NULL,
            tax_category text NOT NULL CHECK (tax_category IN ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')),
            tax_rate numeric(7, 4) NOT NULL,
            exemption_code text,
            exemption_text text,
            revenue_account text,
            service_from date,
            service_to date,
            billable_item_ids jsonb NOT NULL,
            contract_id uuid,
            project_id uuid,
            cost_center text,
            {ENTITY},
            FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoice (tenant_id, id)
        );
        CREATE INDEX invoice_line_of_invoice ON invoice_line (tenant_id, invoice_id, position);
        CREATE INDEX invoice_line_of_contract ON invoice_line (tenant_id, contract_id) WHERE contract_id IS NOT NULL;

        CREATE TABLE payment (
            customer_id uuid NOT NULL,
            amount numeric(14, 2) NOT NULL CHECK (amount > 0),
            unallocated numeric(14, 2) NOT NULL CHECK (unallocated BETWEEN 0 AND amount),
            currency text NOT NULL,
            value_date date NOT NULL,
            method text NOT NULL CHECK (method IN ('BANK_TRANSFER', 'DIRECT_DEBIT', 'CARD', 'CASH', 'OTHER')),
            bank_reference text,
            reversed_at timestamptz,
            reversal_reason text,
            {ENTITY}
        );
        CREATE INDEX payment_of_customer ON payment (tenant_id, customer_id, value_date DESC);

        CREATE TABLE allocation (
            customer_id uuid NOT NULL,
            payment_id uuid,
            credit_note_id uuid,
            invoice_id uuid NOT NULL,
            amount numeric(14, 2) NOT NULL CHECK (amount > 0),
            skonto_amount numeric(14, 2) NOT NULL CHECK (skonto_amount >= 0),
            value_date date NOT NULL,
            released_at timestamptz,
            {ENTITY},
            CHECK ((payment_id IS NULL) <> (credit_note_id IS NULL))
        );
        CREATE INDEX allocation_of_payment ON allocation (tenant_id, payment_id);
        CREATE INDEX allocation_of_invoice ON allocation (tenant_id, invoice_id);

        CREATE TABLE dunning_policy (
            min_amount numeric(14, 2) NOT NULL,
            days_between integer NOT NULL,
            require_fresh_payments boolean NOT NULL,
            levels jsonb NOT NULL,
            {ENTITY}
        );
        CREATE UNIQUE INDEX dunning_policy_of_tenant ON dunning_policy (tenant_id);

        CREATE TABLE dunning_run (
            on_date date NOT NULL,
            notices integer NOT NULL,
            total_open numeric(14, 2) NOT NULL,
            skipped jsonb NOT NULL,
            {ENTITY}
        );

        CREATE TABLE dunning_notice (
            customer_id uuid NOT NULL,
            run_id uuid NOT NULL,
            level integer NOT NULL,
            on_date date NOT NULL,
            claims jsonb NOT NULL,
            open_amount numeric(14, 2) NOT NULL,
            fee numeric(14, 2) NOT NULL,
            flat_fee numeric(14, 2) NOT NULL,
            interest numeric(14, 2) NOT NULL,
            currency text NOT NULL,
            sent_at timestamptz,
            {ENTITY}
        );
        CREATE INDEX dunning_notice_of_customer ON dunning_notice (tenant_id, customer_id, created_at DESC);
        CREATE INDEX dunning_notice_of_run ON dunning_notice (tenant_id, run_id);

        CREATE TABLE export_batch (
            legal_entity_id uuid NOT NULL,
            period_start date NOT NULL,
            period_end date NOT NULL,
            file_name text NOT NULL,
            sha256 text NOT NULL,
            rows integer NOT NULL,
            debit numeric(14, 2) NOT NULL,
            credit numeric(14, 2) NOT NULL,
            invoice_ids jsonb NOT NULL,
            duplicate boolean NOT NULL,
            {ENTITY}
        );
        CREATE TABLE export_file (
            tenant_id uuid NOT NULL,
            batch_id uuid NOT NULL,
            content bytea NOT NULL,
            PRIMARY KEY (tenant_id, batch_id)
        );
    """)
    _walls()
    _immutability()


def _walls() -> None:
    for table in ("billable_item", "invoice", "invoice_line"):
        migrate.protect(table, customer="customer_id")
    for table in ("payment", "allocation", "dunning_notice"):
        migrate.protect(table, customer="customer_id", grants="SELECT, INSERT, UPDATE")
    for table in ("billing_run", "number_range", "dunning_policy", "dunning_run"):
        migrate.protect(table, grants="SELECT, INSERT, UPDATE")
    for table in ("export_batch", "export_file"):
        migrate.protect(table, grants="SELECT, INSERT")
    migrate.run(f"""
        CREATE POLICY issued_only ON invoice AS RESTRICTIVE FOR SELECT
            USING ({FOR_STAFF} OR document_status IN ('ISSUED', 'CANCELLED'));
        CREATE POLICY billed_only ON billable_item AS RESTRICTIVE FOR SELECT
            USING ({FOR_STAFF} OR status IN ('INVOICED', 'COVERED'));
    """)


def _immutability() -> None:
    """Refuse what the law forbids, whoever asks: the service, a script, a person with the service's password."""
    migrate.run("""
        CREATE FUNCTION refuse_change_of_issued() RETURNS trigger LANGUAGE plpgsql AS $$
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
                IF to_jsonb(OLD) - may_change <> to_jsonb(NEW) - may_change THEN
                    RAISE EXCEPTION 'an issued document cannot be changed' USING ERRCODE = 'restrict_violation';
                END IF;
            ELSIF TG_OP = 'DELETE' AND OLD.document_status <> 'DRAFT' THEN
                RAISE EXCEPTION 'only a draft can be deleted' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN COALESCE(NEW, OLD);
        END $$;
        CREATE TRIGGER refuse_change_of_issued BEFORE UPDATE OR DELETE ON invoice
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_issued();

        CREATE FUNCTION refuse_change_of_issued_lines() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            line record := COALESCE(NEW, OLD);
        BEGIN
            IF EXISTS (SELECT FROM invoice i
                        WHERE i.tenant_id = line.tenant_id AND i.id IN (line.invoice_id, OLD.invoice_id)
                          AND i.document_status <> 'DRAFT') THEN
                RAISE EXCEPTION 'the lines of an issued document cannot be changed' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN line;
        END $$;
        CREATE TRIGGER refuse_change_of_issued_lines BEFORE INSERT OR UPDATE OR DELETE ON invoice_line
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_issued_lines();
    """)
