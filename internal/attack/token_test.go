package attack

import (
	"net/http"
	"strings"
	"testing"
)

// TestAttack_46_HugeTokens: a token of thousands of dots, or of a megabyte, is refused
// before anything is computed with it, wherever it comes from.
func TestAttack_46_HugeTokens(t *testing.T) {
	x := attacked(t)
	for name, text := range map[string]string{
		"8,000 dots":            strings.Repeat(".", 8000),
		"a byte too long":       strings.Repeat("A", 8<<10+1),
		"200,000 dots":          strings.Repeat(".", 200_000),
		"a good one, continued": token(t, "ana", "*=owner") + strings.Repeat("A", 200_000),
	} {
		x.call("GET", "/api/dashboards", "", bearer(text)).refused(t, name, http.StatusUnauthorized, "UNAUTHENTICATED")
		x.open(bearer(text)).closed(name+", over WebSocket", 4401)
	}
	// What is longer than any header never reaches the server's own code.
	if a := x.call("GET", "/api/dashboards", "", bearer(strings.Repeat(".", 2<<20))); a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("two million dots: %d", a.status)
	}
	// A CONNECT may carry a token of 16 KiB, since that is how long a first message is.
	for name, text := range map[string]string{"dots": strings.Repeat(".", 15_000), "letters": strings.Repeat("A", 15_000)} {
		s := x.open()
		s.send(`{"type":"CONNECT","id":"1","payload":{"token":"` + text + `"}}`)
		s.closed("in CONNECT: "+name, 4401)
	}
	x.healthy()
}
