"""Contracts, and their lines version after version."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "crm_0002", "crm_0001", "kit_0002", None

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
    """Create the two tables; what is still a draft is seen by nobody outside of the house."""
    _contract()
    _line()
    for table in ("contract", "contract_line"):
        migrate.protect(table, customer="customer_id")
    inside = "current_setting('psa.kind', true) IN ('STAFF', 'SERVICE', 'SYSTEM')"
    migrate.run(f"""
        CREATE POLICY drafts_are_internal ON contract AS RESTRICTIVE USING (status <> 'DRAFT' OR {inside});
        CREATE POLICY drafts_are_internal ON contract_line AS RESTRICTIVE USING ({inside} OR EXISTS (
            SELECT FROM contract c
             WHERE c.tenant_id = contract_line.tenant_id AND c.id = contract_line.contract_id AND c.status <> 'DRAFT'));
    """)


def _contract() -> None:
    migrate.run(f"""
        CREATE TABLE contract (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            number text NOT NULL CHECK (number <> ''),
            legal_entity_id uuid,
            title text NOT NULL CHECK (title <> ''),
            type text NOT NULL CHECK (type IN ('TIME_AND_MATERIAL', 'BLOCK_HOURS', 'RETAINER', 'FLAT_RATE',
                'PER_DEVICE', 'PER_USER', 'FIXED_PRICE', 'PER_TICKET', 'USAGE')),
            status text NOT NULL CHECK (status IN ('DRAFT', 'PENDING_SIGNATURE', 'ACTIVE', 'SUSPENDED',
                'NOTICE_GIVEN', 'ENDED', 'CANCELLED')),
            start_date date NOT NULL,
            end_date date CHECK (end_date >= start_date),
            term_months integer CHECK (term_months > 0),
            auto_renew boolean NOT NULL CHECK (NOT auto_renew OR end_date IS NOT NULL AND renewal_months IS NOT NULL),
            renewal_months integer CHECK (renewal_months > 0),
            notice_months integer CHECK (notice_months >= 0),
            notice_deadline date,
            notice_given_on date,
            notice_by text CHECK (notice_by IN ('CUSTOMER', 'PROVIDER')),
            reminded jsonb NOT NULL CHECK (jsonb_typeof(reminded) = 'array'),
            billing_interval text NOT NULL
                CHECK (billing_interval IN ('ONE_TIME', 'MONTHLY', 'QUARTERLY', 'SEMIANNUAL', 'ANNUAL')),
            billing_anchor_day integer CHECK (billing_anchor_day BETWEEN 1 AND 31),
            bill_in_advance boolean NOT NULL,
            currency text NOT NULL CHECK (length(currency) = 3),
            indexation_type text NOT NULL CHECK (indexation_type IN ('NONE', 'FIXED_PERCENT', 'CONSUMER_PRICES')),
            indexation_percent numeric(7,2),
            indexation_reference numeric(10,4) CHECK (indexation_reference > 0),
            indexation_next date,
            sla_policy_id uuid,
            coverage jsonb NOT NULL CHECK (jsonb_typeof(coverage) = 'array'),
            priority integer NOT NULL,
            included_hours numeric(12,4) CHECK (included_hours >= 0),
            hourly_rate numeric(14,4) CHECK (hourly_rate >= 0),
            overage text NOT NULL CHECK (overage IN ('BILL_RATE', 'BLOCK', 'AUTO_REPLENISH')),
            po_number text,
            signed_at timestamptz,
            quote_id uuid,
            {ENTITY},
            CONSTRAINT contract_number UNIQUE (tenant_id, number),
            UNIQUE (tenant_id, customer_id, id),
            FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id)
        );
        CREATE INDEX contract_of_customer ON contract (tenant_id, customer_id, start_date DESC, id);
        CREATE INDEX contract_by_deadline ON contract (tenant_id, notice_deadline, id) WHERE notice_deadline IS NOT NULL;
        CREATE INDEX contract_by_end ON contract (tenant_id, end_date, id) WHERE end_date IS NOT NULL;
    """)


def _line() -> None:
    migrate.run(f"""
        CREATE TABLE contract_line (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            contract_id uuid NOT NULL,
            replaces_id uuid,
            position integer NOT NULL,
            product_id uuid,
            kind text NOT NULL CHECK (kind IN ('RECURRING', 'ONE_TIME', 'PREPAID', 'USAGE')),
            description text NOT NULL CHECK (description <> ''),
            quantity_mode text NOT NULL CHECK (quantity_mode IN
                ('FIXED', 'ACTIVE_DEVICES', 'ACTIVE_USERS', 'LICENSE_COUNT', 'USAGE', 'MANUAL')),
            quantity_policy text NOT NULL CHECK (quantity_policy IN
                ('SNAPSHOT_START', 'SNAPSHOT_END', 'MAX', 'AVERAGE', 'PRORATED_CHANGES')),
            quantity numeric(12,4) NOT NULL CHECK (quantity >= 0),
            min_quantity numeric(12,4),
            max_quantity numeric(12,4) CHECK (min_quantity IS NULL OR max_quantity >= min_quantity),
            unit_code text NOT NULL,
            unit_price numeric(14,4) NOT NULL CHECK (unit_price >= 0),
            discount_percent numeric(7,2) NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
            included_hours numeric(12,4),
            hourly_rate_overage numeric(14,4),
            tiers jsonb NOT NULL CHECK (jsonb_typeof(tiers) = 'array'),
            tax_code text NOT NULL,
            prorate text NOT NULL CHECK (prorate IN ('NONE', 'DAILY', 'FULL_FIRST', 'FREE_FIRST')),
            count_query jsonb,
            asset_ids jsonb NOT NULL CHECK (jsonb_typeof(asset_ids) = 'array'),
            valid_from date NOT NULL,
            valid_to date CHECK (valid_to >= valid_from - 1),
            {ENTITY},
            FOREIGN KEY (tenant_id, customer_id, contract_id) REFERENCES contract (tenant_id, customer_id, id)
        );
        CREATE INDEX contract_line_of_contract ON contract_line (tenant_id, contract_id, position, valid_from, id);
    """)
