"""What is sold and what was agreed: legal entities, products, prices, taxes, accounts, contracts, balances."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0001", None, "kit_0002", ("billing",)

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


def upgrade() -> None:
    """Create the tables; what belongs to a customer stands behind the second wall."""
    migrate.run(f"""
        CREATE TABLE legal_entity (
            name text NOT NULL CHECK (name <> ''),
            address jsonb NOT NULL,
            vat_id text,
            tax_number text,
            register_court text,
            register_no text,
            managing_directors jsonb NOT NULL,
            contact_name text NOT NULL,
            contact_phone text,
            contact_email text NOT NULL,
            iban text NOT NULL,
            bic text,
            sepa_creditor_id text,
            base_currency text NOT NULL CHECK (base_currency ~ '^[A-Z]{{3}}$'),
            small_business boolean NOT NULL,
            vat_on_receipt boolean NOT NULL,
            four_eyes boolean NOT NULL,
            approve_issues boolean NOT NULL,
            books_closed_until date,
            datev jsonb NOT NULL,
            {ENTITY}
        );

        CREATE TABLE tax_code (
            key text NOT NULL CHECK (key <> ''),
            category text NOT NULL CHECK (category IN ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')),
            rate numeric(7, 4) NOT NULL CHECK (rate >= 0),
            valid_from date NOT NULL,
            valid_to date CHECK (valid_to >= valid_from),
            exemption_code text,
            exemption_text text,
            revenue_account_skr03 text,
            revenue_account_skr04 text,
            tax_key text NOT NULL,
            {ENTITY},
            UNIQUE (tenant_id, key, valid_from)
        );

        CREATE TABLE product (
            sku text NOT NULL CHECK (sku <> ''),
            name text NOT NULL CHECK (name <> ''),
            description text,
            kind text NOT NULL
                CHECK (kind IN ('SERVICE', 'HARDWARE', 'SOFTWARE', 'SUBSCRIPTION', 'PREPAID', 'TRAVEL')),
            supply text NOT NULL CHECK (supply IN ('SERVICE', 'GOODS')),
            unit_code text NOT NULL,
            sales_price numeric(14, 4) CHECK (sales_price >= 0),
            cost numeric(14, 4) CHECK (cost >= 0),
            tax_code text NOT NULL,
            reverse_charge_goods boolean NOT NULL,
            revenue_account text,
            commitment_months integer CHECK (commitment_months > 0),
            commitment_reducible boolean NOT NULL,
            active boolean NOT NULL,
            {ENTITY},
            UNIQUE (tenant_id, sku)
        );

        CREATE TABLE price_list (
            name text NOT NULL CHECK (name <> ''),
            customer_id uuid,
            currency text NOT NULL,
            items jsonb NOT NULL,
            active boolean NOT NULL,
            {ENTITY},
            UNIQUE (tenant_id, name)
        );

        CREATE TABLE rate_card (
            name text NOT NULL CHECK (name <> ''),
            scope text NOT NULL CHECK (scope IN ('TENANT', 'CUSTOMER', 'CONTRACT')),
            customer_id uuid,
            contract_id uuid,
            entries jsonb NOT NULL,
            valid_from date,
            {ENTITY},
            UNIQUE (tenant_id, name),
            CHECK ((scope = 'TENANT') = (customer_id IS NULL)),
            CHECK ((scope = 'CONTRACT') = (contract_id IS NOT NULL))
        );

        CREATE TABLE base_rate (
            valid_from date NOT NULL,
            percent numeric(7, 4) NOT NULL,
            {ENTITY},
            UNIQUE (tenant_id, valid_from)
        );

        CREATE TABLE billing_account (
            customer_id uuid NOT NULL CHECK (customer_id = id),
            number text,
            name text NOT NULL,
            address jsonb NOT NULL,
            vat_id text,
            vat_id_status text NOT NULL CHECK (vat_id_status IN ('UNCHECKED', 'VALID', 'INVALID', 'UNAVAILABLE')),
            vat_id_checked_at timestamptz,
            is_business boolean NOT NULL,
            currency text NOT NULL CHECK (currency ~ '^[A-Z]{{3}}$'),
            language text NOT NULL,
            payment_days integer NOT NULL CHECK (payment_days BETWEEN 0 AND 365),
            skonto jsonb NOT NULL,
            invoice_email text,
            einvoice_format text NOT NULL
                CHECK (einvoice_format IN ('NONE_PDF', 'ZUGFERD_EN16931', 'XRECHNUNG_UBL', 'XRECHNUNG_CII')),
            einvoice_endpoint jsonb,
            buyer_reference text,
            debtor_account text,
            dunning_block boolean NOT NULL,
            told_at timestamptz,
            {ENTITY}
        );

        CREATE TABLE contract (
            customer_id uuid NOT NULL,
            legal_entity_id uuid,
            number text NOT NULL,
            title text NOT NULL,
            type text NOT NULL
                CHECK (type IN ('TIME_AND_MATERIAL', 'BLOCK_HOURS', 'RETAINER', 'FLAT_RATE', 'PER_DEVICE', 'PER_USER',
                                'FIXED_PRICE', 'PER_TICKET', 'USAGE')),
            status text NOT NULL
                CHECK (status IN ('DRAFT', 'PENDING_SIGNATURE', 'ACTIVE', 'SUSPENDED', 'NOTICE_GIVEN', 'ENDED', 'CANCELLED')),
            start_date date NOT NULL,
            end_date date CHECK (end_date >= start_date),
            billing_interval text NOT NULL
                CHECK (billing_interval IN ('ONE_TIME', 'MONTHLY', 'QUARTERLY', 'SEMIANNUAL', 'ANNUAL')),
            bill_in_advance boolean NOT NULL,
            priority integer NOT NULL,
            coverage jsonb NOT NULL,
            asset_ids jsonb NOT NULL,
            included_hours numeric(12, 4) CHECK (included_hours >= 0),
            hourly_rate numeric(14, 4) CHECK (hourly_rate >= 0),
            overage text NOT NULL CHECK (overage IN ('BILL_RATE', 'BLOCK', 'AUTO_REPLENISH')),
            po_number text,
            {ENTITY},
            UNIQUE (tenant_id, number)
        );
        CREATE INDEX contract_of_customer ON contract (tenant_id, customer_id, start_date);

        CREATE TABLE contract_line (
            customer_id uuid NOT NULL,
            contract_id uuid NOT NULL,
            product_id uuid,
            description text NOT NULL CHECK (description <> ''),
            quantity_mode text NOT NULL
                CHECK (quantity_mode IN ('FIXED', 'ACTIVE_DEVICES', 'ACTIVE_USERS', 'LICENSE_COUNT', 'USAGE', 'MANUAL')),
            quantity_policy text NOT NULL
                CHECK (quantity_policy IN ('SNAPSHOT_START', 'SNAPSHOT_END', 'MAX', 'AVERAGE', 'PRORATED_CHANGES')),
            quantity numeric(12, 4) NOT NULL,
            min_quantity numeric(12, 4),
            max_quantity numeric(12, 4),
            unit_code text NOT NULL,
            unit_price numeric(14, 4) NOT NULL CHECK (unit_price >= 0),
            cost numeric(14, 4) CHECK (cost >= 0),
            discount_percent numeric(7, 4) NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
            tiers jsonb NOT NULL,
            tax_code text NOT NULL,
            prorate text NOT NULL CHECK (prorate IN ('NONE', 'DAILY', 'FULL_FIRST', 'FREE_FIRST')),
            valid_from date NOT NULL,
            valid_to date CHECK (valid_to >= valid_from),
            committed_until date,
            {ENTITY}
        );
        CREATE INDEX contract_line_of_contract ON contract_line (tenant_id, contract_id);
        CREATE INDEX contract_line_of_customer ON contract_line (tenant_id, customer_id);

        CREATE TABLE quantity_change (
            customer_id uuid NOT NULL,
            contract_line_id uuid NOT NULL,
            effective_date date NOT NULL,
            delta numeric(12, 4) NOT NULL CHECK (delta <> 0),
            reason text NOT NULL,
            source text NOT NULL,
            approved_by uuid NOT NULL,
            {ENTITY}
        );
        CREATE INDEX quantity_change_of_line ON quantity_change (tenant_id, contract_line_id, effective_date);

        CREATE TABLE billed_device (
            customer_id uuid NOT NULL,
            type_key text NOT NULL,
            since date NOT NULL,
            until date,
            told_at timestamptz NOT NULL,
            {ENTITY}
        );
        CREATE INDEX billed_device_of_customer ON billed_device (tenant_id, customer_id);

        CREATE TABLE quantity_variance (
            customer_id uuid NOT NULL,
            contract_id uuid NOT NULL,
            contract_line_id uuid NOT NULL,
            source text NOT NULL,
            source_quantity numeric(12, 4) NOT NULL,
            billed_quantity numeric(12, 4) NOT NULL,
            difference numeric(12, 4) NOT NULL,
            monthly_impact numeric(14, 2) NOT NULL,
            status text NOT NULL CHECK (status IN ('OPEN', 'ACCEPTED', 'IGNORED', 'FIXED')),
            {ENTITY}
        );
        CREATE INDEX quantity_variance_of_contract ON quantity_variance (tenant_id, contract_id, created_at);
        CREATE UNIQUE INDEX quantity_variance_open ON quantity_variance (tenant_id, contract_line_id, source)
            WHERE status = 'OPEN';

        CREATE TABLE prepaid_balance (
            customer_id uuid NOT NULL,
            contract_id uuid NOT NULL,
            unit text NOT NULL CHECK (unit IN ('HOURS', 'MONEY', 'TICKETS')),
            bought_on date NOT NULL,
            purchased numeric(12, 4) NOT NULL CHECK (purchased > 0),
            expires_on date CHECK (expires_on >= bought_on),
            {ENTITY}
        );
        CREATE INDEX prepaid_balance_of_contract ON prepaid_balance (tenant_id, contract_id, bought_on);
        CREATE INDEX prepaid_balance_expiring ON prepaid_balance (tenant_id, expires_on) WHERE expires_on IS NOT NULL;

        CREATE TABLE prepaid_movement (
            customer_id uuid NOT NULL,
            balance_id uuid NOT NULL,
            on_date date NOT NULL,
            quantity numeric(12, 4) NOT NULL CHECK (quantity <> 0),
            kind text NOT NULL CHECK (kind IN ('PURCHASE', 'CONSUME', 'EXPIRE', 'REFUND', 'ADJUST')),
            source_id uuid,
            reason text,
            {ENTITY}
        );
        CREATE INDEX prepaid_movement_of_balance ON prepaid_movement (tenant_id, balance_id, created_at);
    """)
    for table in ("legal_entity", "tax_code", "product", "base_rate"):
        migrate.protect(table)
    for table in ("price_list", "rate_card"):
        migrate.protect(table, customer="customer_id")
    for table in (
        "billing_account",
        "contract",
        "contract_line",
        "billed_device",
        "quantity_variance",
        "prepaid_balance",
    ):
        migrate.protect(table, customer="customer_id", grants="SELECT, INSERT, UPDATE")
    for table in ("quantity_change", "prepaid_movement"):
        migrate.protect(table, customer="customer_id", grants="SELECT, INSERT")
