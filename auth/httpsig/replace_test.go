package httpsig

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
)

func TestC2_KeysAreReplaced(t *testing.T) {
	g := newRig(t, func(c *Config) { c.Keys = slices.Delete(c.Keys, 1, 2) })
	a := NewAuthenticator(g.Verifier, map[string]auth.Principal{edKey: {UserID: "cron"}, hmacKey: {UserID: "job"}})
	public, _ := rfcKeys(t)
	signs := func(r *http.Request, user string) auth.Principal {
		t.Helper()
		p, err := a.AuthenticateRequest(r)
		if p.UserID != user || (err == nil) != (user != "") {
			t.Fatalf("%+v, %v, want %q", p, err, user)
		}
		return p
	}
	first := signs(g.signed(t), "cron")
	if !first.IssuedAt.Equal(noon) || first.KeyID != edKey {
		t.Errorf("%+v", first)
	}
	used := g.sign(t, put(t), edKey, SignOptions{Nonce: "once"})
	again := g.sign(t, put(t), edKey, SignOptions{Nonce: "once"})
	signs(used, "cron")

	g.now = noon.Add(10 * time.Second)
	if err := a.Replace([]Key{public[edKey], public[ecKey]}, map[string]auth.Principal{edKey: {UserID: "cron", Admin: true}, ecKey: {UserID: "new"}}); err != nil {
		t.Fatal(err)
	}
	// A key that stays goes on at once, with the nonces that it has used.
	if p := signs(g.sign(t, put(t), edKey, SignOptions{}), "cron"); !p.Admin || !p.IssuedAt.Equal(noon) {
		t.Errorf("%+v", p)
	}
	signs(again, "")
	// One that is gone signs nobody in.
	signs(g.sign(t, put(t), hmacKey, SignOptions{}), "")
	// One that is new waits until all that it may have signed before has become too old.
	signs(g.sign(t, put(t), ecKey, SignOptions{}), "")
	g.now = g.now.Add(6 * time.Second)
	if p := signs(g.sign(t, put(t), ecKey, SignOptions{}), "new"); !p.IssuedAt.Equal(noon.Add(10 * time.Second)) {
		t.Errorf("%+v", p)
	}
	// The same key in other hands is issued anew.
	if err := a.Replace([]Key{public[edKey]}, map[string]auth.Principal{edKey: {UserID: "other"}}); err != nil {
		t.Fatal(err)
	}
	if p := signs(g.sign(t, put(t), edKey, SignOptions{}), "other"); !p.IssuedAt.Equal(g.now) {
		t.Errorf("%+v", p)
	}
	// The same id with another key begins anew.
	other, err := NewKey(edKey, HMACSHA256, []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Replace([]Key{other}, map[string]auth.Principal{edKey: {UserID: "other"}}); err != nil {
		t.Fatal(err)
	}
	signs(g.sign(t, put(t), edKey, SignOptions{}), "")
	for _, bad := range [][]Key{nil, {{}}, {other, other}} {
		if err := a.Replace(bad, nil); err == nil {
			t.Errorf("%d keys are taken", len(bad))
		}
	}
}
