package jwtauth

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
)

// issuer shows keys over HTTP.
type issuer struct {
	*httptest.Server
	asked atomic.Int32
	mu    sync.Mutex
	serve http.HandlerFunc
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		i.mu.Lock()
		serve := i.serve
		i.mu.Unlock()
		serve(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) does(serve http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.serve = serve
}

// shows makes the issuer answer a JWKS.
func (i *issuer) shows(keys ...[]byte) {
	var list []string
	for _, k := range keys {
		list = append(list, string(k))
	}
	i.does(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[%s]}`, strings.Join(list, ","))
	})
}

func (i *issuer) fails() { i.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }) }

func (i *issuer) wasAsked(t *testing.T, times int32) {
	t.Helper()
	if n := i.asked.Load(); n != times {
		t.Fatalf("the issuer was asked %d times, want %d", n, times)
	}
}

// hand is a clock that a test moves.
type hand struct{ at atomic.Int64 }

func (h *hand) now() time.Time       { return noon.Add(time.Duration(h.at.Load())) }
func (h *hand) move(d time.Duration) { h.at.Add(int64(d)) }

// far is a token of a key that lasts over all of a test.
func far(t *testing.T, k *rsa.PrivateKey, id string) string {
	t.Helper()
	return sign(t, fmt.Sprintf(`{"alg":"RS256","kid":%q}`, id), fmt.Sprintf(`{"sub":"ana","exp":%d}`, noon.Add(1000*time.Hour).Unix()), rs256(t, k))
}

func (p *place) opens(token string) {
	p.t.Helper()
	if who, err := p.signIn(token); err != nil || who.UserID != "ana" {
		p.t.Fatalf("%+v, %v", who, err)
	}
}

// away fails unless it cannot be found out whether a token is good.
func (p *place) away(token, why string) {
	p.t.Helper()
	if _, err := p.signIn(token); err == nil || errors.Is(err, auth.ErrUnauthenticated) || !strings.Contains(err.Error(), why) {
		p.t.Fatalf("error %v, want one that is no refusal, with %q", err, why)
	}
}

func TestKeySet_Rotation(t *testing.T) {
	first, second := newRSA(t), newRSA(t)
	i, clock := newIssuer(t), &hand{}
	i.shows(jwkOf(t, first.Public(), "a"))
	p := enter(t, Config{KeySetURL: i.URL, Now: clock.now})
	i.wasAsked(t, 0)
	if err := p.door.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		p.opens(far(t, first, "a"))
	}
	i.wasAsked(t, 1)

	// A new key shows itself by its name; what it signs is taken within a minute.
	i.shows(jwkOf(t, first.Public(), "a"), jwkOf(t, second.Public(), "b"))
	p.refused(far(t, second, "b"), "not known here")
	i.wasAsked(t, 1)
	clock.move(time.Minute)
	p.opens(far(t, second, "b"))
	p.opens(far(t, first, "a"))
	i.wasAsked(t, 2)

	// A key that is shown no more counts no more once it was asked for again.
	i.shows(jwkOf(t, second.Public(), "b"))
	p.opens(far(t, first, "a"))
	clock.move(10 * time.Minute)
	p.refused(far(t, first, "a"), "not known here")
	p.opens(far(t, second, "b"))
	i.wasAsked(t, 3)
}

func TestKeySet_UnknownNamesAskOnceAMinute(t *testing.T) {
	k := newRSA(t)
	i, clock := newIssuer(t), &hand{}
	i.shows(jwkOf(t, k.Public(), "a"))
	p := enter(t, Config{KeySetURL: i.URL, Now: clock.now})
	p.opens(far(t, k, "a"))
	for n := range 1000 {
		if _, err := p.signIn(sign(t, fmt.Sprintf(`{"alg":"RS256","kid":"%d"}`, n), good(""), func(string) []byte { return nil })); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	i.wasAsked(t, 1)
	clock.move(time.Minute)
	for range 10 {
		p.refused(far(t, k, "x"), "not known here")
		p.door.lines.used = 0
	}
	i.wasAsked(t, 2)
	clock.move(-time.Hour) // a clock that is set back keeps nobody out
	p.refused(far(t, k, "x"), "not known here")
	i.wasAsked(t, 3)
}

func TestKeySet_Outage(t *testing.T) {
	k := newRSA(t)
	i, clock := newIssuer(t), &hand{}
	i.fails()
	p := enter(t, Config{KeySetURL: i.URL, Now: clock.now})
	p.away(far(t, k, "a"), "answers 500")
	p.away(far(t, k, "a"), "answers 500") // without asking
	i.wasAsked(t, 1)
	i.shows(jwkOf(t, k.Public(), "a"))
	clock.move(firstAgain)
	p.opens(far(t, k, "a"))
	i.wasAsked(t, 2)

	// Old keys serve on for a day.
	i.fails()
	for range 23 {
		clock.move(time.Hour)
		p.opens(far(t, k, "a"))
		p.opens(far(t, k, "a"))
	}
	i.wasAsked(t, 2+23)
	if !strings.Contains(p.log.String(), "serve on") {
		t.Errorf("log: %s", p.log)
	}
	clock.move(time.Hour)
	p.away(far(t, k, "a"), "answers 500")
	i.shows(jwkOf(t, k.Public(), "a"))
	clock.move(time.Minute)
	p.opens(far(t, k, "a"))
}

// TestKeySet_BadAnswers leave the old keys in place.
func TestKeySet_BadAnswers(t *testing.T) {
	k := newRSA(t)
	for _, c := range []struct {
		name  string
		serve http.HandlerFunc
		why   string
	}{
		{"no JSON", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "JSON"},
		{"too large", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", maxKeySet+1)))
		}, "64 KiB"},
		{"no keys", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[]}`) }, "no key"},
		{"a secret", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"keys":[{"kty":"oct","alg":"HS256","kid":"a","k":%q}]}`, b64([]byte(testSecret)))
		}, "no key"},
		{"keys of others only", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"keys":[{"kty":"future"},{"kty":"RSA","use":"enc"},7]}`)
		}, "no key"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, "redirects"},
		{"404", http.NotFound, "answers 404"},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"keys":`)
		}, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, clock := newIssuer(t), &hand{}
			i.does(c.serve)
			p := enter(t, Config{Algorithms: []string{"RS256"}, KeySetURL: i.URL, Now: clock.now})
			p.away(far(t, k, "a"), c.why)
			clock.move(time.Minute)
			i.shows([]byte(`{"kty":"future"}`), jwkOf(t, k.Public(), "a"))
			p.opens(far(t, k, "a"))
			clock.move(time.Hour)
			i.does(c.serve)
			p.opens(far(t, k, "a"))
			i.wasAsked(t, 3)
		})
	}
}

// TestKeySet_NoSecretFromTheNet: even with HS256 allowed, nothing that is fetched is a secret.
func TestKeySet_NoSecretFromTheNet(t *testing.T) {
	k := newRSA(t)
	i := newIssuer(t)
	shown := strings.Repeat("s", 32)
	i.shows(jwkOf(t, k.Public(), "a"), []byte(fmt.Sprintf(`{"kty":"oct","kid":"s","k":%q}`, b64([]byte(shown)))))
	p := enter(t, Config{Algorithms: []string{"HS256", "RS256"}, SecretFiles: []string{file(t, "secret", []byte(testSecret))}, KeySetURL: i.URL})
	p.opens(sign(t, hsHeader, good(""), hs256([]byte(testSecret))))
	i.wasAsked(t, 0)
	p.opens(far(t, k, "a"))
	p.refused(sign(t, `{"alg":"HS256","kid":"s"}`, good(""), hs256([]byte(shown))), "signature is wrong")
	p.refused(sign(t, `{"alg":"HS256","kid":"a"}`, good(""), hs256(pemOf(t, k.Public()))), "signature is wrong")
}

// TestKeySet_ManyWaitForOneFetch, and who leaves does not spoil it for the others.
func TestKeySet_ManyWaitForOneFetch(t *testing.T) {
	k := newRSA(t)
	i := newIssuer(t)
	came, goOn := make(chan struct{}), make(chan struct{})
	set := fmt.Sprintf(`{"keys":[%s]}`, jwkOf(t, k.Public(), "a"))
	i.does(func(w http.ResponseWriter, _ *http.Request) {
		close(came)
		<-goOn
		fmt.Fprint(w, set)
	})
	p := enter(t, Config{KeySetURL: i.URL})
	token := far(t, k, "a")
	leaving, leave := context.WithCancel(t.Context())
	errs := make(chan error, 8)
	ask := func(ctx context.Context) {
		_, err := p.door.Authenticate(ctx, auth.Credentials{Token: token})
		errs <- err
	}
	go ask(leaving)
	<-came
	for range 7 {
		go ask(t.Context())
	}
	leave()
	close(goOn)
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	i.wasAsked(t, 1)
}

// TestKeySet_WhoLeavesDoesNotWait for a fetch of another.
func TestKeySet_WhoLeavesDoesNotWait(t *testing.T) {
	k := newRSA(t)
	i := newIssuer(t)
	came, goOn := make(chan struct{}), make(chan struct{})
	i.does(func(w http.ResponseWriter, _ *http.Request) {
		close(came)
		<-goOn
		w.WriteHeader(500)
	})
	p := enter(t, Config{KeySetURL: i.URL})
	token := far(t, k, "a")
	ended := make(chan error, 1)
	go func() {
		_, err := p.door.Authenticate(context.Background(), auth.Credentials{Token: token})
		ended <- err
	}()
	<-came
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := p.door.Authenticate(ctx, auth.Credentials{Token: token}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	close(goOn)
	if err := <-ended; err == nil || errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("error %v", err)
	}
}

// TestKeySet_Slow: an issuer that does not answer is given up.
func TestKeySet_Slow(t *testing.T) {
	k := newRSA(t)
	p := enter(t, Config{KeySetURL: "https://id.example/jwks.json", Transport: silent{}})
	if p.door.remote.client.Timeout != fetchWithin {
		t.Errorf("given up after %s", p.door.remote.client.Timeout)
	}
	p.door.remote.client.Timeout = 1 // a nanosecond
	p.away(far(t, k, "a"), "deadline")
}

// silent answers when it is given up.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestC8_OnlyAFetchIsWaitedFor: whoever has to wait for the issuer says so once, and who
// finds the key in memory does not.
func TestC8_OnlyAFetchIsWaitedFor(t *testing.T) {
	k := newRSA(t)
	i := newIssuer(t)
	waits, waiting := 0, 0
	ctx := auth.OnWaiting(t.Context(), func() func() {
		waits++
		waiting++
		return func() { waiting-- }
	})
	set := fmt.Sprintf(`{"keys":[%s]}`, jwkOf(t, k.Public(), "a"))
	i.does(func(w http.ResponseWriter, _ *http.Request) {
		if waiting != 1 {
			t.Error("nobody is told of the wait")
		}
		fmt.Fprint(w, set)
	})
	p := enter(t, Config{KeySetURL: i.URL})
	for range 3 {
		if _, err := p.door.Authenticate(ctx, auth.Credentials{Token: far(t, k, "a")}); err != nil {
			t.Fatal(err)
		}
		if waits != 1 || waiting != 0 {
			t.Errorf("waited %d times, %d wait still", waits, waiting)
		}
	}
	i.wasAsked(t, 1)
}
