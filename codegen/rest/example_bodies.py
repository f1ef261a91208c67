"""Examples of bodies that rules of a module make narrower than their schema: what one may send as it stands, but for the ids."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_BOUNCE: Final = """\
From: MAILER-DAEMON@mx.example.com
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; a.hansen@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: <1@psa.example.com>

--b--
"""

_MAIL: Final = """\
From: Anna Hansen <a.hansen@example.com>
To: support@example.com
Subject: ERP system does not start
Message-ID: <2026-11-22@example.com>

Since this morning the login window closes by itself.
"""

_INVOICE: Final = """\
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:ID>4711</cbc:ID>
  <cbc:IssueDate>2026-11-22</cbc:IssueDate>
</Invoice>
"""
"""Taken in, and found wanting: a whole one is as long as the rest of the document."""

_CERTIFICATE: Final = (
    "MIIBDTCBtaADAgECAgEBMAoGCCqGSM49BAMCMBAxDjAMBgNVBAMMBWxvZ2luMCAXDTI2MDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjAQMQ4wDAYD"
    "VQQDDAVsb2dpbjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABO5NqFk1VmBb8jK7dFXoeWQYcB0o5XTXl2Mr51IV2hTzo2Wm46wQ9cU74hEKV6NZgmwVlZZz"
    "3KyyQvHAXNYYuIYwCgYIKoZIzj0EAwIDRwAwRAIgVfT2zbSn+El5FpHWN27YKYpUJklYOXlcRXNwepzQIR8CIBbnJaAKsGY8qDEiF9uss6DOh0ghN/0xDlYf"
    "JnVE9X9q"
)
"""Of a key that nobody has any more."""

_CUSTOMERS: Final = base64.b64encode(b"Name;PLZ;Ort\nHansen Logistik GmbH;24103;Kiel\n").decode()

_STATEMENT: Final = """\
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>1</Id>
  <Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>
  <Ntry><Amt Ccy="EUR">119.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><ValDt><Dt>2026-11-22</Dt></ValDt>
    <NtryDtls><TxDtls><RmtInf><Ustrd>RE-2026-000001</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
</Stmt></BkToCstmrStmt></Document>
"""

MEMBERS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "addContractLine": {"description": "Managed workplace", "quantity": "10", "unitPrice": "45.00"},
        "attachFile": {"filename": "error.txt", "content": base64.b64encode(b"ORA-12541: no listener").decode()},
        "beginUpload": {"filename": "error.mp4", "sizeBytes": 7340032},
        "bookTime": {"ticketId": "019a20b4-8c1f-7f8b-8f2f-6a1d0ad5b1c2", "minutes": 45},
        "createBillableItem": {"source": "EXPENSE", "description": "Parking at the customer's", "unitPrice": "12.00"},
        "createCalendar": {"weekly": [{"weekday": 1, "from": "08:00", "to": "17:00"}]},
        "createChannelConfig": {
            "kind": "EMAIL",
            "host": "smtp.example.com",
            "sender": "support@example.com",
        },
        "createEscalationPolicy": {
            "steps": [{"afterMinutes": 0, "channels": ["EMAIL"], "userId": "019a20b4-6ccb-7212-814f-fd60b0fc2c16"}]
        },
        "createInboundEndpoint": {"signatureStyle": "STANDARD"},
        "createMacro": {"reply": "Which user sees this?"},
        "createSamlIdentityProvider": {
            "entityId": "https://login.example.com/saml",
            "signInUrl": "https://login.example.com/saml/sso",
            "certificates": [_CERTIFICATE],
        },
        "importBankStatement": {"content": _STATEMENT},
        "importCsv": {"content": _CUSTOMERS},
        "indexContract": {"percent": "3.00"},
        "receiveInboundInvoice": {
            "contentBase64": base64.b64encode(_INVOICE.encode()).decode(),
            "fileName": "4711.xml",
        },
        "receiveMail": {"raw": _MAIL},
        "reportBounce": {"raw": _BOUNCE},
        "setBaseRate": {"percent": "1.27"},
        "startCsvImport": {"content": _CUSTOMERS},
        "upsertTemplate": {"eventType": "ticket.created", "channel": "EMAIL"},
    }
)
"""By operation: what stands in its example beside what it needs, or instead."""
