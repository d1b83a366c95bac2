package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire/client"
)

// authority signs certificates of servers.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, pool: x509.NewCertPool()}
	a.cert, a.key, _ = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, 0)
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) sign(c *x509.Certificate, serial int64) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(serial+1), time.Now().Add(-time.Hour), time.Now().Add(90*24*time.Hour)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		a.t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return parsed, key, der
}

// issue writes a certificate of localhost with a serial number of its own.
func (a *authority) issue(dir string, serial int64) {
	a.t.Helper()
	_, key, der := a.sign(&x509.Certificate{
		DNSNames: []string{"localhost", "dash.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, serial)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "PRIVATE KEY", Bytes: secret}} {
		temporary := filepath.Join(dir, name+".new")
		write(a.t, temporary, string(pem.EncodeToMemory(block)))
		if err := os.Rename(temporary, filepath.Join(dir, name)); err != nil {
			a.t.Fatal(err)
		}
	}
}

// client is a browser that trusts the authority, on a connection of its own.
func (a *authority) client(addr string) *http.Client {
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: a.pool}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}
	a.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// shown is the serial number of the certificate that a new connection sees.
func (a *authority) shown(addr string) int64 {
	a.t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: a.pool, ServerName: "dash.example.com"})
	if err != nil {
		a.t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

var secureLine = regexp.MustCompile(`^Ready on https://(\S+)$`)

// TestServe_TLS: pages by HTTP/2, sessions by WebSocket over TLS, and another certificate
// under open sessions.
func TestServe_TLS(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t)
	ca.issue(dir, 1)
	p := start(t, command(t, dir, "serve", "--listen", "127.0.0.1:0", "--tls-cert", "tls.crt", "--tls-key", "tls.key", "--drain", "100ms", "--insecure"))
	addr := p.wait(secureLine)[1]
	if ws := p.wait(regexp.MustCompile(`^WebSocket on (\S+)$`))[1]; ws != "wss://"+addr+"/api/realtime" {
		t.Errorf("WebSocket on %s", ws)
	}
	browser := ca.client(addr)
	get := func(url string) (*http.Response, string) {
		t.Helper()
		res, err := browser.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	res, body := get("https://dash.example.com/api/realtime")
	if res.Proto != "HTTP/2.0" || res.Header.Get("Strict-Transport-Security") != "max-age=31536000" || !strings.Contains(body, `"wsUrl":"wss://dash.example.com/api/realtime"`) {
		t.Errorf("%s %v %s", res.Proto, res.Header, body)
	}
	if res, _ := get("https://localhost/"); res.StatusCode != 200 || res.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("a name of this machine: %d %v", res.StatusCode, res.Header)
	}

	c, err := client.Dial(t.Context(), client.Options{URL: "https://" + addr, UserID: "ana", TLS: &tls.Config{RootCAs: ca.pool}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ops, err := c.Subscribe(t.Context(), "ops", client.Follow{})
	if err != nil {
		t.Fatal(err)
	}
	edit := func(widget string) {
		t.Helper()
		if _, err := ops.Do(t.Context(), client.Op{Type: client.WidgetUpdate, WidgetID: widget, Create: true, Set: map[string]any{"/config": strings.Repeat("x", 100_000)}}); err != nil {
			t.Fatal(err)
		}
	}
	edit("before")
	session := c.SessionID()
	ca.issue(dir, 2)
	p.signal(syscall.SIGHUP)
	for deadline := time.Now().Add(patience); ca.shown(addr) != 3; {
		if time.Now().After(deadline) {
			t.Fatalf("the certificate is still the old one\n%s", p.errs.String())
		}
	}
	edit("after")
	if c.SessionID() != session {
		t.Error("the session did not live through the change of the certificate")
	}

	for name, cfg := range map[string]*tls.Config{
		"TLS 1.1":      {RootCAs: ca.pool, ServerName: "localhost", MaxVersion: tls.VersionTLS11},
		"another name": {RootCAs: ca.pool, ServerName: "evil.example"},
	} {
		if conn, err := tls.Dial("tcp", addr, cfg); err == nil {
			conn.Close()
			t.Errorf("%s is taken", name)
		}
	}
	p.stop()
}

func TestServe_PlainHTTPLeadsToTLS(t *testing.T) {
	h := redirect(443)
	for _, tc := range []struct {
		method, host, target string
		port, status         int
		to                   string
	}{
		{"GET", "dash.example.com", "/d/ops?x=1", 443, 308, "https://dash.example.com/d/ops?x=1"},
		{"HEAD", "dash.example.com:80", "/", 443, 308, "https://dash.example.com/"},
		{"GET", "dash.example.com:8080", "/", 8443, 308, "https://dash.example.com:8443/"},
		{"GET", "[::1]:80", "/", 8443, 308, "https://[::1]:8443/"},
		{"GET", "dash.example.com", "//evil.example/x", 443, 308, "https://dash.example.com//evil.example/x"},
		{"GET", "dash.example.com", "http:.evil.example/x", 443, 400, ""},
		{"GET", "dash.example.com", "http:@evil.example/x", 443, 400, ""},
		{"GET", "dash.example.com", "x:evil.example", 8443, 400, ""},
		{"GET", "dash.example.com", "http://a:b@dash.example.com/x", 443, 308, "https://dash.example.com/x"},
		{"GET", "evil.example/x?", "/", 443, 400, ""},
		{"GET", "user@evil.example", "/", 443, 400, ""},
		{"GET", "", "/", 443, 400, ""},
		{"POST", "dash.example.com", "/api/sign-in", 443, 403, ""},
		{"PUT", "dash.example.com", "/", 443, 403, ""},
	} {
		t.Run(tc.method+" "+tc.host+tc.target, func(t *testing.T) {
			if tc.port != 443 {
				h = redirect(tc.port)
			} else {
				h = redirect(443)
			}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			srv := &http.Server{Handler: h}
			ended := make(chan error, 1)
			go func() { ended <- srv.Serve(ln) }()
			defer func() { srv.Close(); <-ended }()
			conn, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", tc.method, tc.target, tc.host)
			text, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), fmt.Sprintf("HTTP/1.1 %d ", tc.status)) || tc.to != "" && !strings.Contains(string(text), "\r\nLocation: "+tc.to+"\r\n") {
				t.Errorf("got\n%s", text)
			}
			if tc.to == "" && strings.Contains(string(text), "Location") {
				t.Errorf("it leads somewhere:\n%s", text)
			}
		})
	}
}

// TestServe_PlainHTTPAnswersBodies: who sends a whole body before it reads has the answer,
// and who holds it back does not keep the connection.
func TestServe_PlainHTTPAnswersBodies(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := newServer(transport{}.plain(ln.Addr()))
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	defer func() { srv.Close(); <-ended }()
	exchange := func(t *testing.T, head, body string) {
		t.Helper()
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /api/sign-in HTTP/1.1\r\nHost: dash.example.com\r\nContent-Length: 250000\r\n%s\r\n", head)
		for part := range slices.Chunk([]byte(body), 50_000) {
			if _, err := conn.Write(part); err != nil {
				t.Fatalf("while the body is sent: %v", err)
			}
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 403 ") {
			t.Errorf("%.200q, %v", answer, err)
		}
	}
	t.Run("sent whole", func(t *testing.T) { exchange(t, "Connection: close\r\n", strings.Repeat(" ", 250_000)) })
	t.Run("held back", func(t *testing.T) { exchange(t, "", "") })
}

func TestReload_WhatIsNoGoodIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t)
	ca.issue(dir, 1)
	var log bytes.Buffer
	r := &reloader{log: slog.New(slog.NewTextHandler(&log, nil))}
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	f := tlsFlags{TLSCert: cert, TLSKey: key}
	carrier, err := f.transport(r, r.log)
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		c, err := carrier.tls.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.SerialNumber.Int64()
	}
	r.again(false)
	if log.Len() > 0 {
		t.Errorf("nothing has changed, and the log says %s", log.String())
	}
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(){
		"no certificate": func() { write(t, cert, "nothing") },
		"a key of another": func() {
			other := t.TempDir()
			ca.issue(other, 7)
			text, _ := os.ReadFile(filepath.Join(other, "tls.key"))
			write(t, key, string(text))
		},
		"half of a file":     func() { write(t, key, string(good[:40])) },
		"a file that is not": func() { os.Remove(cert) },
	} {
		ca.issue(dir, 1)
		r.again(false)
		log.Reset()
		change()
		r.again(false)
		if serial() != 2 || !strings.Contains(log.String(), "what was read before stays in use") || strings.Contains(log.String(), "PRIVATE") {
			t.Errorf("%s: serial %d, log %s", name, serial(), log.String())
		}
		log.Reset()
		r.again(false)
		if log.Len() > 0 {
			t.Errorf("%s: said twice: %s", name, log.String())
		}
	}
	ca.issue(dir, 5)
	r.again(false)
	if serial() != 6 {
		t.Errorf("serial %d", serial())
	}
}
