package dashwire_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/httpsig"
)

// TestC2_AServerThatTakesSignedRequestsAlone has no authenticator of tokens: sign-in is
// on nevertheless.
func TestC2_AServerThatTakesSignedRequestsAlone(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := httpsig.NewKey("cron-1", httpsig.Ed25519, private)
	if err != nil {
		t.Fatal(err)
	}
	v, err := httpsig.NewVerifier(httpsig.Config{Keys: []httpsig.Key{key}, Since: time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	_, web := serve(t, dashwire.Config{
		RequestAuthenticator: httpsig.NewAuthenticator(v, map[string]auth.Principal{
			"cron-1": {UserID: "cron", Grants: []auth.Grant{{Pattern: "ops", Role: auth.Editor}}},
		}),
	})
	send := func(sign bool, method, path, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, web.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if sign {
			if err := httpsig.Sign(r, key, httpsig.SignOptions{}); err != nil {
				t.Fatal(err)
			}
		} else {
			r.Header.Set("Authorization", "Bearer x")
		}
		res, err := web.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(answer)
	}
	for _, step := range []struct {
		sign               bool
		method, path, body string
		status             int
	}{
		{true, "POST", "/api/dashboards", `{"id":"ops","document":{"widgets":{"cpu":{"type":"gauge"}}}}`, 201},
		{true, "PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"Load"}`, 200},
		{true, "PUT", "/api/dashboards/ops/widgets/cpu/data", `{"data":42}`, 204},
		{true, "GET", "/api/dashboards/ops", "", 200},
		{true, "DELETE", "/api/dashboards/ops", "", 403},
		{false, "GET", "/api/dashboards/ops", "", 401},
		{false, "GET", "/api/dashboards/ops?userId=cron", "", 401},
		{false, "PUT", "/api/dashboards/ops/widgets/cpu/data", `{"data":43}`, 401},
	} {
		if status, answer := send(step.sign, step.method, step.path, step.body); status != step.status {
			t.Errorf("%s %s, signed %t: %d, want %d: %s", step.method, step.path, step.sign, status, step.status, answer)
		}
	}
}
