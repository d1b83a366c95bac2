// Package page serves the demo app from the binary: live dashboards to look at and to
// edit together. Its sources are in web/packages/demo; what they build is committed in
// dist, so that building the command needs no Node ("make web" makes it anew, and
// "make web-current" fails if it is stale).
//
//	server, err := dashwire.New(dashwire.Config{Journal: j, Pages: page.Handler()})
//
// It is not the place for an app's own pages: an embedder serves these itself.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

//go:embed dist
var dist embed.FS

// file is one file of the app as it is sent. It is never changed.
type file struct {
	kind  string // Content-Type
	cache string // Cache-Control
	etag  string
	plain []byte
	gzip  func() []byte // packs at the first call; nil where it saves nothing
}

const (
	// asked has a file asked for again with its ETag, so that a new server's app is
	// never mixed with an old one.
	asked = "no-cache"
	// forever is for files whose name changes with their content.
	forever = "public, max-age=31536000, immutable"
)

type handler struct{ files map[string]*file } // by path below the root

// Handler serves the app: index.html at /, the other files at their names. Paths are
// relative, so that it may be mounted below a prefix that is stripped. Every answer
// carries a Content-Security-Policy that allows the app's own files and WebSockets to
// the host that it was loaded from, and nothing inline, and a Permissions-Policy that takes
// away what the app has no use for.
func Handler() http.Handler {
	h := &handler{files: make(map[string]*file)}
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant of this package
	}
	err = fs.WalkDir(sub, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(sub, name)
		if err != nil {
			return err
		}
		h.files[name] = newFile(name, data)
		return nil
	})
	if err != nil {
		panic(err) // embedded files can be read
	}
	return h
}

// types are those of the app's files, the same on every machine.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

func newFile(name string, data []byte) *file {
	kind, ok := types[path.Ext(name)]
	if !ok {
		kind = mime.TypeByExtension(path.Ext(name))
	}
	sum := sha256.Sum256(data)
	f := &file{kind: kind, cache: asked, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, plain: data}
	if strings.HasPrefix(name, "assets/") {
		f.cache = forever
	}
	f.gzip = sync.OnceValue(func() []byte { return pack(data) })
	return f
}

// pack is data in gzip, or nil if that saves less than a tenth.
func pack(data []byte) []byte {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil || packed.Len() >= len(data)*9/10 {
		return nil
	}
	return packed.Bytes()
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy(r.Host))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()")
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	f, ok := h.files[name]
	switch {
	case !ok:
		http.Error(w, "there is no such page; the dashboards are at /", http.StatusNotFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "the page can only be read", http.StatusMethodNotAllowed)
		return
	}
	header.Set("ETag", f.etag)
	header.Set("Cache-Control", f.cache)
	header.Set("Vary", "Accept-Encoding")
	if matches(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if packed := f.gzip(); packed != nil {
			body = packed
			header.Set("Content-Encoding", "gzip")
		}
	}
	header.Set("Content-Type", f.kind)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // who has gone away cannot be told
	}
}

// policy is the Content-Security-Policy. Some browsers do not count WebSockets to the
// same host as 'self', so they are named; a loopback host is named by both its names.
func policy(host string) string {
	connect := "'self'"
	if plainHost.MatchString(host) {
		connect += " ws://" + host + " wss://" + host
		if name, port, err := net.SplitHostPort(host); err == nil && (name == "localhost" || name == "127.0.0.1") {
			connect += " ws://localhost:" + port + " ws://127.0.0.1:" + port
		}
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " + connect +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
}

// plainHost is a Host header that can stand in a policy.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

func matches(ifNoneMatch, etag string) bool {
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		if candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/"); candidate == etag || candidate == "*" {
			return true
		}
	}
	return false
}

func acceptsGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		coding, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(coding) == "gzip" {
			weight, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(q), "q="), 64)
			return q == "" || err == nil && weight > 0
		}
	}
	return false
}
