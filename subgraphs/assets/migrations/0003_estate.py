"""Licences and their seats, relations, where assets were, own fields of types, imports with their doubts, and warranties told."""

from subgraphs.kit import migrate
from subgraphs.kit.tenancy import CONTACT

revision, down_revision, depends_on, branch_labels = "assets_0003", "assets_0002", None, None

_ENTITY = """
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by uuid NOT NULL,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id)
"""


def upgrade() -> None:
    """Create the tables and their walls."""
    migrate.run(f"""
        ALTER TABLE asset ADD COLUMN warranty_told integer, ADD COLUMN wipe_certificate text,
                          ADD COLUMN merged_into uuid;
        ALTER TABLE asset_type ADD COLUMN attribute_schema jsonb, ADD COLUMN holds_data boolean;

        CREATE TABLE license (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            product text NOT NULL CHECK (product <> ''),
            vendor text,
            metric text NOT NULL
                CHECK (metric IN ('USER', 'DEVICE', 'CORE', 'CONCURRENT', 'SITE', 'CAPACITY')),
            purchased integer NOT NULL CHECK (purchased >= 0),
            includes jsonb NOT NULL,
            commitment_end date,
            renewal_date date,
            end_date date,
            key_ref text,
            vendor_subscription_id text,
            cost_per_unit numeric(14, 4) CHECK (cost_per_unit >= 0),
            compliance text NOT NULL
                CHECK (compliance IN ('COMPLIANT', 'UNDER_LICENSED', 'OVER_LICENSED', 'EXPIRED', 'UNKNOWN')),
            {_ENTITY}
        );
        CREATE INDEX license_of_customer ON license (tenant_id, customer_id, product, id);

        CREATE TABLE license_seat (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            license_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            principal text NOT NULL CHECK (principal <> ''),
            directory text,
            contact_id uuid,
            asset_id uuid,
            assigned_at timestamptz NOT NULL,
            revoked_at timestamptz,
            last_active_at timestamptz,
            principal_disabled boolean NOT NULL,
            {_ENTITY},
            FOREIGN KEY (tenant_id, license_id) REFERENCES license (tenant_id, id),
            FOREIGN KEY (tenant_id, asset_id) REFERENCES asset (tenant_id, id)
        );
        CREATE INDEX license_seat_of_license ON license_seat (tenant_id, license_id, id);
        CREATE UNIQUE INDEX license_seat_held ON license_seat (tenant_id, license_id, principal, COALESCE(directory, ''))
            WHERE revoked_at IS NULL;

        CREATE TABLE asset_relation (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid,
            source_id uuid NOT NULL,
            target_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('RUNS_ON', 'CONNECTED_TO', 'USES', 'PART_OF')),
            {_ENTITY},
            UNIQUE (tenant_id, source_id, target_id, kind),
            FOREIGN KEY (tenant_id, source_id) REFERENCES asset (tenant_id, id),
            FOREIGN KEY (tenant_id, target_id) REFERENCES asset (tenant_id, id)
        );
        CREATE INDEX asset_relation_to ON asset_relation (tenant_id, target_id);

        CREATE TABLE asset_stay (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            asset_id uuid NOT NULL,
            customer_id uuid,
            site_id uuid,
            contact_id uuid,
            since timestamptz NOT NULL,
            until timestamptz,
            {_ENTITY},
            FOREIGN KEY (tenant_id, asset_id) REFERENCES asset (tenant_id, id)
        );
        CREATE INDEX asset_stay_of_asset ON asset_stay (tenant_id, asset_id, since, id);

        CREATE TABLE asset_import (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            source text NOT NULL,
            items jsonb NOT NULL,
            {_ENTITY}
        );
        CREATE TABLE match_candidate (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            import_id uuid NOT NULL,
            asset_id uuid NOT NULL,
            score integer NOT NULL CHECK (score BETWEEN 0 AND 100),
            incoming jsonb NOT NULL,
            decision text NOT NULL CHECK (decision IN ('CREATE', 'UPDATE', 'REVIEW', 'IGNORE')),
            decided_asset_id uuid,
            {_ENTITY},
            FOREIGN KEY (tenant_id, import_id) REFERENCES asset_import (tenant_id, id)
        );
        CREATE INDEX match_candidate_open ON match_candidate (tenant_id, created_at, id) WHERE decision = 'REVIEW';
    """)
    for table in ("license", "license_seat", "asset_relation", "asset_stay", "asset_import", "match_candidate"):
        migrate.protect(table, customer="customer_id")
    mine = f"contact_id = {CONTACT}"
    seats = "SELECT 1 FROM license_seat s WHERE s.tenant_id = license.tenant_id AND s.license_id = license.id"
    migrate.narrow("license_seat", read="licenses:read", write="licenses:write", own=mine)
    migrate.narrow("license", read="licenses:read", write="licenses:write", own=f"EXISTS ({seats} AND s.{mine})")
    for table, column in (("asset_relation", "source_id"), ("asset_stay", "asset_id")):
        seen = f"EXISTS (SELECT 1 FROM asset a WHERE a.tenant_id = {table}.tenant_id AND a.id = {table}.{column})"
        migrate.narrow(table, read="assets:read", write="assets:write", own=seen)
    for table in ("asset_import", "match_candidate"):
        migrate.narrow(table, read="assets:read", write="assets:write", own="false")
