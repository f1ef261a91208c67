"""Products are told of from now on; those that are there already are told of once, so that others know them, too."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0009", "billing_0008", "kit_0002", None


def upgrade() -> None:
    """Write the events of the products that are there, as if they were entered now; the owner looks over the walls to do so."""
    migrate.run("""
        ALTER TABLE product NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
        INSERT INTO outbox (tenant_id, id, type, envelope)
        SELECT tenant_id, told, 'product.created', json_build_object(
                   'specversion', '1.0', 'id', told, 'source', '/psa/billing', 'type', 'product.created',
                   'subject', 'Product/' || id, 'time', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                   'datacontenttype', 'application/json', 'dataschema', 'urn:psa:event:product.created:1',
                   'tenantid', tenant_id, 'actorkind', 'SYSTEM', 'actorid', created_by,
                   'correlationid', replace(told::text, '-', ''), 'schemaversion', 1,
                   'data', json_build_object('id', id, 'sku', sku, 'name', name, 'active', active))
          FROM (SELECT *, gen_random_uuid() AS told FROM product) AS known;
        ALTER TABLE product FORCE ROW LEVEL SECURITY;
        ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
    """)
