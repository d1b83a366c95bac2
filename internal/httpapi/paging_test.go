package httpapi

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
)

// TestR6_CursorsTellNoIDs: a page that ended among dashboards that the user may not see
// is gone on from there, and the cursor shows only the last one that was seen. Without
// the key the next page begins after that one.
func TestR6_CursorsTellNoIDs(t *testing.T) {
	here, elsewhere := &API{seal: newSeal()}, &API{seal: newSeal()}
	for _, c := range []struct{ seen, reached string }{
		{"a-1", "b-secret"},
		{"", "b-secret"},
		{"a-1", strings.Repeat("b", board.MaxID)},
	} {
		s := here.scanCursor(c.seen, c.reached)
		if seen, reached, ok := here.readCursor(s); !ok || seen != c.seen || reached != c.reached {
			t.Errorf("%+v comes back as %q, %q, %v", c, seen, reached, ok)
		}
		if seen, reached, ok := elsewhere.readCursor(s); !ok || seen != c.seen || reached != c.seen {
			t.Errorf("%+v comes back elsewhere as %q, %q, %v", c, seen, reached, ok)
		}
		plain, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil || strings.Contains(string(plain), c.reached) {
			t.Errorf("%+v is told: %q, %v", c, plain, err)
		}
		if short := here.scanCursor(c.seen, "b"); len(short) != len(s) {
			t.Errorf("the length tells: %d and %d", len(short), len(s))
		}
	}
	for _, bad := range []string{"%", "Lw", base64.RawURLEncoding.EncodeToString([]byte("/\x00abc"))} {
		if _, _, ok := here.readCursor(bad); ok {
			t.Errorf("%q was taken", bad)
		}
	}
}
