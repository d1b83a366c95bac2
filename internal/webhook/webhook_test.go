package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/internal/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// still is a clock at one moment that calls back at once and writes down how long it
// was asked to wait; hold keeps it from calling.
type still struct {
	now  time.Time
	hold bool

	mu    sync.Mutex
	waits []time.Duration
}

func (c *still) Now() time.Time { return c.now }

func (c *still) AfterFunc(d time.Duration, f func()) clock.Timer {
	c.mu.Lock()
	c.waits = append(c.waits, d)
	c.mu.Unlock()
	if c.hold {
		d = time.Hour
	} else {
		d = 0
	}
	return time.AfterFunc(d, f)
}

const theSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func secret(t *testing.T, text string) Secret {
	t.Helper()
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rig is a sender that may reach this machine, and a receiver.
func rig(t *testing.T, change func(*Config), receive http.HandlerFunc) (*Sender, *still, Target) {
	t.Helper()
	c := &still{now: time.Unix(1614265330, 0)}
	cfg := Config{Clock: c, Allow: prefixes("127.0.0.0/8", "::1/128"), AllowPlain: true, Delays: []time.Duration{1, 2, 3}}
	if change != nil {
		change(&cfg)
	}
	s := NewSender(cfg)
	t.Cleanup(s.Close)
	receiver := httptest.NewServer(receive)
	t.Cleanup(receiver.Close)
	return s, c, Target{URL: receiver.URL + "/hook?a=b", Secrets: []Secret{secret(t, theSecret)}}
}

var message = Message{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Body: []byte(`{"test": 2432232314}`)}

// TestSign_AsTheConventionHasIt uses the example that its libraries test themselves by.
func TestSign_AsTheConventionHasIt(t *testing.T) {
	other := secret(t, "whsec_"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 64))))
	var got *http.Request
	var body string
	s, _, target := rig(t, nil, func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got, body = r, string(data)
	})
	target.Secrets = append(target.Secrets, other)
	if err := s.Send(t.Context(), target, message); err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodPost || got.URL.RequestURI() != "/hook?a=b" || body != string(message.Body) {
		t.Errorf("%s %s %s", got.Method, got.URL.RequestURI(), body)
	}
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	for name, value := range map[string]string{
		"webhook-id": message.ID, "webhook-timestamp": "1614265330", "content-type": "application/json",
		"webhook-signature": want + " " + other.sign(message.ID, time.Unix(1614265330, 0), message.Body),
	} {
		if got.Header.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), value)
		}
	}
}

func TestParseSecret_Refuses(t *testing.T) {
	for _, text := range []string{"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_x!", "whsec_AAAA", "whsec_" + strings.Repeat("AAAA", 22)} {
		if _, err := ParseSecret(text); err == nil {
			t.Errorf("%q is taken", text)
		} else if len(text) > 6 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("the error holds the secret: %v", err)
		}
	}
}

func TestPublic(t *testing.T) {
	for _, a := range []string{"1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1"} {
		if !public(netip.MustParseAddr(a)) {
			t.Errorf("%s is not public", a)
		}
	}
	for _, a := range []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1",
		"64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1", "5f00::1",
	} {
		if public(netip.MustParseAddr(a)) {
			t.Errorf("%s is public", a)
		}
	}
}

// TestSend_ReachesPublicAddressesAlone has a receiver on this machine that must hear of
// nothing, by whatever name it is called.
func TestSend_ReachesPublicAddressesAlone(t *testing.T) {
	var heard bool
	s, _, target := rig(t, func(c *Config) { c.Allow = nil }, func(http.ResponseWriter, *http.Request) { heard = true })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimSuffix(target.URL, "/hook?a=b"), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "0"} {
		target.URL = "http://" + host + ":" + port + "/"
		err := s.Send(t.Context(), target, message)
		if err == nil || heard {
			t.Fatalf("%s was reached: %v", host, err)
		}
		var forbidden errForbidden
		if host != "0" && !errors.As(err, &forbidden) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestSend_FollowsNoRedirects(t *testing.T) {
	var paths []string
	s, _, target := rig(t, nil, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	var f *Failure
	if err := s.Send(t.Context(), target, message); !errors.As(err, &f) || f.Status != 307 || f.Final || len(paths) != 1 {
		t.Errorf("%v after %v", err, paths)
	}
}

func TestSend_GoesThroughNoProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	s, _, target := rig(t, nil, func(http.ResponseWriter, *http.Request) {})
	if err := s.Send(t.Context(), target, message); err != nil {
		t.Fatal(err)
	}
}

func TestSend_HoldsAnswersToASizeAndATime(t *testing.T) {
	t.Run("endless body", func(t *testing.T) {
		s, _, target := rig(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		})
		if err := s.Send(t.Context(), target, message); err != nil {
			t.Error(err)
		}
	})
	t.Run("huge header", func(t *testing.T) {
		s, _, target := rig(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Huge", strings.Repeat("x", maxHeaders+4096))
		})
		if err := s.Send(t.Context(), target, message); err == nil {
			t.Error("it was taken")
		}
	})
	t.Run("no answer", func(t *testing.T) {
		s, _, target := rig(t, func(c *Config) { c.Timeout = 50 * time.Millisecond }, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		var f *Failure
		if err := s.Send(t.Context(), target, message); !errors.As(err, &f) || f.Status != 0 || f.Final || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

func TestSend_Refuses(t *testing.T) {
	s, _, target := rig(t, func(c *Config) { c.AllowPlain = false }, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	for _, u := range []string{
		"", target.URL, "ftp://example.com/", "https://", "https:///a", "https://user:secret@example.com/", "https://example.com/#a",
		"https:example.com", "https://exa mple.com/", "https://10.0.0.1/", "https://[fe80::1%25eth0]/", "https://example.com/\r\nX: y",
	} {
		var f *Failure
		err := s.Send(t.Context(), Target{URL: u, Secrets: target.Secrets}, message)
		if !errors.As(err, &f) || !f.Final || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%q: %v", u, err)
		}
	}
	if err := s.Check(Target{URL: "https://example.com/"}); err == nil {
		t.Error("a target without a secret is taken")
	}
	for _, id := range []string{"", "a b", "a.b", "a\r\nb", "é", strings.Repeat("a", 129)} {
		var f *Failure
		err := s.Send(t.Context(), Target{URL: "https://example.com/", Secrets: target.Secrets}, Message{ID: id})
		if !errors.As(err, &f) || !f.Final {
			t.Errorf("the id %q: %v", id, err)
		}
	}
}

func TestDeliver_TriesAgain(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []int
		want    int // attempts
		waits   string
		status  int // of the failure, 0 = it was delivered
	}{
		{"at once", []int{200}, 1, "[]", 0},
		{"the second time", []int{500, 204}, 2, "[1ns]", 0},
		{"after a redirect", []int{302, 200}, 2, "[1ns]", 0},
		{"never", []int{500, 404, 503, 500}, 4, "[1ns 2ns 3ns]", 500},
		{"not after Gone", []int{500, 410}, 2, "[1ns]", 410},
		{"when the receiver is ready", []int{429, 200}, 2, "[7s]", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			attempts := 0
			s, c, target := rig(t, nil, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Webhook-Id") != message.ID {
					t.Errorf("attempt %d has the id %s", attempts, r.Header.Get("Webhook-Id"))
				}
				if tt.answers[attempts] == 429 {
					w.Header().Set("Retry-After", "7")
				}
				w.WriteHeader(tt.answers[attempts])
				attempts++
			})
			err := s.Deliver(t.Context(), target, message)
			var f *Failure
			if tt.status == 0 && err != nil || tt.status != 0 && (!errors.As(err, &f) || f.Status != tt.status) {
				t.Errorf("%v, want %d", err, tt.status)
			}
			if attempts != tt.want || fmt.Sprint(c.waits) != tt.waits {
				t.Errorf("%d attempts, with waits of %v, want %d and %s", attempts, c.waits, tt.want, tt.waits)
			}
		})
	}
}

func TestDeliver_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	s, c, target := rig(t, nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	c.hold = true
	ended := make(chan error, 1)
	go func() { ended <- s.Deliver(ctx, target, message) }()
	cancel(enough)
	if err := <-ended; !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}

func TestDelay_IsLengthenedByUpToATenth(t *testing.T) {
	s := NewSender(Config{Jitter: func() float64 { return 0.5 }})
	defer s.Close()
	if got := s.delay(0); got != 5250*time.Millisecond {
		t.Errorf("%s", got)
	}
	if got := retryAfter("99999999"); got != maxDelay {
		t.Errorf("a receiver that asks for years gets %s", got)
	}
	for _, text := range []string{"", "-1", "soon", "Mon, 23 Nov 2026 12:00:00 GMT"} {
		if got := retryAfter(text); got != 0 {
			t.Errorf("%q is %s", text, got)
		}
	}
}
