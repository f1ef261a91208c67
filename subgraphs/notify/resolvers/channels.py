"""What those who look after channels can ask and tell: settings, templates, deliveries, suppressed addresses."""

from __future__ import annotations

import strawberry

from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.errors import Refusal
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.values import failure
from subgraphs.kit.work import Work
from subgraphs.notify.models import channels as models
from subgraphs.notify.models import deliveries as out
from subgraphs.notify.models.channels import MailSecurity
from subgraphs.notify.rules import mail
from subgraphs.notify.rules.channels import ChannelKind, DeliveryStatus
from subgraphs.notify.service import channels, deliveries, suppression, templates
from subgraphs.notify.types.channels import (
    ADMINISTER,
    READ,
    ChannelConfig,
    ChannelConfigPayload,
    Delivery,
    DeliveryPayload,
    NotificationTemplate,
    NotificationTemplatePayload,
    SuppressedAddress,
    SuppressedAddressPayload,
    TemplatePreview,
)


@strawberry.type
class ChannelQuery:
    """What can be asked about channels."""

    @strawberry.field
    async def channel_configs(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[ChannelConfig]:
        """The channels that are set up, by name."""
        query = channels.selected().order_by(models.ChannelConfig.name, models.ChannelConfig.id)
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(ADMINISTER) as work:
            rows = (await work.session.scalars(query.limit(most).offset(first))).all()
        return [ChannelConfig.of(row) for row in rows]

    @strawberry.field
    async def notification_templates(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[NotificationTemplate]:
        """Your own templates; for everything else ours hold."""
        table = models.NotificationTemplate
        query = templates.selected().order_by(table.event_type, table.id)
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(READ) as work:
            rows = (await work.session.scalars(query.limit(most).offset(first))).all()
        return [NotificationTemplate.of(row) for row in rows]

    @strawberry.field
    async def preview_template(
        self,
        info: Info,
        event_type: str,
        channel: ChannelKind,
        locale: str,
        subject: str | None = None,
        body: str | None = None,
    ) -> TemplatePreview:
        """What a template would make of an example before you use it; without words of your own: what ours make."""
        async with info.context.work(READ):
            try:
                head, text = templates.preview(
                    event_type=event_type, channel=channel, locale=locale, subject=subject, body=body
                )
            except Refusal as refusal:
                return TemplatePreview(error=failure(refusal))
        page_of = mail.as_html(text, locale) if channel is ChannelKind.EMAIL else None
        return TemplatePreview(subject=head, text=text, html=page_of)

    @strawberry.field
    async def notification_deliveries(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        status: DeliveryStatus | None = None,
        channel: ChannelKind | None = None,
        related_id: strawberry.ID | None = None,
    ) -> Connection[Delivery]:
        """What left us or will, page by page, the newest first; `status: FAILED` are the dead letters."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = deliveries.selected(status=status, channel=channel, related_id=related_id)
        count, order = counts(info), deliveries.NEWEST_FIRST
        async with info.context.work(ADMINISTER) as work:
            return await page(work, query, out.Delivery, order, wanted, Delivery.of, count=count)

    @strawberry.field
    async def suppressed_addresses(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[SuppressedAddress]:
        """The addresses that are written to no more, page by page."""
        wanted = cut(first=first, after=after, last=last, before=before)
        count, query = counts(info), suppression.selected()
        async with info.context.work(ADMINISTER) as work:
            return await page(
                work,
                query,
                out.SuppressedAddress,
                suppression.BY_ADDRESS,
                wanted,
                SuppressedAddress.of,
                count=count,
            )


@strawberry.input
class CreateChannelConfigInput(Command):
    """A new channel. EMAIL needs host and sender, TEAMS and SMS their secret."""

    kind: ChannelKind
    """Which way it is."""
    name: str
    """What people will call it."""
    secret: str | None = None
    """The password of the mail server, the URL of the Workflows webhook, or the key of the gateway."""
    host: str | None = strawberry.UNSET
    """The mail server."""
    port: int | None = strawberry.UNSET
    """Its port; 587, or 465 for TLS."""
    security: MailSecurity | None = strawberry.UNSET
    """How the way there is protected; STARTTLS."""
    username: str | None = strawberry.UNSET
    """Who signs in to the mail server."""
    sender: str | None = strawberry.UNSET
    """From which address mails come, or what stands above a text message."""
    sender_name: str | None = strawberry.UNSET
    """Which name stands before the address."""
    url: str | None = strawberry.UNSET
    """Where the SMS gateway answers; seven.io's."""
    event_patterns: list[str] | None = strawberry.UNSET
    """The events that a Teams channel is told of."""
    fallback_address: str | None = strawberry.UNSET
    """To whom a mail goes when Teams takes nothing."""
    locale: str | None = strawberry.UNSET
    """The language of a Teams channel, and of tests; de-DE."""
    daily_limit: int | None = strawberry.UNSET
    """How many text messages are sent in a day at most."""


@strawberry.input
class UpdateChannelConfigInput(Change):
    """What is changed of a channel; what is absent stays."""

    id: strawberry.ID
    """The channel."""
    secret: str | None = None
    """A new secret; null leaves it as it is. Whoever changes where the channel leads enters it again."""
    name: str | None = strawberry.UNSET
    """What people call it."""
    active: bool | None = strawberry.UNSET
    """Whether it is used."""
    host: str | None = strawberry.UNSET
    """The mail server."""
    port: int | None = strawberry.UNSET
    """Its port."""
    security: MailSecurity | None = strawberry.UNSET
    """How the way there is protected."""
    username: str | None = strawberry.UNSET
    """Who signs in to the mail server; null: nobody."""
    sender: str | None = strawberry.UNSET
    """From which address mails come, or what stands above a text message."""
    sender_name: str | None = strawberry.UNSET
    """Which name stands before the address."""
    url: str | None = strawberry.UNSET
    """Where the SMS gateway answers."""
    event_patterns: list[str] | None = strawberry.UNSET
    """The events that a Teams channel is told of."""
    fallback_address: str | None = strawberry.UNSET
    """To whom a mail goes when Teams takes nothing; null: nobody."""
    locale: str | None = strawberry.UNSET
    """The language of a Teams channel, and of tests."""
    daily_limit: int | None = strawberry.UNSET
    """How many text messages are sent in a day at most; null: any number."""


@strawberry.input
class DeleteChannelConfigInput(Change):
    """The channel that is taken away."""

    id: strawberry.ID
    """The channel."""


@strawberry.input
class SendTestNotificationInput(Command):
    """The channel that is tried."""

    channel_id: strawberry.ID
    """The channel."""
    to: str | None = None
    """The mail address or number that the test goes to; a Teams channel needs none."""


@strawberry.input
class UpsertTemplateInput(Change):
    """Your own words for one event, channel and language."""

    event_type: str
    """The event: `ticket.assigned`."""
    channel: ChannelKind
    """The channel."""
    locale: str
    """The language: de-DE or en."""
    subject: str
    """The subject, with variables as `{{ number }}`; at most 500 characters."""
    body: str
    """The text, with variables and `{% if … %}`; at most 10,000 characters."""


@strawberry.input
class DeleteTemplateInput(Change):
    """The template that is taken away."""

    id: strawberry.ID
    """The template."""


@strawberry.input
class ResendNotificationInput(Command):
    """The delivery that is sent again."""

    id: strawberry.ID
    """The delivery."""


@strawberry.input
class ReportBounceInput(Command):
    """A report that came back."""

    raw: str
    """The whole mail as it came (RFC 3464 or RFC 5965)."""


@strawberry.input
class SuppressAddressInput(Command):
    """An address that is written to no more."""

    address: str
    """The mail address."""
    detail: str | None = None
    """Why."""


@strawberry.input
class ReleaseAddressInput(Change):
    """The address that is written to again."""

    id: strawberry.ID
    """The suppressed address."""


@strawberry.type
class ChannelMutation:
    """What can be done with channels."""

    @command(ADMINISTER, ChannelConfigPayload)
    async def create_channel_config(work: Work, input: CreateChannelConfigInput) -> models.ChannelConfig:
        """Set up a channel."""
        return await channels.create(work, **given(input))

    @command(ADMINISTER, ChannelConfigPayload)
    async def update_channel_config(work: Work, input: UpdateChannelConfigInput) -> models.ChannelConfig:
        """Change a channel."""
        return await channels.update(work, **given(input))

    @command(ADMINISTER, ChannelConfigPayload)
    async def delete_channel_config(work: Work, input: DeleteChannelConfigInput) -> models.ChannelConfig:
        """Take a channel away for good."""
        return await channels.remove(work, **given(input))

    @command(ADMINISTER, DeliveryPayload)
    async def send_test_notification(work: Work, input: SendTestNotificationInput) -> out.Delivery:
        """Send a test by a channel; the delivery says what became of it."""
        return await channels.probe(work, **given(input))

    @command(ADMINISTER, NotificationTemplatePayload)
    async def upsert_template(work: Work, input: UpsertTemplateInput) -> models.NotificationTemplate:
        """Put your own words in the place of ours."""
        return await templates.upsert(work, **given(input))

    @command(ADMINISTER, NotificationTemplatePayload)
    async def delete_template(work: Work, input: DeleteTemplateInput) -> models.NotificationTemplate:
        """Take your own words away: ours hold again."""
        return await templates.remove(work, **given(input))

    @command(ADMINISTER, DeliveryPayload)
    async def resend_notification(work: Work, input: ResendNotificationInput) -> out.Delivery:
        """Send once more what was given up, came back, or was suppressed."""
        return await deliveries.retry(work, **given(input))

    @command(ADMINISTER, DeliveryPayload)
    async def report_bounce(work: Work, input: ReportBounceInput) -> out.Delivery:
        """Take in a delivery status notification or a complaint; the answer is the delivery that it names."""
        return await suppression.take_in(work, input.raw)

    @command(ADMINISTER, SuppressedAddressPayload)
    async def suppress_address(work: Work, input: SuppressAddressInput) -> out.SuppressedAddress:
        """Write to an address no more."""
        return await suppression.suppress(work, **given(input))

    @command(ADMINISTER, SuppressedAddressPayload)
    async def release_address(work: Work, input: ReleaseAddressInput) -> out.SuppressedAddress:
        """Write to an address again."""
        return await suppression.release(work, **given(input))
