"""The questions that a service provider asks every day, each as one query over all modules."""

from __future__ import annotations

CUSTOMER = """query ($id: ID!) { customer(id: $id) {
  number name status billingAddress { line1 postalCode city }
  contacts { firstName lastName email } sites { name }
  contracts { number title status }
  tickets(status: "open") { number title priority }
  assets { name type status }
  licenses { product purchased }
  expiringItems { day kind name }
  invoices(status: "open") { number totalGross { amount } dueDate overdue }
  openBalance { amount } mrr { amount }
  unbilledItems { description quantity unitPrice }
} }"""

TICKET = """query ($id: ID!) { ticket(id: $id) {
  number title priority status
  customer { name }
  asset { name type warrantyUntil eolDate }
  slaClocks { metric dueAt state }
  contract { number title }
  timeEntries { note billableMinutes coverage { effect reasons contract { number title } } }
  charges { description status quantity }
} }"""

INVOICE = """query ($id: ID!) { invoice(id: $id) {
  number issueDate totalGross { amount } openAmount { amount }
  customer { name }
  lines { description netAmount items { source explanation
    timeEntry { startedAt actualMinutes billableMinutes note userId ticket { number title } } } }
} }"""

NEXT_QUARTER = """query ($until: Date!) {
  expiringContracts(until: $until) { number title noticeDeadline endDate customer { name } }
  expiringItems(withinDays: 92) { day kind name customer { name } asset { name type } license { product } }
}"""
