"""Refusals that only assets can give."""

from subgraphs.kit.errors import Conflict, InvalidTransition, PreconditionFailed


class WrongStatus(InvalidTransition):
    """The asset's status does not allow this command; the message names the statuses that do."""

    code = "ASSET_WRONG_STATUS"


class NobodysAsset(PreconditionFailed):
    """Only an asset of a customer can be in use; say whose it is."""

    code = "ASSET_NEEDS_CUSTOMER"


class Disposed(Conflict):
    """The asset is gone for good; nothing about it changes any more."""

    code = "ASSET_DISPOSED"


class TypeKeyTaken(Conflict):
    """There is an asset type with this key already, of yours or of the platform's."""

    code = "ASSET_TYPE_KEY_TAKEN"


class TooManyTypes(Conflict):
    """You have as many asset types of your own as there may be."""

    code = "ASSET_TYPE_LIMIT"


class RelationCircle(Conflict):
    """With this relation an asset would run on itself, or be a part of itself."""

    code = "ASSET_RELATION_CIRCLE"


class RelationExists(Conflict):
    """These two assets have this relation already."""

    code = "ASSET_RELATION_EXISTS"


class SeatTaken(Conflict):
    """This principal holds a seat of this licence already."""

    code = "LICENSE_SEAT_TAKEN"


class WipeMissing(PreconditionFailed):
    """What may hold data of people is disposed of with a certificate that it was wiped (Art. 5 and 17 DSGVO)."""

    code = "ASSET_WIPE_MISSING"


class Decided(Conflict):
    """Somebody has decided about this match already."""

    code = "ASSET_MATCH_DECIDED"
