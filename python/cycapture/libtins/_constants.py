"""Numbers of public registries."""

from enum import IntEnum


class Constants:
    """Hardware types, EtherTypes and IP protocol numbers."""

    class ARP(IntEnum):
        NETROM, ETHER, EETHER, AX25, PRONET, CHAOS, IEEE802, ARCNET, APPLETLK = range(9)
        DLCI, ATM, METRICOM, IEEE1394, EUI64, INFINIBAND = 15, 19, 23, 24, 27, 32
        SLIP, CSLIP, SLIP6, CSLIP6, RSRVD = range(256, 261)
        ADAPT, ROSE, X25, HWX25 = 264, 270, 271, 272
        PPP, CISCO, LAPB, DDCMP, RAWHDLC = 512, 513, 516, 517, 518
        HDLC = CISCO
        TUNNEL, TUNNEL6, FRAD, SKIP, LOOPBACK, LOCALTLK, FDDI, BIF, SIT, IPDDP, IPGRE, PIMREG = range(768, 780)
        HIPPI, ASH, ECONET, IRDA, FCPP, FCAL, FCPL, FCFABRIC = range(780, 788)
        IEEE802_TR, IEEE80211, IEEE80211_PRISM, IEEE80211_RADIOTAP, IEEE802154, IEEE802154_PHY = range(800, 806)
        VOID_TYPE, NONE = 65535, 65534

    class Ethernet(IntEnum):
        UNKNOWN = 0
        SPRITE = 0x0500
        IP = 0x0800
        ARP = 0x0806
        REVARP = 0x8035
        AT = 0x809B
        AARP = 0x80F3
        VLAN = 0x8100
        IPX = 0x8137
        IPV6 = 0x86DD
        PPPOED = 0x8863
        PPPOES = 0x8864
        EAPOL = 0x888E
        LOOPBACK = 0x9000

    class Proto(IntEnum):
        PROTO_IP = 0
        PROTO_HOPOPTS = 0
        PROTO_ICMP = 1
        PROTO_IGMP = 2
        PROTO_IPIP = 4
        PROTO_TCP = 6
        PROTO_EGP = 8
        PROTO_PUP = 12
        PROTO_UDP = 17
        PROTO_IDP = 22
        PROTO_TP = 29
        PROTO_DCCP = 33
        PROTO_IPV6 = 41
        PROTO_ROUTING = 43
        PROTO_FRAGMENT = 44
        PROTO_RSVP = 46
        PROTO_GRE = 47
        PROTO_ESP = 50
        PROTO_AH = 51
        PROTO_ICMPV6 = 58
        PROTO_NONE = 59
        PROTO_DSTOPTS = 60
        PROTO_MTP = 92
        PROTO_ENCAP = 98
        PROTO_PIM = 103
        PROTO_COMP = 108
        PROTO_SCTP = 132
        PROTO_UDPLITE = 136
        PROTO_RAW = 255
