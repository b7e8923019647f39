"""Attribute values between sspi.v1's messages and the types of `attributes`, field by field; no call is made here."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC
from typing import TYPE_CHECKING, Any, TypeVar, cast

from google.protobuf.timestamp_pb2 import Timestamp
from sspid_protos.sspi.v1 import attributes_pb2, vocabulary_pb2

from sspid_client import attributes
from sspid_client.errors import SspiError
from sspid_client.flags import ContextFlag

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
    from google.protobuf.message import Message

    from sspid_client.attributes import Attribute, CredentialAttribute

Value = TypeVar("Value")

_KINDS: dict[str, type[Any]] = {
    field.name: getattr(attributes, field.message_type.name)
    for field in attributes_pb2.AttributeValue.DESCRIPTOR.fields
    if field.message_type is not None and hasattr(attributes, field.message_type.name)
}


def context_attribute(attribute: Attribute[Any]) -> attributes_pb2.ContextAttribute:
    """Return the attribute's number in sspi.v1."""
    return cast("attributes_pb2.ContextAttribute", _number(attributes_pb2.ContextAttribute, attribute.name))


def credential_attribute(attribute: CredentialAttribute[Any]) -> attributes_pb2.CredentialAttribute:
    """Return the attribute's number in sspi.v1."""
    return cast("attributes_pb2.CredentialAttribute", _number(attributes_pb2.CredentialAttribute, attribute.name))


def _number(enum: EnumTypeWrapper, name: str) -> int:
    try:
        return enum.Value(name)
    except ValueError:
        raise SspiError(f"sspi.v1 has no attribute {name}.") from None


def value_of(message: attributes_pb2.AttributeValue, wanted: type[Value]) -> Value:
    """Return the value as `wanted`; SspiError where the service answered with another type or with none."""
    kind = message.WhichOneof("value")
    if kind is None or kind not in _KINDS or not issubclass(_KINDS[kind], wanted):
        raise SspiError(f"The service answered with {kind or 'no value'} where {wanted.__name__} was asked for.")
    value: Value = read(getattr(message, kind), _KINDS[kind])
    return value


def read(message: Message, kind: type[Value]) -> Value:
    """Return `message` as the dataclass `kind`, whose fields bear the same names."""
    by_name = message.DESCRIPTOR.fields_by_name
    return kind(**{field.name: _field(message, by_name[field.name]) for field in fields(kind)})  # type: ignore[arg-type]  # always a dataclass of `attributes`


def _field(message: Message, field: FieldDescriptor) -> object:
    if field.has_presence and not message.HasField(field.name):
        return None
    value = getattr(message, field.name)
    if field.enum_type is not None:
        return ContextFlag.from_wire(value)
    if isinstance(value, Timestamp):
        return value.ToDatetime(tzinfo=UTC)
    if isinstance(value, vocabulary_pb2.CredentialHandle):
        return value.value
    return tuple(value) if field.is_repeated else value


def message_of(value: object) -> attributes_pb2.AttributeValue:
    """Return a value to be set; only those of plain fields can be."""
    kind = next((name for name, known in _KINDS.items() if known is type(value)), None)
    if kind is None:
        raise SspiError(f"{type(value).__name__} is no attribute value that can be set.")
    whole = attributes_pb2.AttributeValue()
    inner: Message = getattr(whole, kind)
    inner.SetInParent()
    for field in fields(value):  # type: ignore[arg-type]  # a dataclass of `attributes`, found above
        plain = getattr(value, field.name)
        if plain is not None:
            setattr(inner, field.name, plain)
    return whole
