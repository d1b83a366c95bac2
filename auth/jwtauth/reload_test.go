package jwtauth

import (
	"errors"
	"os"
	"testing"

	"github.com/dashwire/dashwire/auth"
)

func TestC2_KeysAreReadAnew(t *testing.T) {
	const next = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
	path := file(t, "secret", []byte(testSecret))
	p := enter(t, Config{SecretFiles: []string{path}})
	before, after := sign(t, hsHeader, good(""), hs256([]byte(testSecret))), sign(t, hsHeader, good(""), hs256([]byte(next)))
	takes := func(token string, want bool) {
		t.Helper()
		if _, err := p.signIn(token); (err == nil) != want || err != nil && !errors.Is(err, auth.ErrUnauthenticated) {
			t.Errorf("%v, want it taken: %v", err, want)
		}
	}
	rewrite := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	takes(before, true)
	takes(after, false)
	rewrite("short")
	if err := p.door.Reload(); err == nil {
		t.Error("a bad secret is taken")
	}
	takes(before, true) // those of before serve on
	rewrite(next)
	takes(after, false) // nobody has said so yet
	if err := p.door.Reload(); err != nil {
		t.Fatal(err)
	}
	takes(before, false)
	takes(after, true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := p.door.Reload(); err == nil {
		t.Error("no file is taken")
	}
	takes(after, true)
}
