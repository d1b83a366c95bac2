package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACMEConfig is how certificates are had from an authority. Domains and Folder must be
// set; nothing is changed after NewACME.
type ACMEConfig struct {
	// Domains are the names that certificates are asked for, each in full.
	Domains []string
	// Folder keeps the account's key and the certificates, readable by their owner alone.
	Folder string
	// Email is whom the authority writes to when something is wrong; may be "".
	Email string
	// Directory is the authority's address; "" = Let's Encrypt.
	Directory string
	// Client talks to the authority; nil = http.DefaultClient.
	Client *http.Client
	// Log hears why there is no certificate, at most once a minute. Nil = slog.Default().
	Log *slog.Logger
}

// ACME is the certificates of some domains, asked for when they are first needed and again
// well before their end. Asking means agreeing to the authority's terms.
type ACME struct {
	manager *autocert.Manager
	log     *slog.Logger

	mu     sync.Mutex
	logged time.Time
}

// NewACME checks the configuration; it asks for nothing yet.
func NewACME(cfg ACMEConfig) (*ACME, error) {
	var errs []error
	for _, d := range cfg.Domains {
		_, notAddress := netip.ParseAddr(d)
		if strings.ContainsAny(d, "*/:@ ") || !strings.Contains(d, ".") || notAddress == nil {
			errs = append(errs, fmt.Errorf("%q is no name of a host in full: write it like dash.example.com, without wildcards", d))
		}
	}
	if len(cfg.Domains) == 0 {
		errs = append(errs, errors.New("there is no domain to ask a certificate for"))
	}
	if cfg.Folder == "" {
		errs = append(errs, errors.New("there is no folder to keep certificates in"))
	}
	if cfg.Directory != "" {
		u, err := url.Parse(cfg.Directory)
		if err != nil || u.Hostname() == "" || u.Scheme != "https" && !(u.Scheme == "http" && local(u.Hostname())) {
			errs = append(errs, fmt.Errorf("%q is no address of an ACME directory: write it like https://acme.example.com/directory", cfg.Directory))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(cfg.Folder), Email: cfg.Email,
		HostPolicy: autocert.HostWhitelist(cfg.Domains...),
	}
	if cfg.Directory == "" {
		cfg.Directory = autocert.DefaultACMEDirectory
	}
	m.Client = &acme.Client{DirectoryURL: cfg.Directory, HTTPClient: cfg.Client, UserAgent: "dashwire"}
	return &ACME{manager: m, log: cfg.Log}, nil
}

func local(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// TLS is the configuration of a server for the domains. Its port must be reachable as 443
// for the authority to see it (TLS-ALPN-01), or else Challenges as port 80.
func (a *ACME) TLS() *tls.Config {
	cfg := a.manager.TLSConfig()
	cfg.MinVersion = tls.VersionTLS12
	get := cfg.GetCertificate
	cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		c, err := get(hello)
		if err != nil {
			a.failed(hello, err)
		}
		return c, err
	}
	return cfg
}

// logEvery is the least time between two lines about certificates that cannot be had:
// anybody may ask for any name.
const logEvery = time.Minute

func (a *ACME) failed(hello *tls.ClientHelloInfo, err error) {
	level := slog.LevelDebug // a name that is none of ours, or none at all
	if a.manager.HostPolicy(hello.Context(), strings.TrimSuffix(hello.ServerName, ".")) == nil {
		a.mu.Lock()
		if now := time.Now(); now.Sub(a.logged) >= logEvery {
			a.logged, level = now, slog.LevelError
		}
		a.mu.Unlock()
	}
	a.log.Log(hello.Context(), level, "certs: there is no certificate", "name", hello.ServerName, "err", err)
}

// Challenges answers the authority's questions on port 80 (HTTP-01), and gives every other
// request to others.
func (a *ACME) Challenges(others http.Handler) http.Handler { return a.manager.HTTPHandler(others) }
