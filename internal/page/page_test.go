package page_test

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/internal/page"
)

func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost:3000"
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, r)
	return w.Result()
}

// asset is the path of a file under assets/ by its ending.
func asset(t *testing.T, ending string) string {
	t.Helper()
	for _, name := range files(t) {
		if strings.HasPrefix(name, "assets/") && strings.HasSuffix(name, ending) {
			return "/" + name
		}
	}
	t.Fatalf("the app has no %s", ending)
	return ""
}

func TestHandler_ServesTheApp(t *testing.T) {
	for _, c := range []struct{ name, path, kind, cache string }{
		{"index", "/", "text/html; charset=utf-8", "no-cache"},
		{"index by name", "/index.html", "text/html; charset=utf-8", "no-cache"},
		{"script", asset(t, ".js"), "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"style", asset(t, ".css"), "text/css; charset=utf-8", "public, max-age=31536000, immutable"},
		{"icon", "/icon.svg", "image/svg+xml", "no-cache"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := get(t, c.path)
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != c.kind {
				t.Fatalf("status %d, type %q", res.StatusCode, res.Header.Get("Content-Type"))
			}
			if got := res.Header.Get("Cache-Control"); got != c.cache {
				t.Errorf("Cache-Control is %q, want %q", got, c.cache)
			}
			if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Referrer-Policy") == "" {
				t.Errorf("headers %v", res.Header)
			}
			if again := get(t, c.path, "If-None-Match", res.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
				t.Errorf("with its ETag: status %d", again.StatusCode)
			}
			plain, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			packed := get(t, c.path, "Accept-Encoding", "gzip, br")
			if packed.Header.Get("Content-Encoding") != "gzip" {
				return // too small to gain
			}
			unpack, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(unpack); err != nil || string(got) != string(plain) {
				t.Errorf("packed differs: %v", err)
			}
		})
	}
	if res := get(t, "/", "Accept-Encoding", "gzip;q=0"); res.Header.Get("Content-Encoding") != "" {
		t.Error("sends gzip to who refuses it")
	}
	for _, path := range []string{"/nothing", "/dist/index.html", "/assets", "/../page.go"} {
		if res := get(t, path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, res.StatusCode)
		}
	}
}

func TestHandler_Policy(t *testing.T) {
	csp := get(t, "/").Header.Get("Content-Security-Policy")
	for _, want := range []string{
		"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'",
		"connect-src 'self' ws://localhost:3000 wss://localhost:3000",
	} {
		if !strings.Contains(csp, want) {
			t.Errorf("%q lacks %q", csp, want)
		}
	}
	if strings.Contains(csp, "unsafe") {
		t.Errorf("%q", csp)
	}
	for _, path := range []string{"/", "/nothing", "/assets"} { // pages of errors too
		h := get(t, path).Header
		if h.Get("Content-Security-Policy") != csp || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" ||
			h.Get("Cross-Origin-Resource-Policy") != "same-origin" || !strings.Contains(h.Get("Permissions-Policy"), "camera=()") {
			t.Errorf("%s: %v", path, h)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "evil; script-src *"
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, r)
	if csp := w.Header().Get("Content-Security-Policy"); strings.Contains(csp, "evil") {
		t.Errorf("the Host header got into the policy: %q", csp)
	}
}

// The policy forbids anything inline, so the app must do without.
func TestDist_HasNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`<script>|<style|\sstyle=|\son\w+=|javascript:`)
	for _, name := range files(t) {
		if strings.HasSuffix(name, ".html") {
			if found := inline.FindString(read(t, name)); found != "" {
				t.Errorf("%s has %q, which the policy forbids", name, found)
			}
		}
		if strings.HasSuffix(name, ".map") {
			t.Errorf("%s is no part of the app", name)
		}
	}
}

// What index.html and the scripts name is there.
func TestDist_IsWhole(t *testing.T) {
	names := regexp.MustCompile(`assets/[\w-]+[\w.-]*\.(?:js|css)`)
	found := 0
	for _, name := range files(t) {
		if !strings.HasSuffix(name, ".html") && !strings.HasSuffix(name, ".js") {
			continue
		}
		for _, asset := range names.FindAllString(read(t, name), -1) {
			found++
			if _, err := os.Stat("dist/" + asset); err != nil {
				t.Errorf("%s names %s: %v", name, asset, err)
			}
		}
	}
	if found == 0 {
		t.Error("index.html names no scripts")
	}
}

func files(t *testing.T) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(os.DirFS("dist"), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("dist/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
