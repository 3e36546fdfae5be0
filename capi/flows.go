package main

// #include "internal.h"
import "C"

import (
	"sync"
	"unsafe"

	"gofollow/gofollow"
)

// These do not compile where gofollow.FlowKey differs from gofollow_key.
var (
	_ [unsafe.Sizeof(C.gofollow_key{})]byte              = [unsafe.Sizeof(gofollow.FlowKey{})]byte{}
	_ [unsafe.Offsetof(C.gofollow_key{}.low_port)]byte   = [unsafe.Offsetof(gofollow.FlowKey{}.LowPort)]byte{}
	_ [unsafe.Offsetof(C.gofollow_key{}.family)]byte     = [unsafe.Offsetof(gofollow.FlowKey{}.Family)]byte{}
	_ [unsafe.Offsetof(C.gofollow_key{}.kind)]byte       = [unsafe.Offsetof(gofollow.FlowKey{}.Kind)]byte{}
	_ [unsafe.Offsetof(C.gofollow_key{}.several)]byte    = [unsafe.Offsetof(gofollow.FlowKey{}.Several)]byte{}
	_ [unsafe.Offsetof(C.gofollow_key{}.depth)]byte      = [unsafe.Offsetof(gofollow.FlowKey{}.Depth)]byte{}
	_ [unsafe.Offsetof(C.gofollow_key{}.separation)]byte = [unsafe.Offsetof(gofollow.FlowKey{}.Separation)]byte{}
	_ [unsafe.Offsetof(C.gofollow_key{}.hash)]byte       = [unsafe.Offsetof(gofollow.FlowKey{}.Hash)]byte{}
	_ [C.GOFOLLOW_FLOW_FRAGMENT]struct{}                 = [gofollow.FlowFragment]struct{}{}
)

// flowKeys are the makers of keys, indexed by the option separate.
var flowKeys [gofollow.SeparateBoth + 1]sync.Pool

//export gofollow_go_flow_key
func gofollow_go_flow_key(separate C.uint32_t, packets *C.gofollow_packet, n C.size_t, out *C.gofollow_key) (code C.int) {
	defer recovered(&code)
	if uint32(separate) >= uint32(len(flowKeys)) {
		return errArgument
	}
	maker, _ := flowKeys[separate].Get().(*gofollow.FlowKeys)
	if maker == nil {
		maker = gofollow.NewFlowKeys(gofollow.Separate(separate))
	}
	keys := unsafe.Slice((*gofollow.FlowKey)(unsafe.Pointer(out)), int(n))
	for i, from := range unsafe.Slice(packets, int(n)) {
		p := packet(from.link_type, from.ts_ns, from.bytes, from.captured, from.original)
		keys[i] = maker.Of(&p)
	}
	flowKeys[separate].Put(maker)
	return 0
}

//export gofollow_go_defragment
func gofollow_go_defragment(f C.gofollow_t, packets *C.gofollow_packet, n C.size_t, out **C.gofollow_datagram) C.int {
	return C.int(use(uint64(f), func(h *handle) (int, error) {
		var whole []gofollow.Packet
		var indexes []int
		for i, from := range unsafe.Slice(packets, int(n)) {
			p := packet(from.link_type, from.ts_ns, from.bytes, from.captured, from.original)
			made, err := h.follower.Defragment(&p)
			if err != nil {
				return 0, err
			}
			for range made {
				indexes = append(indexes, i)
			}
			whole = append(whole, made...)
		}
		return h.hand(whole, indexes, out)
	}))
}

// cDatagram is gofollow_datagram with numbers for its pointers, as cEvent.
type cDatagram struct {
	time               int64
	bytes              uintptr
	captured, original uint64
	linkType, reserved uint32
	index              uint64
}

var (
	_ [unsafe.Sizeof(C.gofollow_datagram{})]byte           = [unsafe.Sizeof(cDatagram{})]byte{}
	_ [unsafe.Offsetof(C.gofollow_datagram{}.index)]byte   = [unsafe.Offsetof(cDatagram{}.index)]byte{}
	_ [unsafe.Offsetof(C.gofollow_packet{}.original)]byte  = [unsafe.Offsetof(cDatagram{}.original)]byte{}
	_ [unsafe.Offsetof(C.gofollow_packet{}.link_type)]byte = [unsafe.Offsetof(cDatagram{}.linkType)]byte{}
)

// hand copies datagrams into C memory, which replaces that of the datagrams handed out before.
func (h *handle) hand(whole []gofollow.Packet, indexes []int, out **C.gofollow_datagram) (int, error) {
	h.freeDatagrams()
	if len(whole) == 0 {
		return 0, nil
	}
	const size = int(unsafe.Sizeof(cDatagram{}))
	total := len(whole) * size
	for i := range whole {
		total += len(whole[i].Data)
	}
	memory := allocate(total)
	if memory == nil {
		return 0, gofollow.ErrNoMemory
	}
	h.datagrams = memory
	all := unsafe.Slice((*byte)(memory), total)
	at := len(whole) * size
	to := unsafe.Slice((*cDatagram)(memory), len(whole))
	for i := range whole {
		p := &whole[i]
		to[i] = cDatagram{time: p.Time, captured: uint64(len(p.Data)), original: uint64(max(p.WireLen, len(p.Data))), linkType: uint32(p.LinkType), index: uint64(indexes[i])}
		if len(p.Data) > 0 {
			to[i].bytes = uintptr(unsafe.Pointer(&all[at]))
		}
		at += copy(all[at:], p.Data)
	}
	*out = (*C.gofollow_datagram)(memory)
	return len(whole), nil
}
