package dispatch

import (
	"fmt"
	"net/netip"
	"syscall"
)

// unicast is what IPv6 addresses of the public internet lie in (RFC 4291, section 2.4);
// what leads to an IPv4 address written inside an IPv6 one lies outside, but for the
// networks below.
var unicast = netip.MustParsePrefix("2000::/3")

// reserved are the networks besides those that netip knows that are not the public
// internet, or that lead to an IPv4 address written inside an IPv6 one.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

func prefixes(list ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(list))
	for i, s := range list {
		all[i] = netip.MustParsePrefix(s)
	}
	return all
}

// public reports whether an address is one of the public internet.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	return (a.Is4() || unicast.Contains(a)) && !within(reserved, a)
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// errForbidden is why an address is not dialled.
type errForbidden struct{ addr netip.Addr }

func (e errForbidden) Error() string {
	return fmt.Sprintf("%s is no address of the public internet: allow its network, if it is meant", e.addr)
}

// errPlain is why an address is not dialled without TLS.
type errPlain struct{ addr netip.Addr }

func (e errPlain) Error() string {
	return fmt.Sprintf("%s is not among the allowed networks, and http:// is for these alone: use https://", e.addr)
}

// control is asked by the dialer for each address that it is about to connect to, after
// the name was resolved, so that a name cannot mean one thing when it is checked and
// another when it is used.
func (s *sender) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return s.mayReach(ap.Addr())
}

// mayReach refuses addresses that are neither public nor allowed by name. Text that
// nobody signs off (http://) goes to allowed addresses alone.
func (s *sender) mayReach(a netip.Addr) error {
	if within(s.target.Allow, a.Unmap()) {
		return nil
	}
	if !public(a) {
		return errForbidden{a}
	}
	if s.plain {
		return errPlain{a}
	}
	return nil
}
