package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/internal/certs"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/httpapi"
)

// tlsFlags say whose certificate is shown. The rarer ones are not in the help, which is a
// screen at most; docs/operations.md has them all.
type tlsFlags struct {
	TLSCert       string   `name:"tls-cert" group:"sign-in" placeholder:"FILE" help:"certificate for TLS, with --tls-key (or --acme-domain)"`
	TLSKey        string   `name:"tls-key" hidden:"" placeholder:"FILE" help:"the key of the certificate"`
	ACMEDomain    []string `name:"acme-domain" hidden:"" placeholder:"NAME,…" help:"have certificates from Let's Encrypt, agreeing to its terms"`
	ACMECache     string   `name:"acme-cache" hidden:"" default:"./dashwire-acme" help:"folder that keeps them"`
	ACMEEmail     string   `name:"acme-email" hidden:"" help:"whom the authority may write to"`
	ACMEDirectory string   `name:"acme-directory" hidden:"" help:"another authority than Let's Encrypt"`
	Redirect      string   `name:"redirect-listen" hidden:"" placeholder:"ADDR" help:"a listener that sends plain HTTP to https"`
	HSTS          span     `name:"hsts" hidden:"" default:"365d" help:"how long browsers are told to use https alone (0 = not told)"`
}

// tlsOn tells whether the server ends TLS itself.
func (f *tlsFlags) tlsOn() bool { return f.TLSCert != "" || f.TLSKey != "" || len(f.ACMEDomain) > 0 }

// scheme is how pages reach the server.
func (f *tlsFlags) scheme() string {
	if f.tlsOn() {
		return "https"
	}
	return "http"
}

// transport is what the listener speaks: TLS by tls, nil = plain HTTP.
type transport struct {
	tls  *tls.Config
	acme *certs.ACME // nil = certificates are from files
}

// transport makes the certificates ready. Files are looked at again by r.
func (f *tlsFlags) transport(r *reloader, log *slog.Logger) (t transport, err error) {
	files, acme := f.TLSCert != "" || f.TLSKey != "", len(f.ACMEDomain) > 0
	switch {
	case files && (f.TLSCert == "" || f.TLSKey == ""):
		return t, refuse("--tls-cert and --tls-key belong together: name both files")
	case files && acme:
		return t, refuse("--tls-cert and --acme-domain exclude each other: name files, or domains to have certificates for")
	case !acme && (f.ACMEEmail != "" || f.ACMEDirectory != ""):
		return t, refuse("--acme-email and --acme-directory do nothing without --acme-domain: name a domain")
	case !files && !acme && f.Redirect != "":
		return t, refuse("--redirect-listen does nothing without TLS: name a certificate with --tls-cert and --tls-key, or a domain with --acme-domain")
	case acme:
		if t.acme, err = certs.NewACME(certs.ACMEConfig{
			Domains: f.ACMEDomain, Folder: f.ACMECache, Email: f.ACMEEmail, Directory: f.ACMEDirectory, Log: log,
		}); err != nil {
			return t, refuse("--acme-domain: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		t.tls = t.acme.TLS()
	case files:
		var source *certs.Files
		err := r.read("the certificate", []string{f.TLSCert, f.TLSKey}, func() (err error) {
			if source == nil {
				source, err = certs.FromFiles(f.TLSCert, f.TLSKey)
			} else {
				err = source.Reload()
			}
			if err == nil {
				aboutCertificate(log, source)
			}
			return err
		})
		if err != nil {
			return t, refuse("--tls-cert: %w", err)
		}
		t.tls = source.TLS()
	}
	return t, nil
}

// aboutCertificate warns of one that has ended or is about to.
func aboutCertificate(log *slog.Logger, source *certs.Files) {
	leaf := source.Leaf()
	if left := time.Until(leaf.NotAfter); left < certs.Soon {
		log.Warn("the certificate ends soon or has ended: put a new one in its place", "ends", leaf.NotAfter, "names", certs.Names(leaf))
	}
}

// hsts tells browsers to come by https alone from now on (RFC 6797), but not on names of
// this machine, where other programs may not.
func (f *tlsFlags) hsts(next http.Handler) http.Handler {
	if !f.tlsOn() || f.HSTS == 0 {
		return next
	}
	value := "max-age=" + strconv.Itoa(int(time.Duration(f.HSTS)/time.Second))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil && !thisMachine(r.Host) {
			w.Header().Set("Strict-Transport-Security", value)
		}
		next.ServeHTTP(w, r)
	})
}

func thisMachine(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// streamsAtOnce is how many requests one HTTP/2 connection may have open.
const streamsAtOnce = 100

// overTLS has a server speak TLS, and over it also HTTP/2.
func overTLS(s *http.Server, by *tls.Config) {
	s.TLSConfig = by
	s.Protocols.SetHTTP2(true)
	s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streamsAtOnce, SendPingTimeout: idleTime, WriteByteTimeout: 30 * time.Second}
}

// plain is what the listener for plain HTTP answers: where https is, and what the
// authority asks.
func (t transport) plain(main net.Addr) http.Handler {
	port := 443
	if tcp, ok := main.(*net.TCPAddr); ok {
		port = tcp.Port
	}
	h := redirect(port)
	if t.acme != nil {
		h = t.acme.Challenges(h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer httpapi.ReadRest(w, r, clock.Real{})
		h.ServeHTTP(w, r)
	})
}

// hostName is a Host header that can stand in an address.
var hostName = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)

// redirect sends what comes by plain HTTP to the port that speaks TLS. What would change
// something is refused: it has told its secrets to everybody on the way, and its program
// should hear of it.
func redirect(port int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		switch {
		case !hostName.MatchString(r.Host):
			http.Error(w, "the Host header names no host", http.StatusBadRequest)
			return
		case !strings.HasPrefix(r.URL.RequestURI(), "/"): // "GET http:@evil.example" would go on with the host
			http.Error(w, "the request names no path", http.StatusBadRequest)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.Error(w, "this port only leads to https: send the request there, and make a new token if it had one", http.StatusForbidden)
			return
		}
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
			if strings.Contains(name, ":") {
				host = "[" + name + "]"
			}
		}
		if port != 443 {
			host += ":" + strconv.Itoa(port)
		}
		w.Header().Set("Location", fmt.Sprintf("https://%s%s", host, r.URL.RequestURI()))
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}
