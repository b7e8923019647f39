"""Between attribute messages and attribute values: field by field, by name, so that an attribute is one entry on each side."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from typing import Any, get_args

from google.protobuf.timestamp_pb2 import Timestamp
from sspid_protos.sspi.v1 import attributes_pb2 as wire
from sspid_protos.sspi.v1 import vocabulary_pb2

from sspid.rpc.convert import flags_in, flags_out
from sspid.vocabulary import attributes
from sspid.vocabulary.attributes import AttributeValue, ContextAttribute, CredentialAttribute
from sspid.vocabulary.errors import RefusedError

CONTEXT_FROM_WIRE: dict[int, ContextAttribute] = {
    wire.ContextAttribute.Value(f"SECPKG_ATTR_{each.name}"): each for each in ContextAttribute
}
CREDENTIAL_FROM_WIRE: dict[int, CredentialAttribute] = {
    wire.CredentialAttribute.Value(f"CREDENTIAL_ATTRIBUTE_{each.name}"): each for each in CredentialAttribute
}


def _field_name(value_type: type[Any]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", value_type.__name__).lower()


FIELD: dict[type[Any], str] = {each: _field_name(each) for each in get_args(AttributeValue)}
TYPE: dict[str, type[Any]] = {name: each for each, name in FIELD.items()}


def context_attribute(number: int) -> ContextAttribute:
    """The attribute a request names. INVALID_ARGUMENT for none of this contract's."""
    try:
        return CONTEXT_FROM_WIRE[number]
    except KeyError:
        raise RefusedError("INVALID_ARGUMENT", f"Context attribute {number} is not one of sspi.v1.") from None


def credential_attribute(number: int) -> CredentialAttribute:
    """The attribute a request names. INVALID_ARGUMENT for none of this contract's."""
    try:
        return CREDENTIAL_FROM_WIRE[number]
    except KeyError:
        raise RefusedError("INVALID_ARGUMENT", f"Credential attribute {number} is not one of sspi.v1.") from None


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A moment as the wire has it; None for never."""
    if moment is None:
        return None
    message = Timestamp()
    put_timestamp(moment, message)
    return message


def put_timestamp(moment: datetime, field: Timestamp) -> None:
    """Fill a field of a response with a moment."""
    field.seconds = int(moment.timestamp())
    if moment.microsecond:
        field.nanos = moment.microsecond * 1000


def value_out(value: AttributeValue) -> wire.AttributeValue:
    """The message of an attribute's value."""
    answer = wire.AttributeValue()
    message_out(value, getattr(answer, FIELD[type(value)]))
    if isinstance(value, attributes.DelegatedCredential):
        answer.delegated_credential.credential.value = value.handle
    return answer


def message_out(value: Any, message: Any) -> None:
    """Fill `message` from a value whose fields have the same names; fields the message does not have stay inside."""
    message.SetInParent()
    known = message.DESCRIPTOR.fields_by_name
    for field in dataclasses.fields(value):
        if field.name in known:
            _set(message, field.name, getattr(value, field.name))


def _set(message: Any, name: str, content: Any) -> None:
    if content is None:
        return
    if isinstance(content, datetime):
        getattr(message, name).CopyFrom(timestamp(content))
    elif isinstance(content, frozenset):
        getattr(message, name).extend(flags_out(content))
    elif isinstance(content, tuple):
        getattr(message, name).extend(content)
    else:
        setattr(message, name, content)


def value_in(message: wire.AttributeValue) -> AttributeValue:
    """The value a request wants set. INVALID_ARGUMENT where there is none."""
    which = message.WhichOneof("value")
    if which is None:
        raise RefusedError("INVALID_ARGUMENT", "The request sets an attribute and holds no value for it.")
    value_type = TYPE[which]
    inner = getattr(message, which)
    known = inner.DESCRIPTOR.fields_by_name
    names = [field.name for field in dataclasses.fields(value_type) if field.name in known]
    try:
        return value_type(**{name: _read(inner, name) for name in names})  # type: ignore[no-any-return]  # one of the union's types
    except TypeError:
        message_text = f"{value_type.__name__} cannot be set from outside."
        raise RefusedError("INVALID_ARGUMENT", message_text) from None


def _read(message: Any, name: str) -> Any:
    field = message.DESCRIPTOR.fields_by_name[name]
    if field.has_presence and not message.HasField(name):
        return None
    content = getattr(message, name)
    if isinstance(content, Timestamp):
        return datetime.fromtimestamp(content.seconds, UTC)
    if field.enum_type is vocabulary_pb2.ContextFlag.DESCRIPTOR:
        return flags_in(content)
    return tuple(content) if field.is_repeated else content


def identity_out(identity: attributes.Identity) -> wire.Identity:
    """The message of an identity."""
    answer = wire.Identity()
    message_out(identity, answer)
    return answer
