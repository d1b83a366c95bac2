package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Files is a certificate with its key from two files. It may be used by any number of
// goroutines at once.
type Files struct {
	cert, key string
	now       atomic.Pointer[tls.Certificate]
}

// FromFiles reads a certificate, with those of its issuers behind it, and its key, both as
// PEM.
func FromFiles(cert, key string) (*Files, error) {
	f := &Files{cert: cert, key: key}
	if err := f.Reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Reload reads the files anew. If they are no good the certificate stays that of before.
// The error does not hold what is in them.
func (f *Files) Reload() error {
	chain, err := os.ReadFile(f.cert)
	if err != nil {
		return fmt.Errorf("the certificate cannot be read: %w", err)
	}
	key, err := os.ReadFile(f.key)
	if err != nil {
		return fmt.Errorf("the key of the certificate cannot be read: %w", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return fmt.Errorf("%s and %s are no certificate with its key: %s", f.cert, f.key, strings.TrimPrefix(err.Error(), "tls: "))
	}
	if pair.Leaf.IsCA && len(pair.Leaf.DNSNames)+len(pair.Leaf.IPAddresses) == 0 {
		return fmt.Errorf("%s begins with the certificate of an authority: put that of the server first", f.cert)
	}
	f.now.Store(&pair)
	return nil
}

// Leaf is the certificate of this moment.
func (f *Files) Leaf() *x509.Certificate { return f.now.Load().Leaf }

// errNone keeps tls from looking for a certificate elsewhere.
var errNone = errors.New("certs: there is no certificate")

// TLS is the configuration of a server that shows the certificate: TLS 1.2 at least, with
// the library's choice of everything else.
func (f *Files) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := f.now.Load(); c != nil {
				return c, nil
			}
			return nil, errNone
		},
	}
}

// Names are the names that a certificate is for.
func Names(c *x509.Certificate) []string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// Soon is how long before its end a certificate is worth a warning.
const Soon = 14 * 24 * time.Hour
