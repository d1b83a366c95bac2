package httpsig

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
)

func request(t testing.TB, method, url string, lines ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(lines); i += 2 {
		r.Header.Add(lines[i], lines[i+1])
	}
	return r
}

// valueOf reads a component as it is written and takes it out of r.
func valueOf(r *http.Request, text string) (string, *Error) {
	item, err := httpsfv.UnmarshalItem([]string{text})
	if err != nil {
		return "", refuse(Malformed, "%v", err)
	}
	c, refusal := parseComponent(item)
	if refusal != nil {
		return "", refusal
	}
	return c.value(r)
}

func TestC2_Components(t *testing.T) {
	example := request(t, "POST", "https://www.example.com/path?param=value&foo=bar&baz=batman&qux=")
	encoded := request(t, "GET", "https://example.com/parameters?var=this%20is%20a%20big%0Amultiline%20value&"+
		"bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&odd=%zz%4&tilde=~a*b&two=1&two=2&&bad=%ff")
	fields := request(t, "GET", "https://example.com/",
		"X-One", "  a value \t", "X-Many", "one", "X-Many", " two,three ", "X-Many", "", "X-Empty", "",
		"X-Folded", "a\r\n  b\n\tc", "Priority", " u=2,  i;x=1", "Example-Dict", `a=1, b=2;x=1;y=2, c=(a   b    c), d`,
		"Example-List", "value, with, lots", "Example-List", "of, commas", "Accept-Ch", "A,  B", "X-Bad", `a=`)
	fields.Header["Client-Cert"] = []string{":AA==:"}
	overTLS := &http.Request{Method: "GET", URL: &url.URL{Path: "/a"}, Host: "Example.COM:443", TLS: &tls.ConnectionState{}, RequestURI: "/a"}
	plain := &http.Request{URL: &url.URL{Path: "/a", RawPath: ""}, Host: "example.com:80", RequestURI: "http://example.com/a"}
	tests := []struct {
		name string
		r    *http.Request
		text string
		want string
	}{
		{"method", example, `"@method"`, "POST"},
		{"method left out", plain, `"@method"`, "GET"},
		{"target URI", example, `"@target-uri"`, "https://www.example.com/path?param=value&foo=bar&baz=batman&qux="},
		{"target URI on a server", overTLS, `"@target-uri"`, "https://example.com/a"},
		{"target URI without a path", request(t, "GET", "https://example.com"), `"@target-uri"`, "https://example.com/"},
		{"target URI with an empty query", request(t, "GET", "https://example.com/a?"), `"@target-uri"`, "https://example.com/a?"},
		{"target URI without its fragment", request(t, "GET", "https://example.com/a#b"), `"@target-uri"`, "https://example.com/a"},
		{"authority in lower case", overTLS, `"@authority"`, "example.com"},
		{"authority without the port of http", plain, `"@authority"`, "example.com"},
		{"authority with another port", request(t, "GET", "https://example.com:8443/"), `"@authority"`, "example.com:8443"},
		{"authority with the port of the other scheme", request(t, "GET", "https://example.com:80/"), `"@authority"`, "example.com:80"},
		{"authority of IPv6", request(t, "GET", "http://[::1]:80/"), `"@authority"`, "[::1]"},
		{"scheme", example, `"@scheme"`, "https"},
		{"scheme of a connection", plain, `"@scheme"`, "http"},
		{"scheme in lower case", request(t, "GET", "HTTPS://example.com/"), `"@scheme"`, "https"},
		{"request target", example, `"@request-target"`, "/path?param=value&foo=bar&baz=batman&qux="},
		{"request target as it came", plain, `"@request-target"`, "http://example.com/a"},
		{"path", example, `"@path"`, "/path"},
		{"empty path", request(t, "GET", "https://example.com"), `"@path"`, "/"},
		{"path with escapes", request(t, "GET", "https://example.com/a%2Fb%3A"), `"@path"`, "/a%2Fb%3A"},
		{"query", example, `"@query"`, "?param=value&foo=bar&baz=batman&qux="},
		{"no query", overTLS, `"@query"`, "?"},
		{"query as it is written", request(t, "GET", "https://example.com/?queryString%20a+b"), `"@query"`, "?queryString%20a+b"},
		{"query parameter", example, `"@query-param";name="baz"`, "batman"},
		{"empty query parameter", example, `"@query-param";name="qux"`, ""},
		{"encoded value", encoded, `"@query-param";name="var"`, "this%20is%20a%20big%0Amultiline%20value"},
		{"plus", encoded, `"@query-param";name="bar"`, "with%20plus%20whitespace"},
		{"encoded name", encoded, `"@query-param";name="fa%C3%A7ade%22%3A%20"`, "something"},
		{"percent that escapes nothing", encoded, `"@query-param";name="odd"`, "%25zz%254"},
		{"the set that is escaped", encoded, `"@query-param";name="tilde"`, "%7Ea*b"},
		{"no UTF-8", encoded, `"@query-param";name="bad"`, "%EF%BF%BD"},

		{"field", fields, `"x-one"`, "a value"},
		{"field of several lines", fields, `"x-many"`, "one, two,three, "},
		{"empty field", fields, `"x-empty"`, ""},
		{"folded field", fields, `"x-folded"`, "a b c"},
		{"host", overTLS, `"host"`, "Example.COM:443"},
		{"sf", fields, `"priority";sf`, "u=2, i;x=1"},
		{"sf of a list", fields, `"accept-ch";sf`, "A, B"},
		{"sf of an item", fields, `"client-cert";sf`, ":AA==:"},
		{"key", fields, `"example-dict";key="a"`, "1"},
		{"key with parameters", fields, `"example-dict";key="b"`, "2;x=1;y=2"},
		{"key of an inner list", fields, `"example-dict";key="c"`, "(a b c)"},
		{"key of a flag", fields, `"example-dict";key="d"`, "?1"},
		{"bs", fields, `"example-list";bs`, ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"},
		{"bs of an empty line", fields, `"x-empty";bs`, "::"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := valueOf(tt.r, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("%s is %q, want %q", tt.text, got, tt.want)
			}
		})
	}

	refused := []struct {
		name   string
		r      *http.Request
		text   string
		reason Reason
	}{
		{"absent field", fields, `"x-none"`, Component},
		{"absent length", fields, `"content-length"`, Component},
		{"upper case", fields, `"X-One"`, Malformed},
		{"no name", fields, `""`, Malformed},
		{"space in a name", fields, `"x one"`, Malformed},
		{"token", fields, `x-one`, Malformed},
		{"number", fields, `7`, Malformed},
		{"unknown derived", fields, `"@fragment"`, Component},
		{"parameters of itself", fields, `"@signature-params"`, Component},
		{"status", fields, `"@status"`, Component},
		{"unknown parameter", fields, `"x-one";loud`, Component},
		{"trailer", fields, `"x-one";tr`, Component},
		{"of a request", fields, `"x-one";req`, Component},
		{"sf that is not set", fields, `"priority";sf=?0`, Component},
		{"sf of text", fields, `"priority";sf="1"`, Component},
		{"sf of an unknown type", fields, `"x-one";sf`, Component},
		{"sf with bs", fields, `"priority";sf;bs`, Component},
		{"key with bs", fields, `"priority";key="u";bs`, Component},
		{"key of nothing", fields, `"priority";key="q"`, Component},
		{"key that is a token", fields, `"priority";key=u`, Component},
		{"key of no dictionary", fields, `"x-bad";key="a"`, Component},
		{"sf of a derived one", fields, `"@method";sf`, Component},
		{"name of a field", fields, `"x-one";name="a"`, Component},
		{"query parameter without name", encoded, `"@query-param"`, Component},
		{"query parameter that is not there", encoded, `"@query-param";name="none"`, Component},
		{"query parameter that is there twice", encoded, `"@query-param";name="two"`, Component},
		{"huge query", request(t, "GET", "https://example.com/?a="+strings.Repeat("x", maxField)), `"@query-param";name="a"`, TooLarge},
		{"huge field", request(t, "GET", "https://example.com/", "X-Huge", strings.Repeat("x", maxField+1)), `"x-huge"`, TooLarge},
	}
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			got, err := valueOf(tt.r, tt.text)
			if err == nil || err.Reason != tt.reason {
				t.Errorf("%s is %q, %v, want it refused as %s", tt.text, got, err, tt.reason)
			}
		})
	}
}

func TestC2_StructuredFieldsAreReadAsTheirType(t *testing.T) {
	r := request(t, "GET", "https://example.com/", "Priority", "u=", "Accept-Ch", "a b", "Client-Cert", "a, b")
	for _, text := range []string{`"priority";sf`, `"accept-ch";sf`, `"client-cert";sf`} {
		if got, err := valueOf(r, text); err == nil || err.Reason != Component {
			t.Errorf("%s is %q, %v", text, got, err)
		}
	}
}

func TestC2_ABaseHasNoLineBreakFromOutside(t *testing.T) {
	r := request(t, "GET", "https://example.com/", "X-One", "a\rb")
	list := parseList(t, `("x-one");created=1`)
	all, err := components(list)
	if err != nil {
		t.Fatal(err)
	}
	if base, err := signatureBase(r, all, list); err == nil {
		t.Errorf("signed %q", base)
	}
}

func TestC2_ABaseIsBounded(t *testing.T) {
	r := request(t, "GET", "https://example.com/")
	var text []string
	for i := range 8 {
		name := "x-" + string(rune('a'+i))
		r.Header.Set(name, strings.Repeat("x", maxField))
		text = append(text, `"`+name+`"`)
	}
	list := parseList(t, "("+strings.Join(text, " ")+");created=1")
	all, err := components(list)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signatureBase(r, all, list); err == nil || err.Reason != TooLarge {
		t.Errorf("%v, want it refused as %s", err, TooLarge)
	}
}
