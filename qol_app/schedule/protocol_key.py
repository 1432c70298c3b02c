"""What is worked out once per protocol is remembered by the protocol itself."""

from qol_app.definition.protocol import Protocol


class ProtocolKey:
    """One protocol as a key: to compare it with its equals takes longer than to plan by it."""

    __slots__ = ("protocol",)

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol

    def __hash__(self) -> int:
        return id(self.protocol)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProtocolKey) and self.protocol is other.protocol
