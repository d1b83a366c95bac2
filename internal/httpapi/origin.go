package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/ratelimit"
)

// base is where a client reaches this server: scheme and host as the client wrote
// them, or as a trusted proxy tells.
type base struct{ scheme, host string }

func (a *API) base(r *http.Request) base {
	b := base{scheme: "http", host: r.Host}
	if r.TLS != nil {
		b.scheme = "https"
	}
	if !a.trusted(hostOf(r.RemoteAddr)) {
		return b
	}
	if proto := forwarded(r, "X-Forwarded-Proto"); proto == "http" || proto == "https" {
		b.scheme = proto
	}
	if host := forwarded(r, "X-Forwarded-Host"); forwardedHost.MatchString(host) {
		b.host = host
	}
	return b
}

// forwarded is what the last proxy, the one that is trusted, says in a header: what was
// there before it may be the client's own.
func forwarded(r *http.Request, name string) string {
	lines := r.Header.Values(name)
	if len(lines) == 0 {
		return ""
	}
	last := lines[len(lines)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}

// forwardedHost is a host with or without a port, such as can stand in an address.
var forwardedHost = regexp.MustCompile(`^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$`)

// origin is the form in which a browser names b.
func (b base) origin() string { return normalOrigin(b.scheme + "://" + b.host) }

// normalOrigin writes an origin in lower case and without a default port, "" if s is
// none. Scheme, host and port count exactly; only case is forgiven (H6).
func normalOrigin(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" || u.Path != "" ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return ""
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return scheme + "://" + host
}

// checkOrigin refuses requests that change something, and upgrades, from pages that
// are not allowed to (H6).
func (q *request) checkOrigin() *problem {
	origins := q.r.Header.Values("Origin")
	if len(origins) == 0 {
		if q.cookie() == "" || q.bearer() != "" || q.signed() {
			return nil
		}
		q.api.cfg.Log.Warn("http: refused a request that a cookie signs in and that names no origin",
			"id", q.ID(), "route", q.route, "remote", q.remote)
		return problemf(board.CodeForbidden, "a request that is signed in by a cookie needs an Origin header; send the token as Authorization: Bearer instead")
	}
	if len(origins) == 1 && q.api.allowedOrigin(q.r, origins[0]) {
		return nil
	}
	q.api.cfg.Log.Warn("http: refused an origin", "origin", logged(strings.Join(origins, ", ")),
		"own", logged(q.api.base(q.r).origin()), "setting", "--allow-origin, Config.AllowedOrigins (behind a proxy that ends TLS: --trust-proxy, Config.TrustedProxies)",
		"id", q.ID(), "route", q.route)
	return problemf(board.CodeForbidden, "pages of this origin may not use this server; its operator can allow the origin")
}

func (a *API) allowedOrigin(r *http.Request, origin string) bool {
	o := normalOrigin(origin)
	if o == "" {
		return false
	}
	_, listed := a.origins[o]
	return listed || o == a.base(r).origin()
}

// checkLocal lets only programs on this machine in where sign-in is off (C1). The
// Host header tells, since a page elsewhere can make a browser connect to a loopback
// address but not send its name.
func (q *request) checkLocal() *problem {
	if q.api.cfg.Authenticator != nil || q.api.cfg.Insecure {
		return nil
	}
	for name := range q.r.Header {
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			q.api.cfg.Log.Warn("http: refused a request through a proxy, since sign-in is off", "header", logged(name), "id", q.ID())
			return problemf(board.CodeForbidden, "sign-in is off on this server, so it answers no requests that come through a proxy; set up sign-in")
		}
	}
	if !loopbackName(hostOf(q.r.Host)) {
		q.api.cfg.Log.Warn("http: refused a host that is not this machine, since sign-in is off", "host", logged(q.r.Host), "id", q.ID())
		return problemf(board.CodeForbidden, "sign-in is off on this server, so it answers to localhost only; set up sign-in")
	}
	return nil
}

// loopbackName reports whether a host without port always means this machine.
func loopbackName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || loopbackAddr(host)
}

func loopbackAddr(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// hostOf takes the port off "host:port", and the brackets off an IPv6 address.
func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
}

// trusted reports whether an address is that of a trusted proxy.
func (a *API) trusted(host string) bool {
	if len(a.cfg.TrustedProxies) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range a.cfg.TrustedProxies {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// client is the client's address and what it counts as (C8). Loopback and the proxies
// themselves are not counted, unless a setting has them be.
func (a *API) client(r *http.Request) (remote string, counts ratelimit.Address) {
	peer := hostOf(r.RemoteAddr)
	remote = a.behind(r, peer)
	return remote, a.counted(remote, peer)
}

// counted is what a client counts as for the limits per address.
func (a *API) counted(remote, peer string) ratelimit.Address {
	// Only of the peer itself is it known that it is this machine.
	local := remote == peer && loopbackAddr(peer) || a.trusted(remote)
	addr, err := netip.ParseAddr(remote)
	if err != nil || local && !a.cfg.CountLocal {
		return 0
	}
	return ratelimit.AddressOf(addr)
}

// TurnKey is what a peer waits as in the lane, until its request tells whom it speaks for.
// The peer is an address and a port.
func (a *API) TurnKey(peer string) uint64 {
	host := hostOf(peer)
	return uint64(a.counted(host, host))
}

// behind is the last address in X-Forwarded-For that is not a trusted proxy's, if the
// request came from one of these.
func (a *API) behind(r *http.Request, remote string) string {
	if !a.trusted(remote) {
		return remote
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		addr, err := netip.ParseAddr(hostOf(strings.TrimSpace(hops[i])))
		if err != nil {
			break
		}
		remote = addr.Unmap().String()
		if !a.trusted(remote) {
			break
		}
	}
	return remote
}
