package jwtauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dashwire/dashwire/auth"
)

// BenchmarkAuthenticate is the cost of a sign-in: a token from its text to a principal.
func BenchmarkAuthenticate(b *testing.B) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	for algorithm, key := range map[string]crypto.Signer{"HS256": nil, "RS256": newRSA(b), "ES256": ec, "EdDSA": ed} {
		b.Run(algorithm, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "key")
			cfg := Config{Algorithms: []string{algorithm}, KeyFiles: []string{path}, Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler)}
			var private any = []byte(testSecret)
			content := []byte(testSecret)
			if key == nil {
				cfg.KeyFiles, cfg.SecretFiles = nil, cfg.KeyFiles
			} else {
				private, content = key, pemOf(b, key.Public())
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				b.Fatal(err)
			}
			token, err := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), jwt.MapClaims{
				"sub": "ana", "exp": noon.Add(time.Hour).Unix(),
				"dashwire": map[string]any{"dashboards": map[string]string{"ops": "editor", "team-*": "viewer"}},
			}).SignedString(private)
			if err != nil {
				b.Fatal(err)
			}
			door, err := New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := door.Authenticate(b.Context(), auth.Credentials{Token: token, Source: auth.FromHeader}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
