package httpsig

import (
	"io"
	"strings"
	"testing"
)

// BenchmarkVerify is what a server pays for one signed request with a small body.
func BenchmarkVerify(b *testing.B) {
	for _, key := range []string{edKey, ecKey, hmacKey} {
		b.Run(key, func(b *testing.B) {
			g := newRig(b, nil)
			r := g.sign(b, put(b), key, SignOptions{})
			nonces := (*g.keys.Load())[key].nonces
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(strings.NewReader(body))
				if _, err := g.Verify(r); err != nil {
					b.Fatal(err)
				}
				clear(nonces.seen) // so that the same request is good again
				clear(nonces.made)
			}
		})
	}
}
