"""Contracts that crm tells: what kind a line is, which one it follows, when a contract rested, what was bought for a period."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0004", "billing_0003", None, None


def upgrade() -> None:
    """Add the columns; a version of a line that never held ends on the day before it begins."""
    migrate.run("""
        ALTER TABLE contract
            ADD COLUMN anchor_day integer CHECK (anchor_day BETWEEN 1 AND 31),
            ADD COLUMN pauses jsonb NOT NULL DEFAULT '[]',
            ADD COLUMN told_at timestamptz,
            ADD COLUMN next_grant date;

        ALTER TABLE contract_line
            DROP CONSTRAINT contract_line_check,
            ADD COLUMN kind text NOT NULL DEFAULT 'RECURRING' CHECK (kind IN ('RECURRING', 'ONE_TIME', 'PREPAID', 'USAGE')),
            ADD COLUMN replaces_id uuid,
            ADD COLUMN included_hours numeric(12, 4) CHECK (included_hours >= 0);

        ALTER TABLE prepaid_balance
            ADD COLUMN contract_line_id uuid,
            ADD COLUMN period_start date,
            ADD CHECK ((contract_line_id IS NULL) = (period_start IS NULL));
        CREATE UNIQUE INDEX prepaid_balance_of_period ON prepaid_balance (tenant_id, contract_line_id, period_start)
            WHERE contract_line_id IS NOT NULL;
    """)
