package ratelimit

import (
	"encoding/binary"
	"net/netip"
)

// Address is what counts as one client address: an IPv4 address, or the /64 network of
// an IPv6 address, since that much is given to a single household or machine. 0 stands
// for an address that is not counted.
type Address uint64

// AddressOf returns what an address counts as.
func AddressOf(a netip.Addr) Address {
	switch a = a.Unmap(); {
	case a.Is4():
		b := a.As4()
		return 1<<32 | Address(binary.BigEndian.Uint32(b[:]))
	case a.Is6():
		b := a.As16()
		network := Address(binary.BigEndian.Uint64(b[:8]))
		if network>>33 == 0 {
			network |= 1 << 33 // ::/64, kept apart from the above and from 0
		}
		return network
	}
	return 0
}
