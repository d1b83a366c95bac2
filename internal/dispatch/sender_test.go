package dispatch

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// still is a clock at one moment.
type still struct {
	clock.Real
	now time.Time
}

func (c still) Now() time.Time { return c.now }

const theSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func secret(t *testing.T, text string) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// here are the networks of this machine.
var here = prefixes("127.0.0.0/8", "::1/128")

// rig is a sender that may reach this machine, and its receiver.
func rig(t *testing.T, change func(*webhook.Target), receive http.HandlerFunc) *sender {
	t.Helper()
	receiver := httptest.NewServer(receive)
	t.Cleanup(receiver.Close)
	target := webhook.Target{Name: "t", URL: receiver.URL + "/hook?a=b", Secrets: []webhook.Secret{secret(t, theSecret)}, Allow: here}
	if change != nil {
		change(&target)
	}
	s := newSender(target.WithDefaults(), still{now: time.Unix(1614265330, 0)})
	t.Cleanup(s.close)
	return s
}

// example is the message that the convention's libraries test themselves by.
var example = message{id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: []byte(`{"test": 2432232314}`)}

func TestSend_SignsAsTheConventionHasIt(t *testing.T) {
	other := secret(t, "whsec_"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 64))))
	var got *http.Request
	var body string
	s := rig(t, func(t *webhook.Target) { t.Secrets = append(t.Secrets, other) }, func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got, body = r, string(data)
	})
	if err := s.send(t.Context(), example); err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodPost || got.URL.RequestURI() != "/hook?a=b" || body != string(example.body) {
		t.Errorf("%s %s %s", got.Method, got.URL, body)
	}
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	for name, value := range map[string]string{
		"webhook-id": example.id, "webhook-timestamp": "1614265330", "content-type": "application/json",
		"webhook-signature": want + " " + other.Sign(example.id, time.Unix(1614265330, 0), example.body),
	} {
		if got.Header.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), value)
		}
	}
	allowed := map[string]bool{
		"Webhook-Id": true, "Webhook-Timestamp": true, "Webhook-Signature": true, "Content-Type": true, "User-Agent": true, "Content-Length": true,
	}
	for name := range got.Header {
		if !allowed[name] {
			t.Errorf("the header %s was sent", name)
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
		"64:ff9b::7f00:1", "64:ff9b:1::1", "::ffff:0:127.0.0.1", "4000::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1", "5f00::1",
	} {
		if public(netip.MustParseAddr(a)) {
			t.Errorf("%s is public", a)
		}
	}
}

// TestSend_ReachesPublicAddressesAlone has a receiver on this machine that must hear of
// nothing, by whatever name it is called.
func TestSend_ReachesPublicAddressesAlone(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was reached", r.Host) }))
	t.Cleanup(receiver.Close)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(receiver.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "0", "0x7f.1", "2130706433", "127.1"} {
		for _, scheme := range []string{"http://", "https://"} {
			target := webhook.Target{Name: "t", URL: scheme + host + ":" + port + "/", Allow: prefixes("10.9.9.0/24")}
			s := newSender(target.WithDefaults(), clock.Real{})
			err := s.send(t.Context(), example)
			s.close()
			if err == nil {
				t.Fatalf("%s was reached", host)
			}
			var forbidden errForbidden
			var unknown *net.DNSError // forms that only some resolvers take for addresses
			if !errors.As(err, &forbidden) && !errors.As(err, &unknown) {
				t.Errorf("%s: %v", host, err)
			}
		}
	}
}

// TestSend_ChecksTheAddressThatANameResolvesTo: whatever a name meant when it was looked
// at before, what counts is the address that is dialled.
func TestSend_ChecksTheAddressThatANameResolvesTo(t *testing.T) {
	s := rig(t, nil, func(http.ResponseWriter, *http.Request) {})
	for _, address := range []string{"169.254.169.254:80", "[::ffff:169.254.169.254]:80", "10.0.0.1:443", "[64:ff9b::a9fe:a9fe]:80", "[fd00:ec2::254]:80"} {
		var forbidden errForbidden
		if err := s.control("tcp", address, nil); !errors.As(err, &forbidden) {
			t.Errorf("%s: %v", address, err)
		}
	}
	var plain errPlain
	if err := s.control("tcp", "93.184.216.34:80", nil); !errors.As(err, &plain) {
		t.Errorf("http:// over the internet: %v", err)
	}
	if err := s.control("tcp", "127.0.0.1:80", nil); err != nil {
		t.Errorf("an allowed address: %v", err)
	}
}

func TestSend_FollowsNoRedirects(t *testing.T) {
	var paths []string
	s := rig(t, nil, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusTemporaryRedirect)
	})
	var f *failure
	if err := s.send(t.Context(), example); !errors.As(err, &f) || f.status != 307 || f.gone() || len(paths) != 1 {
		t.Errorf("%v after %v", err, paths)
	}
}

func TestSend_GoesThroughNoProxyButItsOwn(t *testing.T) {
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		w.WriteHeader(http.StatusForbidden)
	}))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	if err := rig(t, nil, func(http.ResponseWriter, *http.Request) {}).send(t.Context(), example); err != nil {
		t.Fatal(err)
	}
	if len(asked) > 0 {
		t.Errorf("the environment's proxy was asked for %s", <-asked)
	}
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := rig(t, func(t *webhook.Target) { t.URL, t.Allow, t.Proxy = "https://hooks.example.com/a", nil, u }, nil)
	if err := s.send(t.Context(), example); err == nil {
		t.Error("what the proxy refused was sent")
	}
	if got := <-asked; got != "CONNECT hooks.example.com:443" {
		t.Errorf("the proxy was asked for %s", got)
	}
}

func TestSend_HoldsAnswersToASizeAndATime(t *testing.T) {
	t.Run("endless body", func(t *testing.T) {
		s := rig(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		})
		if err := s.send(t.Context(), example); err != nil {
			t.Error(err)
		}
	})
	t.Run("an answer of 1 GiB", func(t *testing.T) {
		written := make(chan int, 1)
		s := rig(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1073741824")
			total := 0
			for total < 1<<30 {
				n, err := w.Write(make([]byte, 64<<10))
				if total += n; err != nil {
					break
				}
			}
			written <- total
		})
		if err := s.send(t.Context(), example); err != nil {
			t.Error(err)
		}
		if n := <-written; n > 64<<20 {
			t.Errorf("%d bytes of it went over the line", n)
		}
	})
	t.Run("huge header", func(t *testing.T) {
		s := rig(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Huge", strings.Repeat("x", maxHeaders+4096))
		})
		if err := s.send(t.Context(), example); err == nil {
			t.Error("it was taken")
		}
	})
	t.Run("no answer", func(t *testing.T) {
		s := rig(t, func(t *webhook.Target) { t.Timeout = 50 * time.Millisecond }, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		var f *failure
		if err := s.send(t.Context(), example); !errors.As(err, &f) || f.status != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	t.Run("a connection that is closed", func(t *testing.T) {
		s := rig(t, nil, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		var f *failure
		if err := s.send(t.Context(), example); !errors.As(err, &f) || f.status != 0 || !f.ofTarget() {
			t.Errorf("%v", err)
		}
	})
}

func TestSend_ErrorsHideTheAddress(t *testing.T) {
	s := rig(t, func(t *webhook.Target) { t.URL, t.Allow = "https://localhost:1/token-in-path", nil }, nil)
	if err := s.send(t.Context(), example); err == nil || strings.Contains(err.Error(), "token-in-path") {
		t.Errorf("%v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "-1": 0, "soon": 0, "7": 7 * time.Second, "99999999": maxAskedPause,
		"Mon, 23 Nov 2026 12:00:30 GMT": 30 * time.Second, "Mon, 23 Nov 2026 11:00:00 GMT": 0, "Fri, 23 Nov 2029 12:00:00 GMT": maxAskedPause,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	for failed, want := range map[int]time.Duration{1: 5, 2: 10, 3: 20, 10: 2560, 11: 3600, 1000: 3600} {
		if got := backoff(5*time.Second, time.Hour, failed, 0.5); got != want*time.Second {
			t.Errorf("after %d failures: %s, want %s", failed, got, want*time.Second)
		}
	}
	if low, high := backoff(4*time.Second, time.Hour, 1, 0), backoff(4*time.Second, time.Hour, 1, 0.999); low != 3*time.Second || high < 4990*time.Millisecond || high > 5*time.Second {
		t.Errorf("jitter goes from %s to %s", low, high)
	}
}
