"""Every declared field of every PDU class: set, read, serialized, parsed again, copied, pickled; broken bytes are refused in one way."""

import copy
import pickle
from typing import Any

import pytest
from cycapture.libtins import DHCP, ICMP, IP, PDU, PPI, RAW, SLL, TCP, Dot1Q, EthernetII, LibtinsException, PPPoE, _tins
from cycapture.libtins._fields import Field, Flag, HexText, HWField, IPv4Field, IPv6Field, Octets, UInt
from cycapture.libtins._pdu import TYPES
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

ABSTRACT = (PDU, _tins.EAPOL, _tins.Dot11ManagementFrame)
CLASSES = [cls for cls in TYPES.values() if cls not in (PPI, *ABSTRACT)]
# what serializing computes, so that another value does not come back
COMPUTED = {"data_offset", "length", "payload_length"}
# The first decides what follows it. With the second the padding is parsed, and as by the original the type of unknown bytes becomes 0.
OTHERWISE = {(PPPoE, "code"), (EthernetII, "payload_type")}
quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made(cls: Any, name: str | None = None) -> Any:
    pdu: Any = cls(0, False) if cls is Dot1Q else cls("10.0.0.1", "10.0.0.2") if cls is IP else cls()
    # some fields are in the header of some messages alone
    if name == "addr4":
        pdu.to_ds = pdu.from_ds = True
    elif cls is ICMP and name in ("original_timestamp", "receive_timestamp", "transmit_timestamp"):
        pdu.type = ICMP.Flags.TIMESTAMP_REPLY
    elif cls is ICMP and name == "address_mask":
        pdu.type = ICMP.Flags.ADDRESS_MASK_REQUEST
    return pdu


def declared(cls: Any) -> dict[str, Any]:
    fields = {name: field for base in reversed(cls.__mro__) for name, field in vars(base).items() if isinstance(field, Field)}
    return {name: field for name, field in fields.items() if not field._readonly}


def value_of(field: Any) -> st.SearchStrategy[Any]:
    if isinstance(field, Flag):
        return st.booleans()
    if isinstance(field, UInt):
        return st.integers(0, field._mask)
    if isinstance(field, Octets):
        return st.binary(min_size=field._size, max_size=field._size)
    if isinstance(field, (HexText, HWField, IPv4Field, IPv6Field)):
        return st.binary(min_size=field._size, max_size=field._size).map(field._load)
    return st.tuples(st.integers(0, 15), st.integers(0, 4095), st.just("02:00:00:00:00:01")).map(lambda parts: _tins.bpdu_id(*parts))


FIELDS = [pytest.param(cls, name, id=f"{cls.__name__}.{name}") for cls in CLASSES for name in declared(cls)]


@pytest.mark.parametrize(("cls", "name"), FIELDS)
def test_a_field_keeps_what_is_assigned(cls: Any, name: str) -> None:
    @quick
    @given(value_of(declared(cls)[name]))
    def check(value: Any) -> None:
        pdu = made(cls, name)
        before = pdu.copy()
        setattr(pdu, name, value)
        assert getattr(pdu, name) == value
        for twin in (pdu.copy(), copy.copy(pdu), copy.deepcopy(pdu), pickle.loads(pickle.dumps(pdu))):
            assert getattr(twin, name) == value
            assert twin == pdu
        # serializing fills in a source where there is none
        assume((cls, name, value) != (IP, "src_addr", "0.0.0.0"))
        data = pdu.serialize()
        assert len(data) == pdu.size
        if name in COMPUTED or (cls, name) in OTHERWISE:
            return
        assert (pdu == before) == (data == before.serialize())
        again = parsed(cls, data)
        assert getattr(again, name) == value
        assert again.serialize() == data

    check()


def parsed(cls: Any, data: bytes) -> Any:
    # a length or a number of words in the header decides over the rest: only what parses is compared
    try:
        return cls.from_buffer(data)
    except LibtinsException:
        assume(False)


@pytest.mark.parametrize(("cls", "name"), [pytest.param(c, n, id=f"{c.__name__}.{n}") for c in CLASSES for n, f in declared(c).items()
                                            if isinstance(f, UInt)])
def test_a_number_has_its_limits(cls: Any, name: str) -> None:
    pdu, most = made(cls), declared(cls)[name]._mask
    for value in (-1, most + 1):
        # the original's was OverflowError for whole bytes and ValueError for less: it is both
        for error in (OverflowError, ValueError):
            with pytest.raises(error, match=str(most)):
                setattr(pdu, name, value)
    setattr(pdu, name, str(most))
    assert getattr(pdu, name) == most


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_any_bytes_parse_or_are_refused(cls: Any) -> None:
    @quick
    @given(st.binary(max_size=300))
    def check(data: bytes) -> None:
        try:
            pdu = cls.from_buffer(data)
        except LibtinsException:
            return
        again = cls.from_buffer(data)
        assert pdu == again
        layer = pdu
        while layer is not None:
            for name in vars(type(layer)):
                if not name.startswith("_") and isinstance(vars(type(layer))[name], (property, Field)):
                    readable(layer, name)
            layer = layer.ref_inner_pdu()
        once = pdu.serialize()
        assert pdu.serialize() == once

    check()


def readable(layer: PDU, name: str) -> None:
    # a tag or record that is missing or cut is an exception of the package's own
    try:
        getattr(layer, name)
    except LibtinsException:
        pass


@pytest.mark.parametrize("cls", [EthernetII, IP, TCP, SLL, DHCP], ids=lambda cls: cls.__name__)
def test_what_a_buffer_can_be(cls: Any) -> None:
    data = made(cls).serialize()
    for buf in (data, bytearray(data), memoryview(data), data.decode("latin-1")):
        assert cls.from_buffer(buf) == cls(buf=buf) == cls.from_buffer(data)
    assert isinstance(cls.from_buffer(None), cls)
    with pytest.raises(_tins.MemoryViewFormat):
        cls.from_buffer(memoryview(bytes(64)).cast("I"))
    with pytest.raises(ValueError, match="don't know what to do"):
        cls.from_buffer(5)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_is_found_by_name_class_and_number(cls: Any) -> None:
    whole = EthernetII() / made(cls)
    for key in (cls, cls.__name__, cls.__name__.lower().encode(), cls.pdu_type):
        assert isinstance(whole.rfind_pdu(key), cls)
    assert whole.find_pdu(cls) == whole.rfind_pdu(cls)
    assert whole.find_pdu(cls) is not whole.rfind_pdu(cls)
    assert isinstance(_tins.pdu_from_buffer(b"", RAW), RAW)
    with pytest.raises(ValueError, match="Unknown PDU type: 9999"):
        _tins.pdu_from_buffer(b"", 9999)
    assert issubclass(cls, PDU)


@pytest.mark.parametrize("cls", ABSTRACT, ids=lambda cls: cls.__name__)
def test_an_abstract_class_cannot_be_made(cls: Any) -> None:
    with pytest.raises(NotImplementedError, match="abstract"):
        cls()
