package httpsig

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// Derived components (RFC 9421, section 2.2). They are the same for a request that a
// client is about to send and for the one that a server got of it. On a server the
// scheme is that of URL.Scheme if it is set, else that of the connection: who stands
// behind a proxy sets URL.Scheme and Host to what the client used.

func method(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

func scheme(r *http.Request) string {
	switch {
	case r.URL.Scheme != "":
		return strings.ToLower(r.URL.Scheme)
	case r.TLS != nil:
		return "https"
	}
	return "http"
}

// hostOf is the Host header.
func hostOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// authority is host and port in lower case, without a default port (section 2.2.3).
func authority(r *http.Request) string {
	host := strings.ToLower(hostOf(r))
	switch scheme(r) {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}

func escapedPath(r *http.Request) string {
	if p := r.URL.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

// query is the query with its "?", which stands alone if there is none (section 2.2.7).
func query(r *http.Request) string { return "?" + r.URL.RawQuery }

func targetURI(r *http.Request) string {
	uri := scheme(r) + "://" + authority(r) + escapedPath(r)
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		uri += query(r)
	}
	return uri
}

// requestTarget is what stands in the request line (section 2.2.5).
func requestTarget(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// queryParam is the value of a parameter that the query has once (section 2.2.8).
func queryParam(r *http.Request, c *component) (string, *Error) {
	if len(r.URL.RawQuery) > maxField {
		return "", refuse(TooLarge, "%s: the query is too long", c.id)
	}
	found, value := 0, ""
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		if formEncode(formDecode(k)) == c.param {
			found++
			value = formEncode(formDecode(v))
		}
	}
	switch found {
	case 0:
		return "", refuse(Component, "%s is covered by the signature, but the query has no such parameter", c.id)
	case 1:
		return value, nil
	}
	return "", refuse(Component, "%s: the query has this parameter several times; cover @query", c.id)
}

// formDecode reads a name or value of a form: "+" is a space, a "%" without two digits
// is itself, and what is no UTF-8 becomes U+FFFD.
func formDecode(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// formEncode writes all but letters, digits and *-._ as percent and two digits.
func formEncode(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("*-._", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
