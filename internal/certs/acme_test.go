package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"github.com/dashwire/dashwire/internal/freeport"
)

// authority runs an ACME server that looks for each name on this machine, at tlsPort.
func authority(t *testing.T, tlsPort int) (directory string, asks *http.Client, pool *x509.CertPool) {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	t.Setenv("PEBBLE_AUTHZREUSE", "0")
	dnsAddr := freeport.Addresses(t, 1)[0]
	names, err := challtestsrv.New(challtestsrv.Config{DNSAddrs: []string{dnsAddr}, Log: log.New(io.Discard, "", 0)})
	if err != nil {
		t.Fatal(err)
	}
	names.SetDefaultDNSIPv4("127.0.0.1")
	names.SetDefaultDNSIPv6("")
	go names.Run()
	t.Cleanup(names.Shutdown)
	// The authority asks by TCP.
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", dnsAddr)
	}}
	for deadline := time.Now().Add(time.Minute); ; {
		if _, err := resolver.LookupIP(t.Context(), "ip4", "dash.example.com."); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}

	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{"default": {Description: "the only one", ValidityPeriod: 90 * 24 * 3600}}
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, profiles)
	front := wfe.New(quiet, store, va.New(quiet, 1, tlsPort, true, dnsAddr, store), issuer, nil, true, false, 0, 0)
	srv := httptest.NewTLSServer(front.Handler())
	t.Cleanup(srv.Close)
	pool = x509.NewCertPool()
	pool.AddCert(issuer.GetRootCert(0).Cert)
	return srv.URL + "/dir", srv.Client(), pool
}

// TestACME_ACertificateFromAnAuthority: the first connection for a name has a certificate
// asked for and proved over the very port, and the next ones find it kept.
func TestACME_ACertificateFromAnAuthority(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	directory, asks, pool := authority(t, port)
	folder := filepath.Join(t.TempDir(), "acme")
	open := func() *ACME {
		t.Helper()
		a, err := NewACME(ACMEConfig{
			Domains: []string{"dash.example.com", "eu.example.com"}, Folder: folder, Directory: directory, Email: "ops@example.com",
			Client: asks, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := open()
	srv := &http.Server{
		TLSConfig: a.TLS(), ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }),
	}
	ended := inBackground(func() error { return srv.ServeTLS(ln, "", "") })
	defer func() {
		srv.Close()
		<-ended
	}()
	shake := func(name string) (tls.ConnectionState, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		d := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: name, NextProtos: []string{"h2", "http/1.1"}}}
		conn, err := d.DialContext(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			return tls.ConnectionState{}, err
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState(), nil
	}
	first, err := shake("dash.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if names := Names(first.PeerCertificates[0]); len(names) != 1 || names[0] != "dash.example.com" || first.NegotiatedProtocol != "h2" || first.Version < tls.VersionTLS12 {
		t.Errorf("names %v, protocol %s, version %x", names, first.NegotiatedProtocol, first.Version)
	}
	second, err := shake("dash.example.com")
	if err != nil || !second.PeerCertificates[0].Equal(first.PeerCertificates[0]) {
		t.Errorf("another certificate for the second connection: %v", err)
	}
	if _, err := shake("evil.example"); err == nil {
		t.Error("a certificate for a name that is not ours")
	}
	// It is kept over a restart, and readable by its owner alone.
	hello := &tls.ClientHelloInfo{ServerName: "dash.example.com", CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256}}
	kept, err := open().TLS().GetCertificate(hello)
	if err != nil || !kept.Leaf.Equal(first.PeerCertificates[0]) {
		t.Errorf("another certificate after a restart: %v", err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
	}
}

// inBackground runs f and gives what it returns.
func inBackground(f func() error) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	return ended
}

func TestACME_WhatIsWrongIsSaid(t *testing.T) {
	_, err := NewACME(ACMEConfig{Domains: []string{"*.example.com", "localhost", "127.0.0.1", "a b.example"}, Directory: "ftp://x"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"*.example.com"`, `"localhost"`, `"127.0.0.1"`, `"a b.example"`, "no folder", `"ftp://x"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	if _, err := NewACME(ACMEConfig{}); err == nil || !strings.Contains(err.Error(), "no domain") {
		t.Error(err)
	}
}
