"""How notifications look in the graph; the enums that all of it shares get their names here."""

import strawberry

from subgraphs.notify.models.channels import MailSecurity
from subgraphs.notify.rules.channels import ChannelKind, DeliveryStatus, SuppressionReason
from subgraphs.notify.rules.notices import Category
from subgraphs.notify.rules.on_call import PageStatus, Shift
from subgraphs.notify.rules.quiet import Digest

strawberry.enum(ChannelKind, name="NotificationChannel")
strawberry.enum(Category, name="NotificationCategory")
strawberry.enum(Digest, name="NotificationDigest")
strawberry.enum(MailSecurity)
strawberry.enum(DeliveryStatus, name="NotificationStatus")
strawberry.enum(SuppressionReason)
strawberry.enum(PageStatus)
strawberry.enum(Shift, name="OnCallShift")
